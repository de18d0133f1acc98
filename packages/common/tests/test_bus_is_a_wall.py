"""What NATS is made of stays behind the bus: everybody else sees its calls, and three errors."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BUS = ROOT / "packages/common/src/immichvr_common/bus"
SOURCES = [
    path
    for folder in ("packages", "services")
    for path in ROOT.glob(f"{folder}/*/src/**/*.py")
    if not path.is_relative_to(BUS) and "packages/proto" not in path.as_posix()
]
# What consumers are described with is data.
ALLOWED = "nats.js.api"


def leaks(tree: ast.AST) -> Iterator[str]:
    """Each use of the NATS client or of what a bus is made of."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (f"import {one.name}" for one in names if one.name.split(".")[0] == "nats")
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] == "nats" and module != ALLOWED:
                yield f"from {module} import"
            case ast.Attribute(value=value, attr="js" | "client") if _is_bus(value):
                yield f"{ast.unparse(node)}"


def _is_bus(value: ast.expr) -> bool:
    name = value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
    return name.endswith("bus")


def leaks_in(code: str) -> list[str]:
    """The same of a module's code; most of it has none of these words, and need not be parsed."""
    return list(leaks(ast.parse(code))) if re.search(r"\b(nats|js|client)\b", code) else []


def test_nobody_but_the_bus_knows_the_client_of_nats() -> None:
    found = {str(path.relative_to(ROOT)): leaks_in(path.read_text()) for path in SOURCES}
    assert len(found) > 100
    assert {path: leaked for path, leaked in found.items() if leaked} == {}


@pytest.mark.parametrize(
    "line", ["import nats.errors", "from nats.js import JetStreamContext", "self._bus.js.publish()", "bus.client"]
)
def test_a_leak_is_seen(line: str) -> None:
    assert leaks_in(line)
