"""Which asset of a source files are added to."""

from __future__ import annotations

from immichvr_catalog import SPLAT

from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.http.problems import not_accepted, not_found
from immichvr_gateway.requests.planning import Known
from immichvr_gateway.requests.splat import SPLAT_MODELS


def choose(known: Known, kind: str, model: str) -> AssetEntry:
    """The asset of a kind that was made by a model, the best where it is `auto`. Raises Problem."""
    assets = [entry for entry in known.assets if entry.kind == kind]
    if model != "auto":
        there_are = [entry.model_key for entry in assets]
        if model not in (*(SPLAT_MODELS[1:] if kind == SPLAT else ()), *there_are):
            raise not_accepted("model", model, ["auto", *there_are])
        assets = [entry for entry in assets if entry.model_key == model]
        if not assets:
            there = f"; there are: {', '.join(there_are)}" if there_are else ""
            raise not_found(f"{known.of.source} has no {kind} by {model} yet{there}")
    if not assets:
        raise not_found(f"{known.of.source} has no {kind} yet; make one first")
    return assets[0]
