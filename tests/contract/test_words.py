"""Every error that a person may meet has a sentence of its own in the viewer, and each sentence its error."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
VIEWER = ROOT / "services/gateway/web/src/ui/error-words.ts"
VIEWERS_OWN = {"offline", "too_many_requests"}
"""What the viewer itself notices: no answer at all; a proxy's refusal without a code."""
NOBODY_SEES = {"returned"}
"""Between workers and the gateway alone."""
_CODE = re.compile(r"[a-z][a-z0-9_]+")


def sources() -> Iterator[ast.Module]:
    """Every module of every package and service, but for generated ones and what only tests run."""
    for path in [*ROOT.glob("packages/*/src/**/*.py"), *ROOT.glob("services/*/src/**/*.py")]:
        if not path.name.endswith(("_pb2.py", "_pb2_grpc.py")) and "testing" not in path.parts:
            yield ast.parse(path.read_text())


def places_of_codes(modules: list[ast.Module]) -> dict[str, int]:
    """Functions, and classes by their constructor, that take a `code`: which positional argument it is."""
    places = {}
    for module in modules:
        for node in ast.walk(module):
            functions = [(node.name, node)] if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else []
            if isinstance(node, ast.ClassDef):
                functions = [(node.name, one) for one in node.body if getattr(one, "name", "") == "__init__"]
            for name, function in functions:
                names = [argument.arg for argument in function.args.args if argument.arg != "self"]
                if "code" in names and name != "__init__":
                    places[name] = names.index("code")
    return places


def constants_of(modules: list[ast.Module]) -> dict[str, str]:
    """Strings that modules give a name."""
    return {
        target.id: node.value.value
        for module in modules
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def codes_in(module: ast.Module, places: dict[str, int], constants: dict[str, str]) -> Iterator[str]:
    """Every code that a module names: as a class's own, or in a call that takes one."""

    def texts(node: ast.AST | None) -> Iterator[str]:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _CODE.fullmatch(node.value):
            yield node.value
        elif isinstance(node, ast.Name) and node.id in constants:
            yield constants[node.id]
        elif isinstance(node, ast.IfExp):
            yield from texts(node.body)
            yield from texts(node.orelse)

    for node in ast.walk(module):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(one, ast.Name) and one.id == "code" for one in targets):
                yield from texts(node.value)
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            for keyword in node.keywords:
                if keyword.arg == "code":
                    yield from texts(keyword.value)
            if name == "not_accepted":
                yield from (f"invalid_{text}" for text in texts(node.args[0]))
            elif name in places and len(node.args) > places[name]:
                yield from texts(node.args[places[name]])


def test_every_error_has_its_sentence_in_the_viewer() -> None:
    modules = list(sources())
    places, constants = places_of_codes(modules), constants_of(modules)
    codes = {code for module in modules for code in codes_in(module, places, constants)} - NOBODY_SEES
    assert len(codes) > 60
    worded = set(re.findall(r"^  ([a-z0-9_]+): \[", VIEWER.read_text(), re.MULTILINE))
    assert codes - worded == set(), "without a sentence"
    assert worded - codes - VIEWERS_OWN == set(), "a sentence for an error of nobody"
