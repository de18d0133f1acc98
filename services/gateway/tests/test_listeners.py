"""Who listens to events knows nobody who listens beside it, but for what it works with: each could go, or another come,
and none would notice."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "src"
LISTENERS = {
    "jobs.store": set[str](),
    "assets.store": set[str](),
    "models.catalog": set[str](),
    "events.sockets": set[str](),
    "events.notifying": {"events.sockets"},
    "hooks.publishing": set[str](),
    "jobs.followups": {"jobs.store"},
    "live.sessions": {"jobs.store", "models.catalog"},
    "requests.renewing": {"jobs.store", "models.catalog"},
    "batches.runner": {"jobs.store", "models.catalog"},
    "upkeep.room": set[str](),
    "scaling.demand": set[str](),
    "automation.pointing": set[str](),
    "automation.moving": set[str](),
}
"""Modules of the gateway that take in what workers tell, or what has become of that, and which of the others they know:
who asks for more jobs knows where jobs and models stand, and news of assets go by the sockets."""


def file_of(module: str) -> Path | None:
    """The file of a module of the gateway; None where it is none of its."""
    path = SOURCES.joinpath(*module.split("."))
    return next((one for one in (path.with_suffix(".py"), path / "__init__.py") if one.is_file()), None)


def imported(code: str) -> set[str]:
    """The gateway's modules that some code imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.ImportFrom(module=str(module), names=names, level=0):
                found |= {module, *(f"{module}.{one.name}" for one in names)}
            case ast.Import(names=names):
                found |= {one.name for one in names}
    return {one for one in found if one.startswith("immichvr_gateway.") and file_of(one)}


def known_to(module: str) -> set[str]:
    """What a module imports, and what that imports, and so on."""
    found, left = set(), [module]
    while left:
        left += (news := imported_by(left.pop()) - found)
        found |= news
    return found


@cache
def imported_by(module: str) -> set[str]:
    """What a module of the gateway imports of it."""
    path = file_of(module)
    assert path is not None
    return imported(path.read_text())


@pytest.mark.parametrize("name", LISTENERS)
def test_one_who_listens_to_events_knows_no_other_but_what_it_works_with(name: str) -> None:
    known = known_to(f"immichvr_gateway.{name}")
    assert known
    others = {other for other in LISTENERS if other != name and f"immichvr_gateway.{other}" in known}
    assert others == LISTENERS[name]


def test_all_of_them_are_known_to_who_puts_them_together() -> None:
    assert {f"immichvr_gateway.{one}" for one in LISTENERS} <= known_to("immichvr_gateway.services")


@pytest.mark.parametrize(
    "line",
    ["from immichvr_gateway.jobs.store import JobStore", "from immichvr_gateway.jobs import store",
     "import immichvr_gateway.jobs.store", "def f():\n    from immichvr_gateway.jobs.store import JobStore"],
)  # fmt: skip
def test_an_import_is_seen(line: str) -> None:
    assert "immichvr_gateway.jobs.store" in imported(line)
