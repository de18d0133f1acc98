"""A download as it is shown: a bar with bytes, rate and time in a terminal, plain lines elsewhere."""

from __future__ import annotations

from types import TracebackType

from immichvr_common.sizes import size
from immichvr_models import Progress
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bar

from immichvr_local.console import messages

_PLAIN_SHARE = 0.25


class DownloadShown:
    """Shows the progress of one download, called `name`, for the time of the block."""

    def __init__(self, name: str, console: Console | None = None) -> None:
        self._name = name
        self._console = console or messages()
        self._told = -1.0
        self._bar: Bar | None = None
        if self._console.is_terminal:
            columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
            self._bar = Bar(TextColumn("{task.description}"), *columns, console=self._console, transient=True)
            self._task = self._bar.add_task(name, total=None)

    def __enter__(self) -> DownloadShown:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, progress: Progress) -> None:
        """Show how far it is: every time in a terminal, now and then elsewhere."""
        if self._bar is not None:
            self._bar.update(self._task, completed=progress.received, total=progress.total)
            return
        share = progress.fraction or 0.0
        if self._told < 0 or share >= self._told + _PLAIN_SHARE:
            self._told = share
            self._console.print(self._line(progress), markup=False)

    def _line(self, progress: Progress) -> str:
        line = f"{self._name}: {size(progress.received)}"
        if progress.total is not None:
            line += f" of {size(progress.total)}"
        if progress.rate > 0:
            line += f", {size(round(progress.rate))}/s"
        if progress.remaining_s is not None:
            line += f", {progress.remaining_s:.0f} s to go"
        return line
