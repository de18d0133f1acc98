"""A capability that works in steps, keeps each, and may die in one of them the first time it comes there."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from immichvr_common.errors import TaskFailed
from immichvr_common.keeping import keep
from immichvr_common.tasks import Made, MadeFile, Report, Task

_CHECKPOINT = "checkpoint.txt"


def perform(task: Task, report: Report) -> list[Made]:
    """Does `steps` steps and writes each it begins to `log`; in step `dies_in` it dies unless the log has that already.

    kills: whom it ends then, itself by default. fails_in: the step that it cannot do. waits_in: the step that takes for
    ever, the first time too.
    """
    steps, log = int(task.params["steps"]), Path(task.params["log"])
    done = int(task.kept[_CHECKPOINT].read_text()) if _CHECKPOINT in task.kept else 0
    for step in range(done + 1, steps + 1):
        begun = log.read_text().split() if log.exists() else []
        with log.open("a") as out:
            out.write(f"{step}\n")
        if step == task.params.get("dies_in") and str(step) not in begun:
            _until_stored(task)
            os.kill(os.getppid() if task.params.get("kills") == "worker" else os.getpid(), signal.SIGKILL)
        if step == task.params.get("waits_in") and str(step) not in begun:
            signal.pause()
        if step == task.params.get("fails_in"):
            _until_stored(task)
            raise TaskFailed("odd", f"step {step} cannot be done")
        report(step / steps, "inferred", f"step {step}")
        fragment = task.folder / f"{step:05}.m4s"
        fragment.write_text(f"fragment {step}")
        keep(fragment.name, fragment, facts={"from_s": step - 1, "to_s": step})
        checkpoint = task.folder / f"{_CHECKPOINT}.new"
        checkpoint.write_text(str(step))
        keep(_CHECKPOINT, checkpoint, resumes=True)
        checkpoint.unlink()
    (task.folder / "depth.json").write_text("made")
    return [Made("depth-video", "trial", [MadeFile("depth.json", "frames", "json", "application/json")])]


def _until_stored(task: Task) -> None:
    """The parent removes each link once its file is stored."""
    links = task.folder / ".kept"
    while links.exists() and any(links.iterdir()):
        os.sched_yield()
