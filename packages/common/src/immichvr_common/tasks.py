"""What a capability sees: a task in, files and facts out. No bus, no storage, no network.

A capability is one plain function `(Task, Report) -> list[Made]` that runs in a child process. One that does several
tasks at once in less time takes a Batch as well, and answers with a TaskResult for each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from immichvr_common.sources import Source


@dataclass(frozen=True)
class Task:
    """One piece of work.

    inputs: local files by role. folder: where outputs are written; it is empty and this task's own. kept: what an
    earlier attempt kept to go on from (`immichvr_common.keeping`), by name. traceparent: what it is done within; empty
    where that is not recorded.
    """

    kind: str
    params: dict[str, Any]
    inputs: dict[str, Path]
    folder: Path
    source: Source | None = None
    source_name: str = ""
    kept: dict[str, Path] = field(default_factory=dict)
    traceparent: str = ""


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


@dataclass(frozen=True)
class Failure:
    """Why a task failed: a code for programs, words for people, and whether it may be tried again.

    inputs: roles of those that it is about; none where it is about all of them.
    """

    code: str
    message: str
    retriable: bool
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Batch:
    """Several tasks with the same key, for one child at once."""

    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class TaskResult:
    """What became of one task of a batch: what it made, or why it failed."""

    made: list[Made] = field(default_factory=list)
    failure: Failure | None = None


Report = Callable[[float, str, str], None]
"""Called with fraction (0 to 1), stage and a message as the work goes on."""

Capability = Callable[[Task | Batch, Report], list[Made] | list[TaskResult]]
