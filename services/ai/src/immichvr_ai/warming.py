"""Compiling before the first photo instead of during it: python -m immichvr_ai.warming."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Collection
from pathlib import Path

import immichvr_splats
import numpy as np
from immichvr_common.logs import get_log
from immichvr_common.tasks import Task
from immichvr_models import Cache
from PIL import Image

from immichvr_ai.errors import ModelUnavailable
from immichvr_ai.jobs import perform
from immichvr_ai.live import warming as live
from immichvr_ai.model_jobs import tell_what_is_here
from immichvr_ai.networks import NETWORKS
from immichvr_ai.runtime import RUNTIME, Runtime
from immichvr_ai.settings import current_settings

log = get_log(__name__)

_SIZE = (96, 72)


def warm() -> None:
    """Compiles every kernel of lifting, writing and live frames, or loads it from numba's cache on disk.

    Then loads the models of `settings.models.preload`, of which there are none by default; tells which are on disk.
    """
    # Files that nobody has checked yet are read for it: nothing waits for that.
    threading.Thread(target=tell_what_is_here, args=(Cache.from_env(),), daemon=True).start()
    immichvr_splats.warm()
    noise = np.random.default_rng(0).integers(0, 255, (_SIZE[1], _SIZE[0], 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder, "source")
        Image.fromarray(noise).resize((_SIZE[0] * 4, _SIZE[1] * 4)).save(photo, "JPEG")
        out = Path(folder, "out")
        out.mkdir()
        task = Task("splat", {"model": "lift-heuristic", "keepPly": True}, {"source": photo}, out)
        perform(task, lambda *_: None)
    live.warm()
    if keys := current_settings().models.preload:
        preload(keys, Cache.from_env(), RUNTIME)


def preload(keys: Collection[str], cache: Cache, runtime: Runtime) -> None:
    """Loads these models into memory, where their weights are on this machine; what cannot be loaded is logged."""
    for key in keys:
        network = NETWORKS.get(key)
        if network is None or cache.state(cache.registry[key]) != "ready":
            log.warning("a model to preload is not on this machine", model=key)
            continue
        try:
            runtime.load(key, cache.path(cache.registry[key]), network)
        except ModelUnavailable as error:
            log.warning("a model was not preloaded", model=key, code=error.code, reason=str(error))


if __name__ == "__main__":
    warm()
