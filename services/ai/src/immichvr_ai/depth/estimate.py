"""One photo in, one depth map out: the model that was asked for, or the best one that can run."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from immichvr_media import Photo
from immichvr_models import Cache, Progress, registry

from immichvr_ai.depth.choice import at_hand, automatic
from immichvr_ai.depth.embedded import embedded_depth
from immichvr_ai.depth.heuristic import guess
from immichvr_ai.depth.networks import network_depth
from immichvr_ai.depth_map import DepthMap
from immichvr_ai.errors import ModelUnavailable, NotEnoughMemory, UnknownModel
from immichvr_ai.networks import NETWORKS
from immichvr_ai.networks.base import DepthNetwork
from immichvr_ai.runtime import RUNTIME, Runtime

DEPTH_MODELS = tuple(
    model.key
    for model in registry.making("depth")
    if model.built_in or isinstance(NETWORKS.get(model.key), DepthNetwork)
)
"""Every depth model that can be asked for by name, as the registry lists them."""
LAST_RESORT = "heuristic"
"""The depth model that runs everywhere."""


def estimate_depth(
    photo: Photo,
    model: str = "auto",
    *,
    cache: Cache,
    progress: Callable[[Progress], None] | None = None,
    runtime: Runtime = RUNTIME,
    accepted: Collection[str] = (),
) -> DepthMap:
    """Estimate the depth of a photo.

    model: one of DEPTH_MODELS, or `auto`: what the photo carries, else the best network that can run, else the
    built-in estimator; `reason` then says why not a better one. cache: where weights are, and whether they may be
    downloaded; progress: told about such a download, and what it raises stops it; runtime: the device to run on and
    the networks in memory, by default one for the process; accepted: models whose licences somebody said yes to.
    Raises UnknownModel, and ModelUnavailable where the model that was asked for by name cannot run; where there is
    too little memory for it, the next one of `runtime.settings.fallback` runs, and `reason` says so.
    """
    estimate = _Estimate(photo, cache, progress, runtime, accepted)
    if model == "auto":
        carried = ["embedded"] if photo.depth is not None else []
        return _first([*carried, *automatic(cache, accepted), LAST_RESORT], estimate, ModelUnavailable)
    if model not in DEPTH_MODELS:
        known = ", ".join(("auto", *DEPTH_MODELS))
        raise UnknownModel(f"there is no depth model {model!r}; there are: {known}")
    instead = [key for key in runtime.settings.fallback.get(model, ()) if at_hand(key, cache, accepted)]
    return _first([model, *instead], estimate, NotEnoughMemory)


@dataclass(frozen=True)
class _Estimate:
    """Depth of one photo by any model."""

    photo: Photo
    cache: Cache
    progress: Callable[[Progress], None] | None
    runtime: Runtime
    accepted: Collection[str]

    def __call__(self, key: str) -> DepthMap:
        if key == "embedded":
            return embedded_depth(self.photo, self.cache.registry[key].revision)
        if key == "heuristic":
            depth, sure = guess(self.photo.rgb)
            return DepthMap(
                depth, metric=False, model_key=key, revision=self.cache.registry[key].revision, guessed=sure
            )
        return network_depth(self.photo, key, self.cache, self.progress, self.runtime, self.accepted)


def _first(keys: list[str], estimate: _Estimate, declining: type[ModelUnavailable]) -> DepthMap:
    """Depth by the first of these models that can run; the last one's error is the caller's."""
    declined: list[str] = []
    for key in keys[:-1]:
        try:
            return _because(declined, estimate(key))
        except declining as error:
            declined.append(str(error))
    return _because(declined, estimate(keys[-1]))


def _because(declined: list[str], depth: DepthMap) -> DepthMap:
    if not declined:
        return depth
    used = "the built-in estimator" if depth.model_key == LAST_RESORT else depth.model_key
    return replace(depth, reason="; ".join([*declined, depth.reason or f"{used} was used"]))
