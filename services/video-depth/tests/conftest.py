"""Golden data of the published network, which lie beside the repository."""

from pathlib import Path
from typing import Any

import pytest
from immichvr_video_depth.testing import golden

VECTORS = Path(__file__).parents[4] / "shared/vectors/vda"


@pytest.fixture(scope="session")
def vectors() -> Path:
    """What the published code made of weights and clips by formula; beside the repository, not in it."""
    if not VECTORS.is_dir():
        pytest.skip("no golden data in ../shared/vectors/vda")
    return VECTORS


@pytest.fixture(scope="session")
def vits(vectors: Path) -> Any:
    """The small network with the weights of the golden data."""
    return golden.network("vits")
