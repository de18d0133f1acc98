"""Clouds to convert, and where they lie."""

from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
import pytest_asyncio
from immichvr_common.storage import ObjectStore
from immichvr_splats import Camera, GaussianCloud

MakeCloud = Callable[..., GaussianCloud]


@pytest.fixture(scope="session")
def make_cloud() -> MakeCloud:
    """Makes clouds of a given size: flat Gaussians of many colours in front of a camera."""

    def make(count: int, degree: int = 0, camera: bool = False) -> GaussianCloud:
        random = np.random.default_rng(count)
        return GaussianCloud(
            means=random.uniform((-3, -3, 2), (3, 3, 9), (count, 3)),
            log_scales=random.uniform(-6, -2, (count, 3)),
            quaternions=random.standard_normal((count, 4)),
            opacity_logits=random.uniform(-3, 5, count),
            sh=random.uniform(-0.9, 0.9, (count, (degree + 1) ** 2, 3)),
            camera=Camera(fx=600, fy=600, cx=320, cy=240, width=640, height=480) if camera else None,
        )

    return make


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def objects(weed) -> AsyncIterator[ObjectStore]:
    """The object storage, for all tests of a module."""
    store = ObjectStore(weed.settings())
    await store.ensure_bucket()
    yield store
    store.close()
