"""What services that do not know each other must say alike about models."""

from immichvr_ai.depth import DEPTH_MODELS as DEPTH_OF_WORKERS
from immichvr_ai.depth.choice import PREFERRED as PREFERRED_DEPTH
from immichvr_ai.splats import PREFERRED as PREFERRED_SPLATS
from immichvr_ai.splats import SPLAT_MODELS as SPLATS_OF_WORKERS
from immichvr_gateway.assets import PREFERENCE
from immichvr_gateway.orders import DEPTH_MODELS, SPLAT_MODELS

DEPTH = [*PREFERRED_DEPTH, "heuristic"]


def test_the_gateway_ranks_models_as_workers_prefer_them() -> None:
    assert list(PREFERENCE["depth"]) == ["embedded", *DEPTH]
    assert list(PREFERENCE["splat"]) == ["lift-embedded", *PREFERRED_SPLATS, *(f"lift-{key}" for key in DEPTH)]


def test_people_can_ask_for_what_workers_can_do_and_nothing_else() -> None:
    assert set(DEPTH_MODELS) == {"auto", *DEPTH_OF_WORKERS}
    assert set(SPLAT_MODELS) == {"auto", *SPLATS_OF_WORKERS}
