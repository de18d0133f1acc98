"""All checks over one way of rendering the chart."""

from __future__ import annotations

from pathlib import Path

from immichvr_helm_check import (
    addresses,
    arrows,
    claims,
    ports,
    references,
    schemas,
    security,
    selectors,
    settings,
    validity,
)
from immichvr_helm_check.matrix import CHART, Way
from immichvr_helm_check.objects import Objects
from immichvr_helm_check.processes import defaults_of_images, processes
from immichvr_helm_check.references import Existing
from immichvr_helm_check.rendering import Broken, doubles, lint, render

START = Path("tools/image/start.sh")
"""How images start their service, in the repository."""


def check(way: Way, root: Path, chart: Path | None = None) -> list[str]:
    """Everything that is wrong with the chart in a way of rendering it, a sentence each, that names the object.

    root: of the repository; chart: another than the repository's.
    """
    chart = chart or root / CHART
    try:
        return [*lint(chart, way.values), *look(render(chart, way.values), root, way.existing, way.since)]
    except Broken as error:
        return [str(error)]


def look(objects: Objects, root: Path, existing: Existing, since: str) -> list[str]:
    """The same of rendered objects."""
    every, defaults = processes(objects, existing), defaults_of_images(root / START)
    return [
        *doubles(objects),
        *schemas.check(objects, since),
        *validity.check(objects),
        *security.check(objects),
        *selectors.check(objects),
        *references.check(objects, existing),
        *claims.check(objects),
        *addresses.check(objects),
        *settings.check(every, defaults),
        *ports.check(every, defaults),
        *arrows.check(objects),
    ]
