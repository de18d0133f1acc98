"""What a body may have in it is what its description says; pydantic alone takes "1" and true for numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, get_args

import pytest
from immichvr_gateway.app import make_api
from immichvr_gateway.requests.asking import PLANNERS
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import BaseModel, TypeAdapter, ValidationError

STRANGE = [
    True, False, 0, 1, 2, 2.0, 0.5, 1_700_000_000, "1", "0", "0.5", "true", "yes", "", None, [], {}, [1], ["1"], [True],
    {"1": 1}, {"1": True}, {"a": "1"},
]  # fmt: skip


def _within(kind: Any) -> Iterator[type[BaseModel]]:
    """A model, and those that it holds."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
        for field in kind.model_fields.values():
            yield from _within(field.annotation)
    for part in get_args(kind):
        yield from _within(part)


FREE = {"/api/webhooks/immich/{user}"}
"""Where a body is whatever another program sends, of which nothing is believed as it stands."""


def _names_in(schema: dict[str, Any]) -> set[str]:
    """The models that the schema of a body refers to, alone, as one of several, or as the items of a list."""
    found = {schema["$ref"].rpartition("/")[2]} if "$ref" in schema else set()
    parts = [part for several in ("oneOf", "anyOf", "allOf") for part in schema.get(several, ())]
    parts += [schema["items"]] if "items" in schema else []
    return found.union(*(_names_in(part) for part in parts))


def _of_requests() -> Iterator[type[BaseModel]]:
    """The models of all bodies, and of the parameters of every kind of job."""
    named: dict[str, type[BaseModel]] = {}
    left = [BaseModel]
    while left:
        for one in left.pop().__subclasses__():
            if one.__module__.startswith("immichvr_gateway."):
                named[one.__name__] = one
            left.append(one)
    document = make_api().openapi()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" not in content or path in FREE:
                continue
            names = _names_in(content["application/json"]["schema"])
            assert names and names <= set(named), f"what {method} {path} takes is no model that is looked at: {names}"
            yield from (named[name] for name in names)
    yield from PLANNERS.values()


MODELS = sorted(
    {one for model in _of_requests() for one in _within(model)}, key=lambda one: f"{one.__module__}.{one.__name__}"
)


@pytest.mark.parametrize("model", MODELS, ids=lambda one: one.__name__)
def test_nothing_of_another_type_than_the_description_says_is_taken(model: type[BaseModel]) -> None:
    schema = model.model_json_schema()
    taken = []
    for name, field in model.model_fields.items():
        told = schema["properties"][field.alias or name]
        described = Draft202012Validator({**told, "$defs": schema.get("$defs", {})}, format_checker=FormatChecker())
        kind = TypeAdapter(Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation)
        for value in STRANGE:
            # Which texts there are is looked at later, so that the answer names them.
            if any(described.is_valid(one) for one in (value, *_of_its_type(value, told))):
                continue
            whole = {field.alias or name: value}
            if not _errors(kind.validate_python, value) and () not in _errors(model.model_validate, whole):
                taken.append((name, value))
    assert not taken


def _errors(validate: Callable[[Any], object], value: Any) -> list[tuple[int | str, ...]]:
    """Where something is wrong with a value; empty for the whole of it."""
    try:
        validate(value)
    except ValidationError as error:
        return [one["loc"] for one in error.errors()]
    return []


def _of_its_type(value: Any, told: dict[str, Any]) -> list[Any]:
    """Texts that a field names, or lists of one, where the value is a text, or a list of one."""
    if isinstance(value, str):
        return [one for one in told.get("enum", []) if isinstance(one, str)][:1]
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [[one] for one in told.get("items", {}).get("enum", [])[:1]]
    return []
