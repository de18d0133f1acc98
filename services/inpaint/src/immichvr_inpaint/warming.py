"""What a child makes ready while no job waits, and compiling before any: python -m immichvr_inpaint.warming."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import immichvr_splats
import numpy as np
from immichvr_inference.model_jobs import tell_what_is_here
from immichvr_inference.preloading import preload
from immichvr_scenes import Camera, Picture, View
from immichvr_scenes.collision import voxels
from immichvr_scenes.completion import CompletionOptions, complete
from immichvr_scenes.completion.seeding import seed
from immichvr_scenes.training import TrainingOptions, train
from immichvr_splats import GaussianCloud
from immichvr_splats.pointclouds import PointCloud

from immichvr_inpaint import place_jobs  # noqa: F401  # so that the first job need not wait for it
from immichvr_inpaint.context import process_context

_WIDE, _HIGH = 48, 36


def steps() -> Iterator[None]:
    """Tells which of this service's models are on disk, and loads those of `settings.models.preload`."""
    context = process_context()
    # Files that nobody has checked yet are read for it: nothing waits for that.
    threading.Thread(target=tell_what_is_here, args=(context.cache, "inpaint"), daemon=True).start()
    yield
    preload(context.runtime.settings.preload, context)
    yield


def compile_kernels() -> None:
    """Compiles every kernel of training, filling and what is written, or loads it from numba's cache on disk.

    For images: a child loads them with its first job in a moment, while compiling them takes it half a minute.
    """
    immichvr_splats.warm()
    camera = Camera.central(_WIDE, _HIGH, _WIDE)
    views = [View.looking(str(place), camera, (0.1 * place, 0, 0), (0, 0, 2)) for place in range(3)]
    noise = np.random.default_rng(0)
    pictures = [Picture(view, lambda: noise.integers(0, 255, (_HIGH, _WIDE, 3), np.uint8)) for view in views]
    spots = noise.uniform((-1, -1, 1), (1, 1, 3), (500, 3)).astype(np.float32)
    points = PointCloud(spots, np.full((500, 3), 128, np.uint8))
    made = train(pictures, points, TrainingOptions(iterations=2))
    voxels(made.cloud, made.views)
    options = CompletionOptions(method="fill", iterations=1)
    complete(_wall_with_a_hole(views[0]), views, options, context=process_context())


def _wall_with_a_hole(view: View) -> GaussianCloud:
    """Something is surely missing in it, whatever training makes of noise."""
    there = np.ones((_HIGH, _WIDE), bool)
    there[_HIGH // 3 : -_HIGH // 3, _WIDE // 3 : -_WIDE // 3] = False
    depth = np.full(there.shape, 2.0, np.float32)
    return seed(view, np.full((*there.shape, 3), 0.5, np.float32), depth, there, GaussianCloud.empty(0, 0))


if __name__ == "__main__":
    compile_kernels()
