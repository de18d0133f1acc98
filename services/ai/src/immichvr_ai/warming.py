"""Compiling before the first photo instead of during it: python -m immichvr_ai.warming."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import immichvr_splats
import numpy as np
from immichvr_common.tasks import Task
from immichvr_inference.model_jobs import tell_what_is_here
from immichvr_inference.preloading import preload
from PIL import Image

from immichvr_ai.context import process_context
from immichvr_ai.jobs import perform
from immichvr_ai.live import warming as live
from immichvr_ai.render.renderers import open_renderer

_SIZE = (96, 72)


def warm() -> None:
    """Compiles every kernel of lifting, writing, drawing and live frames, or loads it from numba's cache on disk.

    Then loads the models of `settings.models.preload`, of which there are none by default; tells which are on disk.
    """
    # Files that nobody has checked yet are read for it: nothing waits for that.
    threading.Thread(target=tell_what_is_here, args=(process_context().cache, "ai"), daemon=True).start()
    immichvr_splats.warm()
    noise = np.random.default_rng(0).integers(0, 255, (_SIZE[1], _SIZE[0], 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder, "source")
        Image.fromarray(noise).resize((_SIZE[0] * 4, _SIZE[1] * 4)).save(photo, "JPEG")
        out = Path(folder, "out")
        out.mkdir()
        task = Task("splat", {"model": "lift-heuristic", "keepPly": True}, {"source": photo}, out)
        perform(task, lambda *_: None)
        open_renderer(immichvr_splats.read(next(out.glob("*.spz"))).cloud, on_gpu=False)
    live.warm()
    preload(process_context().runtime.settings.preload, process_context())


if __name__ == "__main__":
    warm()
