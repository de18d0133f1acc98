"""Identity: the same source, model and parameters give the same recipe, and so the same job and the same asset."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from immichvr_catalog import DEPTH, DEPTH_VIDEO, KINDS
from immichvr_common.manifests import Manifest
from immichvr_common.sources import Source
from immichvr_models import LIFT

from immichvr_gateway.assets.index import PREFERENCE


def recipe(kind: str, source_version: str, model: str, params: dict[str, Any] | None = None) -> str:
    """16 hex digits that stand for everything an asset depends on. Raises UnknownName for a kind that there is not."""
    canonical = json.dumps(
        [source_version, kind, model, params or {}, KINDS[kind].pipeline_version], sort_keys=True, separators=(",", ":")
    )
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def video_recipe(source_version: str, params: dict[str, Any]) -> str:
    """The recipe of a depth video. params: those of its job, as JSON."""
    return recipe("video-depth", source_version, params.get("model", "auto"), {**params, "model": ""})


def job_id(kind: str, source: Source, recipe_or_hash: str) -> str:
    """The name of a job; the same request has the same name."""
    return f"{kind}-{source.id}-{recipe_or_hash}"


def conversion_hash(asset_recipe: str, model_key: str, to_format: str, variant: str) -> str:
    """16 hex digits that stand for one conversion of one asset."""
    return hashlib.sha256(f"{asset_recipe}\n{model_key}\n{to_format}\n{variant}".encode()).hexdigest()[:16]


def depth_model_of(splat_model: str) -> str:
    """The depth model behind a splat model: lift-x is made from x."""
    return splat_model.removeprefix(LIFT)


def is_outdated(manifest: Manifest, version: str) -> bool:
    """Whether the source of an asset, or what makes assets of it, has changed since."""
    if manifest.kind == DEPTH_VIDEO:
        return manifest.recipe != video_recipe(version, manifest.params)
    if manifest.model_key not in PREFERENCE.get(manifest.kind, ()):
        return manifest.source_version != version
    model = manifest.requested_model or "auto"
    if manifest.kind == DEPTH:
        model = depth_model_of(model)
    points = manifest.kind == DEPTH and bool(manifest.params.get("points"))
    return manifest.recipe != recipe(manifest.kind, version, model, {"points": True} if points else None)
