"""Every error that the sources name is in the catalogue, which has words for it, and each there is one of theirs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from immichvr_catalog import ERRORS

ROOT = Path(__file__).parents[2]
_CODE = re.compile(r"[a-z][a-z0-9_]+")
_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def sources() -> Iterator[ast.Module]:
    """Every module of every package and service, but for generated ones and what only tests run."""
    for path in [
        *ROOT.glob("packages/*/src/**/*.py"),
        *ROOT.glob("services/*/src/**/*.py"),
        *ROOT.glob("apps/*/src/**/*.py"),
    ]:
        if not path.name.endswith(("_pb2.py", "_pb2_grpc.py")) and not {"testing", "immichvr_catalog"} & {*path.parts}:
            yield ast.parse(path.read_text())


def places_of_codes(modules: list[ast.Module]) -> dict[str, int]:
    """Functions, and classes by their constructor, that take a `code`: which positional argument it is.

    A method is handed on as an argument that is named after it, without its underscore.
    """
    places: dict[str, int] = {}
    handed_on: dict[str, int] = {}
    for module in modules:
        for node in ast.walk(module):
            functions = [(node.name, node)] if isinstance(node, _FUNCTION) else []
            if isinstance(node, ast.ClassDef):
                functions = [(node.name, one) for one in node.body if getattr(one, "name", "") == "__init__"]
            for name, function in functions:
                names = [argument.arg for argument in function.args.args if argument.arg != "self"]
                if "code" in names and name != "__init__":
                    places[name] = handed_on[name.lstrip("_")] = names.index("code")
    named = {node.name for module in modules for node in ast.walk(module) if isinstance(node, _FUNCTION)}
    return {name: place for name, place in handed_on.items() if name not in named} | places


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
            if any(isinstance(one, ast.Name) and one.id.endswith("_CODES") for one in targets):
                values = node.value.values if isinstance(node.value, ast.Dict) else []
                yield from (text for value in values for text in texts(value))
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            for keyword in node.keywords:
                if keyword.arg == "code":
                    yield from texts(keyword.value)
            if name == "not_accepted":
                yield from (f"invalid_{text}" for text in texts(node.args[0]))
            elif name in places and len(node.args) > places[name]:
                yield from texts(node.args[places[name]])


@pytest.fixture(scope="module")
def modules() -> list[ast.Module]:
    return list(sources())


def test_every_error_of_the_sources_is_in_the_catalogue_and_each_there_is_one(modules: list[ast.Module]) -> None:
    places, constants = places_of_codes(modules), constants_of(modules)
    codes = {code for module in modules for code in codes_in(module, places, constants)}
    assert codes - set(ERRORS) == set(), "not in the catalogue"
    assert set(ERRORS) - codes == set(), "in the catalogue, but nobody's"


def test_every_answer_has_a_status_that_the_catalogue_names_for_its_code(modules: list[ast.Module]) -> None:
    seen = 0
    for module in modules:
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem" and len(node.args) > 1:
                status, code = node.args[:2]
                if isinstance(status, ast.Constant) and isinstance(code, ast.Constant):
                    seen += 1
                    assert status.value in ERRORS[code.value].statuses, ast.unparse(node)
    assert seen > 40


def test_what_a_class_calls_retriable_is_so_in_the_catalogue(modules: list[ast.Module]) -> None:
    seen = 0
    for module in modules:
        for node in ast.walk(module):
            if isinstance(node, ast.ClassDef):
                own = {
                    target.id: one.value.value
                    for one in node.body
                    if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant)
                    for target in one.targets
                    if isinstance(target, ast.Name)
                }
                if "code" in own and "retriable" in own:
                    seen += 1
                    assert ERRORS[own["code"]].retriable == own["retriable"], node.name
    assert seen > 8
