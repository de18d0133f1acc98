"""What services that do not know each other must say alike about models."""

from immichvr_ai.depth import DEPTH_MODELS as KNOWN_TO_WORKERS
from immichvr_ai.depth.choice import PREFERRED
from immichvr_gateway.assets import PREFERENCE
from immichvr_gateway.orders import DEPTH_MODELS


def test_the_gateway_ranks_depth_models_as_workers_prefer_them() -> None:
    assert list(PREFERENCE) == ["embedded", *PREFERRED, "heuristic"]


def test_people_can_ask_for_every_depth_model_that_workers_know() -> None:
    assert set(KNOWN_TO_WORKERS) <= set(DEPTH_MODELS)
