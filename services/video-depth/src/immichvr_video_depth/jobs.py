"""The jobs of the video depth service: `video-depth`, `stereo` and `motion`, and those about its models."""

from __future__ import annotations

from immichvr_catalog import is_of_model
from immichvr_common.tasks import Made, Report, Task
from immichvr_inference.context import RunContext
from immichvr_inference.model_jobs import perform_model_job

from immichvr_video_depth.context import process_context


def perform(task: Task, report: Report, context: RunContext | None = None) -> list[Made]:
    """Does one job; one about a model makes nothing.

    context: what networks run with; that of this process where none is given. Raises what `perform_video_job` and
    `perform_model_job` raise.
    """
    context = context or process_context()
    if is_of_model(task.kind):
        perform_model_job(task, report, context)
        return []
    # With the first such job: who only fetches a model has loaded nothing that computes.
    from immichvr_video_depth.video_jobs import perform_video_job

    return perform_video_job(task, report, context)
