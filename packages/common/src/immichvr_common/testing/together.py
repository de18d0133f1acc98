"""A capability that does several tasks at once: what each makes says how many there were."""

import os
import signal
import time
from functools import partial
from pathlib import Path

from immichvr_common.errors import WorkerCrashed
from immichvr_common.processes.failures import result_of
from immichvr_common.tasks import Batch, Made, Report, Task, TaskResult


def key(task: Task) -> str:
    """Tasks of the same colour go together."""
    return str(task.params.get("colour", ""))


def perform(task: Task | Batch, report: Report) -> list[Made] | list[TaskResult]:
    """Does a task, or many. They begin when the file `gate` among a task's parameters is there."""
    if not isinstance(task, Batch):
        return _one(task, 1, report)
    if any(one.params.get("do") == "spoil" for one in task.tasks):
        raise RuntimeError("not with that one")
    return [result_of(partial(_one, one, len(task.tasks), report)) for one in task.tasks]


def _one(task: Task, beside: int, report: Report) -> list[Made]:
    report(0.5, "begun", str(beside))
    with Path(task.params["log"]).open("a") as log:
        log.write(f"{task.source.id if task.source else ''} {beside}\n")
    while not Path(task.params["gate"]).exists():
        time.sleep(0.01)
    if task.params.get("do") in ("fail", "spoil"):
        raise ValueError("no such colour")
    if task.params.get("do") == "break":
        raise WorkerCrashed("the device failed")
    if task.params.get("do") == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    return [Made(kind="depth", model_key="together", files=[], details={"beside": beside})]
