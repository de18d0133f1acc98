"""One photo in, one depth map out: the model that was asked for, or the best one that can run."""

from __future__ import annotations

from functools import partial

from immichvr_depth import EMBEDDED, GUESS, DepthMap, embedded_depth, guess
from immichvr_inference import DepthNetwork
from immichvr_inference.choice import automatic, is_available
from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelUnavailable, NotEnoughMemory, UnknownModel
from immichvr_inference.fallback import first_that_runs
from immichvr_media import Photo
from immichvr_models import registry
from immichvr_networks import NETWORKS

from immichvr_ai.depth.by_network import network_depth

DEPTH_MODELS = tuple(
    model.key
    for model in registry.making("depth")
    if model.built_in or isinstance(NETWORKS.get(model.key), DepthNetwork)
)
"""Every depth model that can be asked for by name, as the registry lists them."""


def estimate_depth(photo: Photo, model: str, context: RunContext) -> DepthMap:
    """Estimate the depth of a photo.

    model: one of DEPTH_MODELS, or `auto`: what the photo carries, else the best network that can run, else the
    built-in estimator; `reason` then says why not a better one.
    Raises UnknownModel, and ModelUnavailable where the model that was asked for by name cannot run; where there is
    too little memory for it, the next one of the runtime's fallbacks runs, and `reason` says so.
    """
    estimate = partial(depth_by, photo, context)
    if model == "auto":
        return first_that_runs([*automatic("depth", context, carried=photo.depth is not None)], estimate)
    if model not in DEPTH_MODELS:
        known = ", ".join(("auto", *DEPTH_MODELS))
        raise UnknownModel(f"there is no depth model {model!r}; there are: {known}")
    return first_that_runs([model, *depth_instead_of(model, context)], estimate, NotEnoughMemory)


def depth_instead_of(model: str, context: RunContext) -> list[str]:
    """The depth models that are here and run where the memory does not suffice for this one, in their order."""
    return [key for key in context.runtime.settings.fallback.get(model, ()) if is_available(key, "depth", context)]


def depth_by(photo: Photo, context: RunContext, key: str) -> DepthMap:
    """Depth by this model and no other. Raises UnknownModel, ModelUnavailable."""
    if key == EMBEDDED:
        if photo.depth is None:
            raise ModelUnavailable(key, "no_embedded_depth", "this photo carries no depth map")
        return embedded_depth(photo.depth, context.cache.registry[key].revision)
    if key == GUESS:
        depth, sure = guess(photo.rgb)
        return DepthMap(depth, metric=False, model_key=key, revision=context.cache.registry[key].revision, guessed=sure)
    return network_depth(photo, key, context)
