"""Stands in for a conversion that never ends: says which process it is and holds the pipe open while it lives."""

import os
import time
from pathlib import Path

from immichvr_common.tasks import Made, Report, Task


def perform(task: Task, report: Report) -> list[Made]:
    pipe = Path(os.environ["STALLING_PIPE"]).open("w")  # noqa: SIM115  # closed by this process's end
    pipe.write("started\n")
    pipe.flush()
    time.sleep(600)
    return []
