"""What services that do not know each other must say alike about models."""

from immichvr_ai.depth import DEPTH_MODELS as DEPTH_OF_WORKERS
from immichvr_ai.splats import SPLAT_MODELS as SPLATS_OF_WORKERS
from immichvr_gateway.requests.depth import DEPTH_MODELS
from immichvr_gateway.requests.splat import SPLAT_MODELS


def test_people_can_ask_for_what_workers_can_do_and_nothing_else() -> None:
    assert set(DEPTH_MODELS) == {"auto", *DEPTH_OF_WORKERS}
    assert set(SPLAT_MODELS) == {"auto", *SPLATS_OF_WORKERS}
