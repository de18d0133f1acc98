"""One photo in, one depth map out: the model that was asked for, or the best one that can run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from immichvr_media import Photo
from immichvr_models import Cache, Progress

from immichvr_ai.depth.embedded import embedded_depth
from immichvr_ai.depth.errors import DepthUnavailable, UnknownDepthModel
from immichvr_ai.depth.heuristic import heuristic_depth
from immichvr_ai.depth.networks import NETWORKS, RUNTIME, network_depth
from immichvr_ai.depth.runtime import Runtime
from immichvr_ai.depth_map import DepthMap

DEPTH_MODELS = ("embedded", *NETWORKS, "heuristic")
"""Every depth model, in the order in which `auto` prefers them; the last one runs everywhere."""


def estimate_depth(
    photo: Photo,
    model: str = "auto",
    *,
    cache: Cache,
    progress: Callable[[Progress], None] | None = None,
    runtime: Runtime = RUNTIME,
) -> DepthMap:
    """Estimate the depth of a photo.

    model: one of DEPTH_MODELS, or `auto`: the first of them that can run; `reason` then says why not a better one.
    cache: where weights are, and whether they may be downloaded; progress: told about such a download, and what it
    raises stops it; runtime: the device to run on and the networks in memory, by default one for the process.
    Raises UnknownDepthModel, and DepthUnavailable where the model that was asked for by name cannot run.
    """
    if model != "auto":
        return _estimate(photo, model, cache, progress, runtime)
    declined: list[str] = []
    for key in DEPTH_MODELS[:-1]:
        if key == "embedded" and photo.depth is None:
            continue
        try:
            depth = _estimate(photo, key, cache, progress, runtime)
        except DepthUnavailable as error:
            declined.append(str(error))
        else:
            return replace(depth, reason=_reason(declined, key))
    last = DEPTH_MODELS[-1]
    return replace(_estimate(photo, last, cache, progress, runtime), reason=_reason(declined, last))


def _estimate(
    photo: Photo, model: str, cache: Cache, progress: Callable[[Progress], None] | None, runtime: Runtime
) -> DepthMap:
    if model == "embedded":
        return embedded_depth(photo, cache.registry[model].revision)
    if model == "heuristic":
        depth = heuristic_depth(photo.rgb)
        return DepthMap(depth, metric=False, model_key=model, revision=cache.registry[model].revision)
    if model in NETWORKS:
        return network_depth(photo, model, cache, progress, runtime)
    accepted = ", ".join(("auto", *DEPTH_MODELS))
    raise UnknownDepthModel(f"there is no depth model {model!r}; there are: {accepted}")


def _reason(declined: list[str], key: str) -> str:
    if not declined:
        return ""
    used = "the built-in estimator" if key == "heuristic" else key
    return f"{'; '.join(declined)}; {used} was used"
