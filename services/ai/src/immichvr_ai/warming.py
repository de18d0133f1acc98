"""Compiling before the first photo instead of during it: python -m immichvr_ai.warming."""

from __future__ import annotations

import tempfile
from pathlib import Path

import immichvr_splats
import numpy as np
from immichvr_common.tasks import Task
from PIL import Image

from immichvr_ai.jobs import perform

_SIZE = (96, 72)


def warm() -> None:
    """Compiles every kernel of lifting and writing, or loads it from numba's cache on disk; no model is loaded."""
    immichvr_splats.warm()
    noise = np.random.default_rng(0).integers(0, 255, (_SIZE[1], _SIZE[0], 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder, "source")
        Image.fromarray(noise).resize((_SIZE[0] * 4, _SIZE[1] * 4)).save(photo, "JPEG")
        out = Path(folder, "out")
        out.mkdir()
        task = Task("splat", {"model": "lift-heuristic", "keepPly": True}, {"source": photo}, out)
        perform(task, lambda *_: None)


if __name__ == "__main__":
    warm()
