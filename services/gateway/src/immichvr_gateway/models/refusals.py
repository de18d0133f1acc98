"""Why a photo cannot be given to a model now."""

from __future__ import annotations

from immichvr_models import CacheSettings, Model

from immichvr_gateway.http.problems import Problem
from immichvr_gateway.models.catalog import HERE, ModelStatus


def refusal_to_run(found: ModelStatus, settings: CacheSettings) -> Problem | None:
    """Why a photo cannot be given to this model now; None where it can, if need be after a small download.

    A large one is a job of its own: it must not keep a worker from the photos of others.
    """
    model = found.model
    if found.needs_licence:
        return licence_required(model)
    if model.built_in or found.state in HERE:
        return None
    is_small = model.size is not None and model.size <= settings.auto_limit
    if is_small and settings.auto_download and not settings.offline:
        return None
    if found.state == "downloading":
        return Problem(409, "downloading", f"the weights of {model.key} are on their way; ask again when they are here")
    detail = f"the weights of {model.key} are not here"
    if settings.offline:
        return Problem(403, "consent_required", f"{detail} and downloads are switched off", model=model.key)
    detail = f"{detail} and are not fetched without being asked for: POST /api/models/{model.key}/download"
    return Problem(403, "consent_required", detail, model=model.key)


def licence_required(model: Model) -> Problem:
    """403: somebody has to accept this model's licence first."""
    detail = f"the licence of {model.key}, {model.licence.name}, has to be accepted first: {model.licence.url}"
    return Problem(
        403, "licence_required", detail, model=model.key, licence=model.licence.name, licence_url=model.licence.url
    )
