"""What a capability sees: a task in, files and facts out. No bus, no storage, no network.

A capability is one plain function `(Task, Report) -> list[Made]` that runs in a child process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Task:
    """One piece of work.

    inputs: local files by role. folder: where outputs are written; it is empty and this task's own.
    """

    kind: str
    params: dict[str, Any]
    inputs: dict[str, Path]
    folder: Path
    photo_id: str = ""
    source_name: str = ""


@dataclass(frozen=True)
class MadeFile:
    """One file of an asset, lying in the task's folder."""

    name: str
    role: str
    format: str
    media_type: str
    variant: str = "full"


@dataclass(frozen=True)
class Made:
    """One asset a task made.

    model_key, model_revision, reason: what really made it, and why if that was not the first choice.
    details: facts a viewer needs (camera, near and far). timings: seconds by phase.
    extends: the asset already exists and gets these files in addition.
    """

    kind: str
    model_key: str
    files: list[MadeFile]
    model_revision: str = ""
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    losses: list[str] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    extends: bool = False


Report = Callable[[float, str, str], None]
"""Called with fraction (0 to 1), stage and a message as the work goes on."""

Capability = Callable[[Task, Report], list[Made]]
