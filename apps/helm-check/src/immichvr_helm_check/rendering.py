"""The chart, linted and rendered by Helm's own code, without a cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import helm_python
import yaml

from immichvr_helm_check.objects import Object, Objects, name_of

RELEASE = NAMESPACE = "immichvr"
"""The name of the release that is rendered, and its namespace."""
_WARNING = 2
_ABSENT_ICON = "icon is recommended"


class Broken(ValueError):
    """The chart cannot be rendered with these values, or not to objects; the message says why."""


class _Loader(yaml.CSafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """Reads YAML 1.1 as Helm does, and refuses a second key of one name, which others drop in silence."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for key, count in keys.items():
            if count > 1 and key != "<<":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands there twice", node.start_mark
                )
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


def lint(chart: Path, values: Mapping[str, Any]) -> list[str]:
    """A sentence for each thing that `helm lint` has to say, but for an icon, which is a matter of taste."""
    report = helm_python.lint(chart, dict(values), strict=True, namespace=NAMESPACE)
    return [
        f"helm lint: {one['path']}: {one['error']}"
        for one in report["messages"]
        if one["severity"] >= _WARNING and _ABSENT_ICON not in one["error"]
    ]


def render(chart: Path, values: Mapping[str, Any], name: str = RELEASE) -> list[Object]:
    """Every object of a release of that name with these values, those of hooks and tests too. Raises Broken."""
    try:
        with helm_python.Chart.load(chart) as loaded:
            rendered = loaded.render(dict(values), name=name, namespace=NAMESPACE)
    except helm_python.HelmError as error:
        raise Broken(str(error)) from error
    return [one for path, text in sorted(rendered.items()) if path.endswith(".yaml") for one in read(path, text)]


def read(path: str, text: str) -> list[Object]:
    """The objects of a file. Raises Broken."""
    try:
        found = [one for one in yaml.load_all(text, _Loader) if one]
    except yaml.YAMLError as error:
        raise Broken(f"{path}: {error}") from error
    for one in found:
        if not isinstance(one, dict) or not {"apiVersion", "kind", "metadata"} <= set(one):
            raise Broken(f"{path}: an object needs apiVersion, kind and metadata")
    return found


def doubles(objects: Objects) -> list[str]:
    """A sentence for each name that two objects of a kind share."""
    names = Counter(name_of(one) for one in objects)
    return [f"{name}: there are {count} of it" for name, count in names.items() if count > 1]
