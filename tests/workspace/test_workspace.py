"""A folder with a pyproject.toml is all it takes to be set up, checked, tested and built."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import add

_STUB = """#!/bin/sh
case "$1" in
  tools/workspace.py) exec {python} "$@" ;;
  -c) exit 0 ;;
  *) echo "$@" >>{log} ;;
esac
"""


def ask(root: Path, *what: str) -> list[str]:
    command = [sys.executable, "tools/workspace.py", "--root", str(root), *what]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.splitlines()


@pytest.fixture
def toys(copy: Path) -> Path:
    add(copy, "packages/toy", "numpy>=2")
    add(copy, "services/toy-train", "immichvr-toy>=0.1", "immichvr_common")
    return copy


def test_a_new_folder_is_linted(toys: Path) -> None:
    Path(toys, ".venv").symlink_to(Path(sys.prefix))
    lint = subprocess.run(["make", "-n", "lint"], cwd=toys, check=True, capture_output=True, text=True).stdout
    assert {"immichvr_toy", "immichvr_toy_train"} <= set(lint.split())


def test_a_new_folder_is_set_up(toys: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    bin_ = toys / ".venv/bin"
    bin_.mkdir(parents=True)
    log = tmp_path_factory.mktemp("log") / "said"
    for name in ("python", "uv"):
        (bin_ / name).write_text(_STUB.format(python=sys.executable, log=log), "utf-8")
        (bin_ / name).chmod(0o755)
    add_warming = toys / "services/toy-train/src/immichvr_toy_train/warming.py"
    add_warming.write_text("", "utf-8")

    environment = {**os.environ, "PYTHON": sys.executable, "TORCH_BACKEND": "cpu"}
    for step in ("tools/setup.sh", "tools/warm.sh"):
        subprocess.run([step], cwd=toys, check=True, env=environment)

    said = log.read_text("utf-8")
    assert "-e packages/toy " in said
    assert "-e services/toy-train " in said
    assert "-m immichvr_toy_train.warming" in said


def test_a_new_folder_s_tests_are_run(toys: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q"]
    collected = subprocess.run(command, cwd=toys, check=True, capture_output=True, text=True).stdout
    assert "packages/toy/tests/test_it.py::test_toy" in collected
    assert "services/toy-train/tests/test_it.py::test_toy" in collected


def test_what_is_ours_names_its_types(root: Path) -> None:
    modules = ask(root, "modules")
    assert "immichvr_common" in modules
    typed = {path.parent.name for path in root.glob("*/**/src/*/py.typed")}
    assert set(modules) <= typed
