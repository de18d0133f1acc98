"""Does a photo's job really where its name begins with `real`, and as the trial capability does for all others."""

from __future__ import annotations

from immichvr_common.tasks import Made, Report, Task
from immichvr_common.testing import studio


def perform(task: Task, report: Report) -> list[Made]:
    """Does a job of kind depth, splat or convert."""
    if not task.source_name.startswith("real"):
        return studio.perform(task, report)
    if task.kind == "convert":
        from immichvr_converter.jobs import perform as convert

        return convert(task, report)
    from immichvr_ai.jobs import perform as make

    return [one for one in make(task, report) if isinstance(one, Made)]
