"""Checks of the models: which are here, and which could be fetched."""

from __future__ import annotations

from immichvr_models import Cache, Model

from immichvr_local.console import size
from immichvr_local.doctor.check import Check, ok, warn


def models(cache: Cache, online: bool) -> list[Check]:
    """One finding for each model of the registry that has weights. online: whether weights can be fetched now."""
    return [_model(cache, model, online) for model in cache.registry if not model.built_in]


def _model(cache: Cache, model: Model, online: bool) -> Check:
    name = f"model {model.key}"
    weight = size(model.size) if model.size else "of unknown size"
    match cache.state(model):
        case "ready":
            return ok(name, f"{model.name}, in {cache.path(model)}")
        case "downloadable" if online:
            return ok(name, f"{model.name}, not here yet; {weight}, fetched on first use")
        case "downloading":
            return ok(name, f"{model.name}, being fetched now")
        case "needs_licence":
            remedy = f"read {model.licence.url}, then accept it for {model.key}"
            return warn(name, f"{model.name}, {weight}; its licence ({model.licence.name}) has to be accepted", remedy)
        case "unavailable" | "downloadable":
            remedy = f"give this machine a network, or put its files into $IMMICHVR_MODELS_LOCAL/{model.key}"
            return warn(name, f"{model.name}, {weight}, is not here and cannot be fetched now", remedy)
