"""What depth and splats have in common: which recipe, what answers it, and whether its model may run."""

from __future__ import annotations

from immichvr_media import NotFlat, is_flat
from immichvr_models import registry

from immichvr_gateway.assets.index import PREFERENCE, AssetEntry, model_rank, rank
from immichvr_gateway.models.refusals import refusal_to_run
from immichvr_gateway.requests.planning import Known
from immichvr_gateway.requests.recipes import depth_model_of


def answers(kind: str, model: str, recipes: frozenset[str], known: Known) -> tuple[AssetEntry, ...]:
    """The assets that were made by one of these recipes, with nothing better to be had since, the best first."""
    made = sorted((one for one in known.assets if one.kind == kind and one.recipe in recipes), key=rank)
    surpassed = (at for at, one in enumerate(made) if model == "auto" and is_surpassed(one, known))
    return tuple(made[: next(surpassed, len(made))])


def is_surpassed(entry: AssetEntry, known: Known) -> bool:
    """Whether the weights of a model that `auto` prefers came after this was made."""
    better = {depth_model_of(key) for key in PREFERENCE.get(entry.kind, ())[: model_rank(entry)]}
    since = [known.models[key].ready_since for key in better if not registry[key].built_in]
    return any(at is not None and at > entry.made_at for at in since)


def refusal(model: str, known: Known) -> Exception | None:
    """Why nothing can be made of the photo by that model now."""
    if not is_flat(known.of.projection):
        return NotFlat(known.of.projection or "")
    return model_refusal(model, known)


def model_refusal(model: str, known: Known) -> Exception | None:
    """Why a model that was asked for by name may not run, or be fetched."""
    return None if model == "auto" else refusal_to_run(known.models[depth_model_of(model)], known.model_settings)
