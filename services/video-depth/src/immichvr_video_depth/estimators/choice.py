"""The model that was asked for, or the best one that can run."""

from __future__ import annotations

from functools import partial

from immichvr_depth import GUESS
from immichvr_inference import DepthNetwork
from immichvr_inference.choice import automatic, is_available
from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelUnavailable, NotEnoughMemory, UnknownModel
from immichvr_inference.fallback import first_that_runs
from immichvr_models import registry

from immichvr_video_depth.estimators.clips import ByClips
from immichvr_video_depth.estimators.frames import PER_FRAME, ByFrames, Guessed
from immichvr_video_depth.networks.clips import ClipNetwork

Opened = ByClips | ByFrames | Guessed

VIDEO_MODELS = ("auto", *(model.key for model in registry.making("video-depth")))
"""Everything that can be asked for by name."""


def estimator_for(model: str, context: RunContext) -> Opened:
    """The model of depth for a video, its weights fetched and loaded.

    model: one of VIDEO_MODELS. `auto` is the best network of clips that is here and permitted, else Video Depth
    Anything Small, fetched; else a network of photos, frame by frame; else the guess without weights. `reason` then
    says why it is not a better one. Raises UnknownModel, and ModelUnavailable where the model that was asked for by
    name cannot run; where there is too little memory for it, the next of the runtime's fallbacks stands in.
    """
    opened = partial(_opened, context)
    if model == "auto":
        return first_that_runs([*automatic("video-depth", context)], opened)
    if model not in VIDEO_MODELS:
        raise UnknownModel(f"there is no model of videos {model!r}; there are: {', '.join(VIDEO_MODELS)}")
    others = context.runtime.settings.fallback.get(model, ())
    instead = [key for key in others if is_available(key, "video-depth", context)]
    return first_that_runs([model, *instead], opened, NotEnoughMemory)


def _opened(context: RunContext, key: str) -> Opened:
    model = context.cache.registry[key]
    if key == GUESS:
        return Guessed(key, model.revision)
    if key == PER_FRAME:
        keys = [one for one in automatic("depth", context) if isinstance(context.network(one), DepthNetwork)]
        return first_that_runs(keys, partial(_by_frames, context))
    network = context.network(key)
    if not isinstance(network, ClipNetwork):
        raise ModelUnavailable(key, "not_installed", "this worker has no such network")
    _load(context, key)
    return ByClips(key, model.revision, network, context)


def _by_frames(context: RunContext, key: str) -> ByFrames:
    network = context.network(key)
    assert isinstance(network, DepthNetwork)  # noqa: S101  # only such keys come here
    _load(context, key)
    revision = context.cache.registry[PER_FRAME].revision
    return ByFrames(PER_FRAME, revision, key, network, context, reason=f"{key} saw each frame by itself")


def _load(context: RunContext, key: str) -> None:
    context.runtime.load(context.cache.registry[key], context.weights(key))
