"""From a model's name to one that is in memory and ready for frames."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from immichvr_common.tasks import Report
from immichvr_depth import GUESS
from immichvr_inference import DepthNetwork, SplatNetwork
from immichvr_inference.choice import is_available
from immichvr_inference.context import RunContext
from immichvr_inference.errors import NotEnoughMemory, UnknownModel
from immichvr_inference.fallback import first_that_runs
from immichvr_inference.model_jobs import reporting_downloads
from immichvr_models import LIFT

from immichvr_ai.live.models import BuiltIn, Networked


def open_model(name: str, context: RunContext, *, on_gpu: bool) -> BuiltIn | Networked:
    """The model of that name, in memory; its weights are fetched if need be.

    name: `auto`, a key of the registry, or `lift-<key>` for what makes depth. auto: on a GPU the best network that is
    there, on a CPU the built-in estimator, which alone keeps up. Where there is too little memory, the next one of the
    runtime's fallbacks that is there; its `reason` says so. Raises UnknownModel, ModelUnavailable.
    """
    if name == "auto":
        name = _automatic(context) if on_gpu else context.cache.registry.last_resort.key
    key = name.removeprefix(LIFT)
    others = [one.removeprefix(LIFT) for one in context.runtime.settings.fallback.get(key, ())]
    candidates = [name, *(one for one in others if is_available(one, "depth", context))]
    return first_that_runs(candidates, partial(_open, context), NotEnoughMemory)


def open_for_session(
    context: RunContext, on_gpu: bool, name: str, accepted: frozenset[str], report: Report
) -> BuiltIn | Networked:
    """As `open_model`, with the licences that count for this session; downloads are told as they go."""
    with reporting_downloads(replace(context, accepted=accepted), report, 0.1, 0.3) as told:
        return open_model(name, told, on_gpu=on_gpu)


def _open(context: RunContext, name: str) -> BuiltIn | Networked:
    key = name.removeprefix(LIFT)
    if key not in context.cache.registry:
        raise UnknownModel(f"there is no model {name!r}")
    model = context.cache.registry[key]
    if key == GUESS:
        return BuiltIn(key, model.licence.name, model.revision)
    network = context.network(key)
    lifts = name.startswith(LIFT) or not isinstance(network, SplatNetwork)
    if network is None or (lifts and not isinstance(network, DepthNetwork)):
        raise UnknownModel(f"{name} makes neither depth nor splats of live frames")
    directory = context.weights(key)
    context.runtime.load(model, directory)
    shown = name if isinstance(network, SplatNetwork) else key
    return Networked(shown, model, directory, network, context.runtime, lifts)


def _automatic(context: RunContext) -> str:
    registry = context.cache.registry
    here = (key for key in registry.preferred_live() if context.network(key) and context.has_weights(key))
    return next(here, registry.last_resort.key)
