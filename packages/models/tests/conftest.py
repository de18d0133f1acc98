"""A hub and settings that do not make a test wait."""

from collections.abc import Iterator

import pytest
from immichvr_models import CacheSettings
from immichvr_models.testing import Hub, running_hub


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A model hub on this machine."""
    with running_hub() as running:
        yield running


@pytest.fixture
def quick(hub: Hub) -> CacheSettings:
    """Settings for that hub, with short pauses."""
    return CacheSettings(endpoint=hub.url, read_timeout=5.0, retries=3, backoff=0.0, keep_free=0)
