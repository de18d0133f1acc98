"""What a child makes ready while no job waits.

python -m immichvr_video_depth.warming compiles the loops of the engine, of stereo and of clips ahead of all, as the
image does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from immichvr_inference.model_jobs import tell_what_is_here
from immichvr_inference.preloading import preload

from immichvr_video_depth import (
    engine,
    stereo,
    video_jobs,  # noqa: F401  # so that the first job need not wait for it
)
from immichvr_video_depth.context import process_context
from immichvr_video_depth.motion import ahead as motion


def steps() -> Iterator[None]:
    """Tells which of this service's models are on disk, and loads those of `settings.models.preload`."""
    context = process_context()
    # Files that nobody has checked yet are read for it: nothing waits for that.
    threading.Thread(target=tell_what_is_here, args=(context.cache, "video-depth"), daemon=True).start()
    yield
    preload(context.runtime.settings.preload, context)
    yield


if __name__ == "__main__":
    engine.compile_ahead()
    stereo.compile_ahead()
    motion.compile_ahead()
