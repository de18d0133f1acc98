"""What is generated and committed is what its source makes today: `make generated` writes it anew."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from immichvr_catalog import FORMATS
from immichvr_catalog.document import text
from immichvr_gateway.openapi import document

ROOT = Path(__file__).parents[2]
VIEWER = ROOT / "services/gateway/web/src/api"
GENERATOR = ROOT / "node_modules/.bin/openapi-typescript"


def test_the_viewer_is_built_with_the_catalogue_of_today() -> None:
    assert (VIEWER / "catalog.json").read_text() == text(), "the catalogue changed: run make generated"


def test_the_tables_of_the_docs_say_what_the_catalogue_does() -> None:
    checked = subprocess.run([sys.executable, ROOT / "tools/tables.py", "--check"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("tool", ["settings", "compose"])
def test_the_page_of_settings_and_the_compose_file_say_what_the_code_does(tool: str) -> None:
    checked = subprocess.run([sys.executable, ROOT / f"tools/{tool}.py", "--check"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_setting_is_described() -> None:
    page = (ROOT / "docs/settings.md").read_text()
    rows = re.findall(r"^\| `(\w[^`]*)`.*\| ([^|]*) \|$", page, re.MULTILINE)
    assert len(rows) > 200
    assert [name for name, description in rows if not description.strip()] == []


def test_the_page_of_formats_has_a_row_for_each() -> None:
    rows = re.findall(r"^\| `([a-z-]+)`", (ROOT / "docs/formats.md").read_text(), re.MULTILINE)
    assert list(dict.fromkeys(rows)) == list(FORMATS)


@pytest.mark.skipif(not GENERATOR.exists(), reason="openapi-typescript is not installed: make setup brings it")
def test_the_viewers_types_are_those_of_the_api() -> None:
    written = subprocess.run(
        [GENERATOR], input=json.dumps(document()), capture_output=True, text=True, check=True, timeout=120
    )
    assert (VIEWER / "openapi.ts").read_text() == written.stdout, "the API changed: run make generated"
