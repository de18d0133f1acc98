"""The run of everything from a clean checkout."""

import ast
import runpy
import shutil
import subprocess
from pathlib import Path

_TOOLS = ("dirname", "sleep", "touch")
_STANDS_IN = {
    "apt-get": '[ "$1" = update ] && exit; until [ -e failed ]; do sleep 0.01; done; sleep 0.3; touch installed',
    "id": "echo 0",
    "make": "touch failed; exit 2",
    "promtool": "",
}


def test_where_something_fails_what_is_installed_meanwhile_is_waited_for(root: Path, tmp_path: Path) -> None:
    """Else it went on behind everybody's back, with the lock that the next one needs."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in _TOOLS:
        (tools / name).symlink_to(shutil.which(name) or "")
    for name, script in _STANDS_IN.items():
        (tools / name).write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        (tools / name).chmod(0o755)
    (tmp_path / ".ci").mkdir()
    run = shutil.copy(root / ".ci/run", tmp_path / ".ci")
    quiet = subprocess.DEVNULL
    ended = subprocess.run(["/bin/bash", run], env={"PATH": str(tools)}, stdout=quiet, stderr=quiet, timeout=30)
    assert ended.returncode == 2
    assert (tmp_path / "installed").exists()


def test_every_file_that_shares_a_stack_runs_in_the_process_of_the_others(root: Path) -> None:
    together = runpy.run_path(str(root / "conftest.py"))["TOGETHER"]
    shared = set(together.values())
    found = {}
    for path in (root / "tests/e2e").glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for name in shared & {one.arg for one in node.args.args}:
                    found[path.relative_to(root).as_posix()] = name
    assert found == together


def test_what_runs_at_night_alone_says_what_holds_it_by_day(root: Path) -> None:
    """Above the test, or at the head of its file: `In short, …`, or that nothing does."""
    silent = []
    for pattern in ("*/*/tests", "bench/tests", "tests"):
        for path in sorted(file for folder in root.glob(pattern) for file in folder.rglob("test_*.py")):
            text = path.read_text("utf-8")
            if "mark.long" not in text:
                continue
            lines, tree = text.splitlines(), ast.parse(text)
            if "in short" in (ast.get_docstring(tree) or "").lower():
                continue
            silent += [f"{path.relative_to(root)}: {test.name}" for test in _nightly(tree) if not _is_held(test, lines)]
    assert silent == []


def _nightly(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The tests that are marked as a whole; of one that some of its cases are, the others hold it."""
    whole = "pytest.mark.long"
    marked = any(ast.unparse(node).startswith("pytestmark =") and whole in ast.unparse(node) for node in tree.body)
    tests = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [
        node
        for node in tests
        if node.name.startswith("test_") and (marked or whole in map(ast.unparse, node.decorator_list))
    ]


def _is_held(test: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> bool:
    above = min(node.lineno for node in (test, *test.decorator_list)) - 2
    words = []
    while lines[above].startswith("#"):
        words.append(lines[above].lower())
        above -= 1
    return any("in short" in line for line in words)
