"""A capability that does several tasks at once: what each makes says how many there were."""

import os
import signal
import time
from functools import partial
from pathlib import Path

from immichvr_common.batches import Outcome, Together, outcome_of
from immichvr_common.errors import WorkerCrashed
from immichvr_common.tasks import Made, Report, Task


def key(task: Task) -> str:
    """Tasks of the same colour go together."""
    return str(task.params.get("colour", ""))


def perform(task: Task, report: Report) -> list[Made] | list[Outcome]:
    """Does a task, or many. They begin when the file `gate` among a task's parameters is there."""
    if not isinstance(task, Together):
        return _one(task, 1, report)
    if any(one.params.get("do") == "spoil" for one in task.tasks):
        raise RuntimeError("not with that one")
    return [outcome_of(partial(_one, one, len(task.tasks), report)) for one in task.tasks]


def _one(task: Task, beside: int, report: Report) -> list[Made]:
    report(0.5, "begun", str(beside))
    with Path(task.params["log"]).open("a") as log:
        log.write(f"{task.photo_id} {beside}\n")
    while not Path(task.params["gate"]).exists():
        time.sleep(0.01)
    if task.params.get("do") in ("fail", "spoil"):
        raise ValueError("no such colour")
    if task.params.get("do") == "break":
        raise WorkerCrashed("the device failed")
    if task.params.get("do") == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    return [Made(kind="depth", model_key="together", files=[], details={"beside": beside})]
