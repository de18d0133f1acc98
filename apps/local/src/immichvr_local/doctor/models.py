"""Checks of the models: which are here, and which could be fetched."""

from __future__ import annotations

from immichvr_common.sizes import size
from immichvr_models import Cache, Model

from immichvr_local.doctor.check import Check, ok, warn


def models(cache: Cache, online: bool) -> list[Check]:
    """One finding for the model that is fetched on first use, and for each that is here or put here by hand; one for
    all others. online: whether weights can be fetched now."""
    weighty = [model for model in cache.registry if not model.built_in]
    told = [model for index, model in enumerate(weighty) if index == 0 or _concerns(cache, model)]
    others = len(weighty) - len(told)
    return [
        *(_model(cache, model, online) for model in told),
        ok("other models", f"{others} more, none of them needed: immichvr models list"),
    ]


def _concerns(cache: Cache, model: Model) -> bool:
    by_hand = not cache.path(model).is_relative_to(cache.root)
    return by_hand or cache.state(model) in ("ready", "downloading")


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
            remedy = f"read {model.licence.url}, then run immichvr models accept {model.key}"
            return warn(name, f"{model.name}, {weight}; its licence ({model.licence.name}) has to be accepted", remedy)
        case "unavailable" | "downloadable":
            remedy = f"give this machine a network, or put its files into $IMMICHVR_MODELS_LOCAL/{model.key}"
            return warn(name, f"{model.name}, {weight}, is not here and cannot be fetched now", remedy)
