"""The jobs of the inpaint service: `reconstruct`, `points`, `dataset` and `inpaint`, and those about its models."""

from __future__ import annotations

from immichvr_catalog import is_of_model
from immichvr_common.tasks import Made, Report, Task
from immichvr_inference.context import RunContext
from immichvr_inference.model_jobs import perform_model_job

from immichvr_inpaint.context import process_context


def perform(task: Task, report: Report, context: RunContext | None = None) -> list[Made]:
    """Does one job; one about a model makes nothing.

    context: what networks run with; that of this process where none is given. Raises what `perform_place_job` and
    `perform_model_job` raise.
    """
    context = context or process_context()
    if is_of_model(task.kind):
        perform_model_job(task, report, context)
        return []
    # With the first such job: who only fetches a model has loaded nothing that computes.
    from immichvr_inpaint.place_jobs import perform_place_job

    return perform_place_job(task, report, context)
