"""A bar for each photo that is being worked on, and one for all; plain lines outside a terminal."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from immichvr_local.demo.gallery import Job, Photo

# A stage is named for what was done last; a person wants to know what is being done.
_DOING = {
    "": "waiting",
    "queued": "waiting",
    "started": "starting",
    "staged": "decoding",
    "decoded": "estimating depth",
    "downloading": "downloading",
    "inferred": "lifting to Gaussians",
    "lifted": "packing",
    "packed": "storing",
    "stored": "stored",
}
_NAME_LENGTH = 32


class Bars:
    """Shows how the photos fare."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._ended = 0
        self._started: dict[Photo, float] = {}
        self._tasks: dict[Photo, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.fields[name]}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[words]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._all = self._progress.add_task("", total=total, name="all photos", words=f"0 of {total}")

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def moved(self, photo: Photo, job: Job) -> None:
        """A job got further."""
        self._started.setdefault(photo, time.monotonic())
        words = _DOING.get(job.stage, job.stage)
        if job.stage == "downloading" and job.message:
            words = f"downloading {job.message}"
        if photo not in self._tasks:
            self._tasks[photo] = self._progress.add_task("", total=1, name=_short(photo.name), words=words)
        self._progress.update(self._tasks[photo], completed=job.fraction, words=words)

    def made(self, photo: Photo, model_key: str, reason: str) -> None:
        """A photo has its splat."""
        seconds = time.monotonic() - self._started[photo]
        because = f" ({reason})" if reason else ""
        self._end(photo, f"{model_key}, {seconds:.1f} s{because}")

    def failed(self, photo: Photo, why: str) -> None:
        """A photo gets none."""
        self._end(photo, f"failed, {why}")

    def _end(self, photo: Photo, outcome: str) -> None:
        self._ended += 1
        if photo in self._tasks:
            self._progress.remove_task(self._tasks.pop(photo))
        self._progress.update(self._all, completed=self._ended, words=f"{self._ended} of {self._total}")
        self._console.print(f"[{self._ended}/{self._total}] {photo.name}: {outcome}", markup=False)


def _short(name: str) -> str:
    return name if len(name) <= _NAME_LENGTH else f"{name[: _NAME_LENGTH - 1]}…"
