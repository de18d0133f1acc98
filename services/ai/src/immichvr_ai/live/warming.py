"""Compiling what a live frame needs before the first one comes."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from immichvr_ai.live.models import BuiltIn
from immichvr_ai.live.pipeline import FramePipeline
from immichvr_ai.live.protocol import Frame, Hello

_SIZE = (64, 48)


def warm() -> None:
    """Compiles the kernels of depth to splats and of packing, or loads them from numba's cache on disk."""
    noise = np.random.default_rng(0).integers(0, 255, (_SIZE[1], _SIZE[0], 3), np.uint8)
    picture = io.BytesIO()
    Image.fromarray(noise).save(picture, "JPEG")
    hello = Hello(type="hello", version=1, max_gaussians=1000, process_res=max(_SIZE))
    pipeline = FramePipeline(hello, BuiltIn("heuristic", "", ""))
    frame = Frame(type="frame", seq=0, t=0.0, jpeg=picture.getvalue())
    pipeline.pack(frame, "gaussians", pipeline.infer(pipeline.decode(frame), "gaussians"))
