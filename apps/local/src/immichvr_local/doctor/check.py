"""What one check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Check:
    """One finding. state: `warn` where something works less well, `fail` where nothing does; remedy: what to do."""

    name: str
    state: State
    found: str
    remedy: str = ""


def ok(name: str, found: str) -> Check:
    """All is well."""
    return Check(name, "ok", found)


def warn(name: str, found: str, remedy: str) -> Check:
    """Something works less well."""
    return Check(name, "warn", found, remedy)


def fail(name: str, found: str, remedy: str) -> Check:
    """Nothing works before this is put right."""
    return Check(name, "fail", found, remedy)
