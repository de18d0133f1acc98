"""What a child does before its first job."""

from __future__ import annotations

import threading

from immichvr_inference.model_jobs import tell_what_is_here
from immichvr_inference.preloading import preload

from immichvr_inpaint.context import process_context


def warm() -> None:
    """Tells which of this service's models are on disk, and loads those of `settings.models.preload`."""
    context = process_context()
    # Files that nobody has checked yet are read for it: nothing waits for that.
    threading.Thread(target=tell_what_is_here, args=(context.cache, "inpaint"), daemon=True).start()
    preload(context.runtime.settings.preload, context)
