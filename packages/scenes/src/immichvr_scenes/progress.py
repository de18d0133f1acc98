"""Telling how far work is, as jobs do it: a fraction from 0 to 1, a stage, a message. What it raises stops the work."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[float, str, str], None]


def silent(fraction: float, stage: str, message: str) -> None:
    """Tells nobody."""


def within(report: Report, start: float, end: float) -> Report:
    """A report whose 0 to 1 is a part of the whole."""

    def told(fraction: float, stage: str, message: str) -> None:
        report(start + (end - start) * fraction, stage, message)

    return told
