"""Writes docs/settings.md from the settings of every service; with --check only tells whether it would change."""

from __future__ import annotations

import enum
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from immichvr_catalog import SERVICES, Service
from immichvr_common.settings import EnvironmentSettings
from immichvr_helm_check.settings import settings_class
from pydantic import BaseModel, ByteSize, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

PAGE = Path(__file__).parents[1] / "docs/settings.md"
_MARKS = ("<!-- settings -->\n", "\n<!-- end -->")
_NAME = "<NAME>"
_WORDS: dict[Any, str] = {
    bool: "true or false", int: "whole number", float: "number", str: "text", Path: "path", SecretStr: "secret",
    ByteSize: "size, like `2GB`",
}  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """One variable of the environment. is_secret: `<name>_FILE` may name a file that holds it."""

    name: str
    kind: str
    default: str
    description: str
    is_secret: bool


def settings_of(service: Service) -> list[Setting]:
    """Every variable that a service reads by its settings."""
    kind = settings_class(service.name)
    return list(_of_model(kind, str(kind.model_config["env_prefix"])))


def accepts(service: Service, variable: str) -> bool:
    """Whether a service reads a variable of this name."""
    return any(re.fullmatch(_pattern(one), variable) for one in settings_of(service))


def _pattern(setting: Setting) -> str:
    named = re.escape(setting.name).replace(re.escape(_NAME), "[A-Z0-9_]+?")
    return f"{named}(_FILE)?"


def _of_model(model: type[BaseModel], prefix: str) -> Iterator[Setting]:
    told = _told(model)
    for name, field in model.model_fields.items():
        description = field.description or told.get(name, "")
        yield from _of_field(field.annotation, f"{prefix}{name.upper()}", field, description)


def _of_field(annotation: Any, name: str, field: FieldInfo, description: str) -> Iterator[Setting]:
    kind = _bare(annotation)
    if inspect.isclass(kind) and issubclass(kind, EnvironmentSettings):
        yield from _of_model(kind, str(kind.model_config["env_prefix"]))
    elif inspect.isclass(kind) and issubclass(kind, BaseModel):
        yield from _of_model(kind, f"{name}__")
    elif get_origin(kind) is dict:
        value = _bare(get_args(kind)[1])
        if inspect.isclass(value) and issubclass(value, BaseModel):
            yield from _of_model(value, f"{name}__{_NAME}__")
        else:
            yield Setting(f"{name}__{_NAME}", _words(value), "", description, False)
    else:
        default = "" if field.default_factory is not None else _default(field.default)
        yield Setting(name, _words(kind), default, description, kind is SecretStr)


def _told(model: type[BaseModel]) -> dict[str, str]:
    """What a class's docstring says of its fields: `name: words.` or `one, other: words.`"""
    text = " ".join(word for kind in reversed(model.__mro__) for word in (kind.__doc__ or "").split())
    names = "|".join(map(re.escape, model.model_fields))
    parts = re.split(rf"(?<=[.;] )((?:{names})(?:, (?:{names}))*): ", text)
    return {
        name: words.strip().rstrip(".;") for said, words in zip(parts[1::2], parts[2::2], strict=True)
        for name in said.split(", ")
    }  # fmt: skip


def _bare(annotation: Any) -> Any:
    """Without Annotated, and without None beside it."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        others = [one for one in get_args(annotation) if one is not NoneType]
        return _bare(others[0]) if len(others) == 1 else annotation
    return annotation


def _words(kind: Any) -> str:
    if kind in _WORDS:
        return _WORDS[kind]
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    if get_origin(kind) in (tuple, list):
        return "list"
    raise TypeError(f"no words for {kind}: add them to tools/settings.py")


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "has to be given"
    if isinstance(value, SecretStr) or value is None or value in ("", (), {}):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value.value if isinstance(value, enum.Enum) else value}`"


def tables() -> Iterator[str]:
    """A table for each service."""
    for service in SERVICES.values():
        yield f"## {service.name}"
        yield "| variable | value | default | |"
        yield "|---|---|---|---|"
        for one in settings_of(service):
            name = f"`{one.name}`" + (" (`_FILE`)" if one.is_secret else "")
            yield f"| {name} | {one.kind} | {one.default} | {one.description.replace('|', '/')} |"
        yield ""


def renewed(text: str) -> str:
    """The page with its tables as they should be."""
    before, _, rest = text.partition(_MARKS[0])
    return before + _MARKS[0] + "\n".join(tables()).rstrip() + _MARKS[1] + rest.partition(_MARKS[1])[2]


def main(check: bool) -> int:
    """Writes, or looks; whether it differed."""
    text = PAGE.read_text("utf-8")
    differs = renewed(text) != text
    if differs and check:
        print("docs/settings.md is not what the settings say: run make generated")
    elif differs:
        PAGE.write_text(renewed(text), "utf-8")
    return int(differs and check)


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
