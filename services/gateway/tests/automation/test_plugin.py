"""What the steps of our plugin for Immich offer, there is."""

from __future__ import annotations

import json
from pathlib import Path

from immichvr_gateway.automation.asks import told_by
from immichvr_gateway.automation.assembly import rule_of
from immichvr_gateway.automation.making import request_of

MANIFEST = Path(__file__).parents[2] / "immich-plugin/manifest.json"


def test_whatever_making_3d_offers_is_what_a_planner_takes() -> None:
    offered = json.loads(MANIFEST.read_text())["methods"][0]["schema"]["properties"]
    asset_id = "0c9b2b0e-2a3c-4d59-9a51-7a1c6f1e0c11"
    for kind in offered["kind"]["enum"]:
        for quality in offered["quality"]["enum"]:
            told = {"kind": kind, "model": offered["model"]["default"], "quality": quality}
            body = {"data": {"asset": {"id": asset_id}}, "ask": told}
            found, ask = told_by(json.dumps(body).encode())
            assert found == asset_id and ask is not None
            assert (ask.kind, ask.model, ask.quality) == tuple(told.values())
            request_of(rule_of(ask))
