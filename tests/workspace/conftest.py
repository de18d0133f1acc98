"""The checkout, and a small copy of it in which folders may be added."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_KEPT = ("Makefile", "constraints.txt", "package.json", "package-lock.json", "pyproject.toml", "tools")
_PATTERNS = (
    "*/*/pyproject.toml",
    "bench/pyproject.toml",
    "*/*/requirements-*.txt",
    "*/*/src/*/__init__.py",
    "services/*/web/*.*",
    "services/*/immich-plugin/*.*",
)
_PROJECT = """
[project]
name = "{name}"
version = "0.1.0"
dependencies = {dependencies}
"""


@pytest.fixture
def root() -> Path:
    return ROOT


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What tells of the workspace, without the code itself."""
    for name in _KEPT:
        (shutil.copytree if Path(ROOT, name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    for pattern in _PATTERNS:
        for path in ROOT.glob(pattern):
            target = tmp_path / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    return tmp_path


def add(copy: Path, folder: str, *dependencies: str) -> None:
    """A distribution with one module and one test."""
    name = "immichvr-" + folder.split("/")[1]
    module = copy / folder / "src" / name.replace("-", "_")
    module.mkdir(parents=True)
    (module / "__init__.py").write_text("", "utf-8")
    (copy / folder / "pyproject.toml").write_text(_PROJECT.format(name=name, dependencies=list(dependencies)), "utf-8")
    (copy / folder / "tests").mkdir()
    (copy / folder / "tests/test_it.py").write_text("def test_toy() -> None: ...\n", "utf-8")
