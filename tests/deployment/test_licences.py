"""What images hold is free for every use, and said."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest

from .conftest import ROOT


@pytest.fixture
def licences(monkeypatch: pytest.MonkeyPatch) -> Any:
    """tools/licences.py."""
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return import_module("licences")


def test_nothing_in_an_image_is_without_a_licence_or_under_one_that_asks_for_too_much() -> None:
    told = subprocess.run([sys.executable, ROOT / "tools/licences.py"], capture_output=True, text=True)
    assert (told.returncode, told.stderr.strip()) == (0, "")
    assert "torch 2.13" in told.stdout
    assert "libx264.so.165 : GPL-2.0-or-later (gateway, inpaint, video-depth)" in told.stdout


@pytest.mark.parametrize(
    "licence", ["AGPL-3.0-only", "MIT AND CC-BY-NC-4.0", "SSPL-1.0", "AGPL-3.0-or-later OR SSPL-1.0", ""]
)
def test_what_may_not_be_there_is_told(licences: Any, licence: str) -> None:
    assert licences.Part("somebody's", "1.0", licence).problem


@pytest.mark.parametrize("licence", ["MIT", "AGPL-3.0-only OR MIT", "GPL-3.0-or-later WITH GCC-exception-3.1"])
def test_what_may_be_there_is_not(licences: Any, licence: str) -> None:
    assert not licences.Part("somebody's", "1.0", licence).problem


def test_a_bill_of_materials_names_distributions_and_what_is_within_their_wheels() -> None:
    made = subprocess.run(
        [sys.executable, ROOT / "tools/licences.py", "gateway", "--sbom"], capture_output=True, text=True, check=True
    )
    bill = json.loads(made.stdout)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["name"] == "immichvr-gateway"
    there = {one["name"]: one for one in bill["components"]}
    assert there["fastapi"]["purl"].startswith("pkg:pypi/fastapi@")
    assert any(one["name"].startswith("libx265") for one in there["pillow-heif"]["components"])
    assert "torch" not in there
