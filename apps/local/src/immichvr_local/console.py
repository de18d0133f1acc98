"""What the commands show: progress bars in a terminal, plain lines everywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

_PLAIN_SHARE = 0.25


def output() -> Console:
    """Where results go. Long addresses and paths are never broken in the middle outside a terminal."""
    return Console(soft_wrap=not sys.stdout.isatty(), highlight=False)


def messages() -> Console:
    """Where progress and complaints go."""
    return Console(stderr=True, soft_wrap=not sys.stderr.isatty(), highlight=False)


class Steps:
    """The steps of one command, of which each is announced, with a bar for how many are done.

    total: how many steps there will be.
    """

    def __init__(self, total: int, console: Console | None = None) -> None:
        self._console = console or messages()
        self._told_share, self._done = 0.0, 0
        self._task: TaskID | None = None
        self._progress: Progress | None = None
        if self._console.is_terminal:
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
            )
            self._task = self._progress.add_task("", total=total)

    def __enter__(self) -> Steps:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    @contextmanager
    def step(self, words: str) -> Iterator[None]:
        """One step, called `words`."""
        self._told_share = 0.0
        self._describe(words)
        if self._progress is None:
            self._console.print(f"{words} …", markup=False)
        yield
        self._done += 1
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=self._done)

    def within(self, words: str, share: float) -> None:
        """How far the present step is, 0..1: every time in a terminal, now and then elsewhere."""
        self._describe(f"{words} {share:.0%}")
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=self._done + share)
        if self._progress is None and share >= self._told_share + _PLAIN_SHARE:
            self._told_share = share
            self._console.print(f"{words} {share:.0%}", markup=False)

    def _describe(self, words: str) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=words)
