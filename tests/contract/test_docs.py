"""What the pages for people point at is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"\]\(([^)\s#]+)")
_PATH = re.compile(r"`((?:packages|services|apps|tests|bench|docs|proto|immichvr_\w+)/[\w./-]*)`")
_LISTED = subprocess.run(
    ["git", "ls-files", "*.md"], cwd=ROOT, text=True, capture_output=True, check=True
).stdout.split()
PAGES = [page for page in _LISTED if (ROOT / page).exists()]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    here = ROOT / page
    links = {link for link in _LINK.findall(here.read_text()) if ":" not in link}
    assert [link for link in links if not (here.parent / link).exists()] == []


def test_every_place_that_the_checklists_name_exists() -> None:
    named = _PATH.findall((ROOT / "CONTRIBUTING.md").read_text())
    assert len(named) > 20
    assert [path for path in named if not _exists(path)] == []


def _exists(path: str) -> bool:
    """From the root, or within the package whose module it begins with."""
    return (ROOT / path).exists() or any(ROOT.glob(f"*/*/src/{path}"))
