"""Clips that PyAV makes for these tests; none is stored."""

from pathlib import Path

import pytest
from immichvr_video.testing.clips import Clip, make_clip


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of H.264 with sound in AAC."""
    return make_clip(tmp_path_factory.mktemp("clips") / "plain.mp4", Clip(frames=60, sound="aac"))
