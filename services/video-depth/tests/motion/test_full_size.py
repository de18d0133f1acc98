"""Clips of real photos at full size: what they take, and how like the photo they begin."""

from __future__ import annotations

import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from immichvr_depth import DepthMap
from immichvr_media import decode_photo
from immichvr_video_depth.motion.camera import Travel
from immichvr_video_depth.motion.clip import make_clip
from immichvr_video_depth.motion.depths import depth_of

SAMPLES = Path(__file__).parents[4] / "samples"
SIZE = (1920, 1080)
CORES = 2


# In short, that a clip begins with the photo is held by test_clip.py; what it takes at this size, by nothing.
@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["street", "landscape"])
def test_three_seconds_at_full_size_take_25_s_on_two_cores_and_3_mb_and_begin_with_the_photo(
    tmp_path: Path, name: str
) -> None:
    photo = decode_photo(SAMPLES / f"{name}.jpg")
    known = depth_of(photo, None, "")
    rows = round(photo.width * SIZE[1] / SIZE[0])
    wide = slice((photo.height - rows) // 2, (photo.height - rows) // 2 + rows)
    rgb = np.asarray(cv2.resize(photo.rgb[wide], SIZE, interpolation=cv2.INTER_AREA), np.uint8)
    depth = DepthMap(cv2.resize(known.depth[wide], SIZE), known.metric, known.model_key, known.revision)
    focal_px = photo.focal.px * SIZE[0] / photo.width
    began = time.process_time()
    clip = make_clip(rgb, depth, focal_px, Travel(), tmp_path / "clip.mp4", lambda _: None)
    assert time.process_time() - began <= CORES * 25
    assert (clip.width, clip.height, clip.pictures) == (*SIZE, 90)
    assert (tmp_path / "clip.mp4").stat().st_size <= 3_000_000
    with av.open(str(tmp_path / "clip.mp4")) as container:
        first = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert 10 * np.log10(255**2 / np.mean((first.astype(np.float64) - rgb) ** 2)) >= 38
