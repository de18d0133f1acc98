"""Frame by frame, the network gives what the published one gives in its streaming mode."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from immichvr_video_depth.networks.video_depth_anything.pixels import network_size, prepared
from immichvr_video_depth.networks.video_depth_anything.streaming import Memory, Stream
from immichvr_video_depth.testing import golden
from torch.nn import functional

FRAMES = 48
"""Of which those from 42 on no longer see the second frame."""


def test_what_each_frame_sees_of_those_before_it(vectors: Path) -> None:
    table = json.loads((vectors / "stream_cache_ids.json").read_text())
    memory: Memory[int] = Memory()
    for frame in range(max(int(key) for key in table if key.isdecimal()) + 1):
        seen = memory.past()
        memory.keep(frame)
        if str(frame) in table:
            assert [seen or None, len(memory)] == table[str(frame)]


# In short, which frames each sees from the 42nd on is held by the table above.
@pytest.mark.parametrize("count", [8, pytest.param(FRAMES, marks=pytest.mark.long)])
def test_a_stream_of_frames(vits: Any, vectors: Path, count: int) -> None:
    data = np.load(vectors / "stream_vits.npz")
    height, width = 90, 124
    stream, size = Stream(vits), network_size(height, width, 84)
    made = np.stack([_depth(stream, frame, size) for frame in golden.clip(FRAMES, height, width)[:count]])
    rows, columns = ([(k * side) // 8 for k in range(8)] for side in (height, width))
    pairs = [(made[:6, ::2, ::2], data["frames_0_5"]), (made[:, rows][:, :, columns], data["grid"][:count])]
    if count == FRAMES:
        pairs.append((made[47], data["frame47_full"]))
    for ours, theirs in pairs:
        assert np.abs(ours - theirs).max() <= 5e-4
        assert np.abs(ours - theirs).mean() <= 5e-5
    told = np.stack([made.mean((1, 2)), made.std((1, 2)), made.min((1, 2)), made.max((1, 2))], 1)
    assert np.abs(told - data["stats"][:count]).max() <= 5e-4


def _depth(stream: Stream, frame: Any, size: tuple[int, int]) -> Any:
    depth = stream.depth(torch.from_numpy(prepared(frame[None], size)[0, 0]))
    whole = functional.interpolate(depth[None, None], frame.shape[:2], mode="bilinear", align_corners=True)
    return np.asarray(whole[0, 0])
