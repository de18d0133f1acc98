"""Compiling before the first photo instead of during it: python -m immichvr_ai.warming."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import immichvr_splats
import numpy as np
from immichvr_common.tasks import Task
from immichvr_inference.model_jobs import tell_what_is_here
from immichvr_inference.preloading import preload
from immichvr_splats import warming
from PIL import Image

from immichvr_ai.context import process_context
from immichvr_ai.live import warming as live
from immichvr_ai.photo_jobs import perform_photo_job
from immichvr_ai.render.renderers import open_renderer

_SIZE = (96, 72)
_WRITTEN = ("spz", "ply")


def steps() -> Iterator[None]:
    """What a child makes ready while no task waits.

    The kernels of live frames, of writing, lifting, drawing and merging are compiled, or loaded from numba's cache on
    disk. First come those of what nobody waits for longer than a moment. Then the models of `settings.models.preload`
    are loaded, of which there are none by default. Which are on disk is told.
    """
    # Files that nobody has checked yet are read for it: nothing waits for that.
    threading.Thread(target=tell_what_is_here, args=(process_context().cache, "ai"), daemon=True).start()
    yield
    live.warm()
    yield
    yield from warming.steps_of(_WRITTEN)
    _make_and_draw()
    yield
    yield from warming.steps_of_levels()
    preload(process_context().runtime.settings.preload, process_context())
    yield


def _make_and_draw() -> None:
    """Makes a splat of a photo of noise, as a job does, and draws it."""
    noise = np.random.default_rng(0).integers(0, 255, (_SIZE[1], _SIZE[0], 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder, "source")
        Image.fromarray(noise).resize((_SIZE[0] * 4, _SIZE[1] * 4)).save(photo, "JPEG")
        out = Path(folder, "out")
        out.mkdir()
        task = Task("splat", {"model": "lift-heuristic", "keepPly": True}, {"source": photo}, out)
        perform_photo_job(task, lambda *_: None, process_context())
        open_renderer(immichvr_splats.read(next(out.glob("*.spz"))).cloud, on_gpu=False)


if __name__ == "__main__":
    for _ in steps():
        pass
