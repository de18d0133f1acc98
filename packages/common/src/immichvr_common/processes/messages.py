"""What a child and its parent say to each other, and how it travels: as a tuple, which costs least."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from immichvr_common.tasks import Failure, Made, TaskResult
from immichvr_common.telling import ChildEvent


@dataclass(frozen=True)
class Ready:
    """The child has imported its capability and waits for a task."""


@dataclass(frozen=True)
class Progress:
    """How far the task is: fraction from 0 to 1."""

    fraction: float
    stage: str
    message: str


@dataclass(frozen=True)
class Result:
    """What the task made; of a batch, the result of each of its tasks."""

    made: list[Made] | list[TaskResult]


@dataclass(frozen=True)
class Taken:
    """The child has read its task: what becomes of it from now on may be the task's own doing."""


@dataclass(frozen=True)
class Told:
    """What the child tells beside progress, at any time."""

    news: ChildEvent


Message = Ready | Taken | Progress | Result | Failure | Told
_KINDS: tuple[type[Message], ...] = (Ready, Taken, Progress, Result, Failure, Told)
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}
_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in _KINDS}


def packed(message: Message) -> tuple[Any, ...]:
    """The message as it travels."""
    kind = type(message)
    return (_NUMBERS[kind], *(getattr(message, name) for name in _FIELDS[kind]))


def unpacked(data: tuple[Any, ...]) -> Message:
    """The message that has travelled. Raises LookupError or TypeError for anything else."""
    number, *values = data
    message: Message = _KINDS[number](*values)
    return message
