"""Identity: the same source, model and parameters give the same recipe, and so the same job and the same asset."""

from __future__ import annotations

import hashlib
import json
from typing import Any

PIPELINE_VERSIONS = {"depth": 1, "splat": 1}
"""Raised when a fix to a model or to lifting changes what comes out: older results are then outdated."""


def recipe(kind: str, source_version: str, model: str, params: dict[str, Any] | None = None) -> str:
    """16 hex digits that stand for everything an asset depends on."""
    canonical = json.dumps(
        [source_version, kind, model, params or {}, PIPELINE_VERSIONS[kind]], sort_keys=True, separators=(",", ":")
    )
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def job_id(kind: str, photo_id: str, recipe_or_hash: str) -> str:
    """The name of a job; the same request has the same name."""
    return f"{kind}-{photo_id}-{recipe_or_hash}"


def conversion_hash(asset_recipe: str, model_key: str, to_format: str, variant: str) -> str:
    """16 hex digits that stand for one conversion of one asset."""
    return hashlib.sha256(f"{asset_recipe}\n{model_key}\n{to_format}\n{variant}".encode()).hexdigest()[:16]


def depth_model_of(splat_model: str) -> str:
    """The depth model behind a splat model: lift-x is made from x."""
    return splat_model.removeprefix("lift-")
