"""What the pages for people point at is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from immichvr_gateway.library.immich.signing_in import (
    FINDING_DELETIONS,
    LINKING_CLIPS,
    NEEDED_PERMISSIONS,
    READING_IN_ABSENCE,
    WRITING_BACK,
)

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"\]\(([^)\s#]+)")
_PATH = re.compile(r"`((?:packages|services|apps|tests|bench|docs|proto|immichvr_\w+)/[\w./-]*)`")
_TEST = re.compile(r"([\w./-]*\btests?/[\w./-]*\w|\btest_\w+\.py|\b\w+\.test\.(?:ts|mjs))(?:::(\w+))?")
_LISTED = subprocess.run(["git", "ls-files"], cwd=ROOT, text=True, capture_output=True, check=True).stdout.split()
_THERE = [name for name in _LISTED if (ROOT / name).exists()]
PAGES = [name for name in _THERE if name.endswith(".md")]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    here = ROOT / page
    links = {link for link in _LINK.findall(here.read_text()) if ":" not in link}
    assert [link for link in links if not (here.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_a_page_names_is_there(page: str) -> None:
    named = _TEST.findall((ROOT / page).read_text())
    assert [name for name, case in named if not any(_has(file, case) for file in _tests(page, name))] == []


def test_every_place_that_the_checklists_name_exists() -> None:
    named = _PATH.findall((ROOT / "CONTRIBUTING.md").read_text())
    assert len(named) > 20
    assert [path for path in named if not _exists(path)] == []


@pytest.mark.parametrize(
    ("page", "begins", "parts"),
    [
        ("README.md", "| permission | for |", [NEEDED_PERMISSIONS, READING_IN_ABSENCE, FINDING_DELETIONS]),
        (
            "docs/signing-in.md", "| permission of that key | for |",
            [NEEDED_PERMISSIONS, READING_IN_ABSENCE, FINDING_DELETIONS, WRITING_BACK, LINKING_CLIPS],
        ),
    ],
)  # fmt: skip
def test_every_permission_that_a_key_is_asked_for_stands_in_the_table_and_no_other(
    page: str, begins: str, parts: list[tuple[str, ...]]
) -> None:
    table = (ROOT / page).read_text().partition(begins)[2].partition("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("|")]
    listed = {name for cell in cells for name in re.findall(r"`(\w+\.\w+)`", cell)}
    asked = {name for part in parts for name in part}
    # Marking favourites, which a person's own key may do or not.
    assert listed - {"asset.update"} == asked - {"asset.update"}
    assert "asset.update" in listed


_FOLDERS = sorted(
    str(path.parent.relative_to(ROOT))
    for part in ("packages", "services", "apps")
    for path in ROOT.glob(f"{part}/*/README.md")
)


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_the_table_of_folders_has_one_row_for_each(page: str) -> None:
    named = _first_cells(page, "| folder |")
    assert sorted(set(named) & set(_FOLDERS)) == _FOLDERS
    assert [folder for folder in named if named.count(folder) > 1 or not (ROOT / folder).exists()] == []


def test_each_module_that_every_process_needs_stands_in_one_row_of_its_readme() -> None:
    package = ROOT / "packages/common"
    there = [path for path in (package / "src/immichvr_common").iterdir() if not path.name.startswith(("_", "py."))]
    names = sorted(f"{path.name}/" if path.is_dir() else path.stem for path in there)
    assert sorted(_first_cells("packages/common/README.md", "| module |")) == names


def _first_cells(page: str, begins: str) -> list[str]:
    """What stands in backticks in the first column of the table that begins so."""
    table = (ROOT / page).read_text().partition(begins)[2].partition("\n\n")[0]
    return [name for row in table.splitlines()[2:] for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


def _tests(page: str, name: str) -> list[Path]:
    """By its path from the root or from beside the page, or by its name alone wherever it is."""
    if "/" in name:
        return [path for path in (ROOT / name, (ROOT / page).parent / name) if path.exists()]
    return [ROOT / path for path in _THERE if path.endswith(f"/{name}")]


def _has(file: Path, case: str) -> bool:
    return not case or f"def {case}(" in file.read_text()


def _exists(path: str) -> bool:
    """From the root, or within the package whose module it begins with."""
    return (ROOT / path).exists() or any(ROOT.glob(f"*/*/src/{path}"))
