"""No task is begun and forgotten: the supervisor owns it, or the module that began it looks at how it ends."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = [path for folder in ("packages", "services", "apps") for path in ROOT.glob(f"{folder}/*/src/**/*.py")]
SUPERVISOR = "immichvr_common/supervision.py"
BEGINS = ("create_task", "ensure_future")
LOOKS = ("gather", "wait", "shield", "wait_for")


def forgotten(tree: ast.Module) -> Iterator[str]:
    """The tasks that a module begins and never looks at again."""
    looked_at = set(_looked_at(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in BEGINS:
            names = set(_names_of(tree, node))
            if not names & looked_at:
                yield f"line {node.lineno}: {ast.unparse(node)}"


def _names_of(tree: ast.Module, call: ast.Call) -> Iterator[str]:
    """What a task is called that this call begins."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value) if _holds(value, call):
                yield from (name for target in targets for name in _last_names(target))
            case ast.NamedExpr(target=target, value=value) if _holds(value, call):
                yield target.id


def _holds(value: ast.expr, call: ast.Call) -> bool:
    return any(one is call for one in ast.walk(value))


def _last_names(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute):
            yield one.attr
        elif isinstance(one, ast.Name) and one.id != "self":
            yield one.id


def _looked_at(tree: ast.Module) -> Iterator[str]:
    """Names that are awaited, gathered or waited for, or asked for their result."""
    for node in ast.walk(tree):
        match node:
            case ast.Await(value=ast.Name() | ast.Attribute() as value):
                yield from _last_names(value)
            case ast.Call(func=ast.Attribute(attr=attr), args=args) if attr in LOOKS:
                yield from (name for one in args for name in _last_names(one))
            case ast.Call(func=ast.Attribute(value=value, attr="result" | "exception")):
                yield from _last_names(value)


def forgotten_in(code: str) -> list[str]:
    """The same of a module's code; most of it names nothing that begins a task, and need not be parsed."""
    return list(forgotten(ast.parse(code))) if any(name in code for name in BEGINS) else []


def test_every_task_is_looked_at_by_who_begins_it_or_supervised() -> None:
    found = {
        str(path.relative_to(ROOT)): forgotten_in(path.read_text())
        for path in SOURCES
        if not path.as_posix().endswith(SUPERVISOR)
    }
    assert len(found) > 100
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("asyncio.create_task(work())", 1),
        ("self._keeper = asyncio.create_task(work())\nself._keeper.cancel()", 1),
        ("task = asyncio.create_task(work())\nawait task", 0),
        ("self._keeper = asyncio.create_task(work())\nawait asyncio.gather(self._keeper)", 0),
    ],
)
def test_a_forgotten_task_is_seen(code: str, count: int) -> None:
    assert len(forgotten_in(code)) == count
