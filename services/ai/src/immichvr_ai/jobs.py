"""The jobs of the AI service: `depth`, `splat`, `live`, `render`, and those about models.

What a kind needs is imported with its first job: who only fetches a model has loaded nothing that computes.
"""

from __future__ import annotations

from functools import partial

from immichvr_catalog import is_of_model
from immichvr_common.errors import InvalidRequest
from immichvr_common.tasks import Batch, Made, Report, Task, TaskResult
from immichvr_inference.context import RunContext
from immichvr_inference.model_jobs import perform_model_job

from immichvr_ai.context import process_context
from immichvr_ai.kinds import LIVE, PHOTO_JOBS, RENDER
from immichvr_ai.settings import current_settings


def perform(task: Task | Batch, report: Report, context: RunContext | None = None) -> list[Made] | list[TaskResult]:
    """Does one job: the photo `source` becomes a depth asset, or a depth and a splat asset.

    A job about a model, and a session, make nothing; of jobs that came together, each has its outcome. context: what
    networks run with; that of this process where none is given. Raises InvalidRequest, and what decoding, estimating
    and lifting raise, each with a code.
    """
    context = context or process_context()
    if isinstance(task, Batch):
        from immichvr_ai.batches import perform_batch

        return perform_batch(task, report, context)
    if task.kind in PHOTO_JOBS:
        from immichvr_ai.photo_jobs import perform_photo_job

        return perform_photo_job(task, report, context)
    if is_of_model(task.kind):
        perform_model_job(task, report, context)
    elif task.kind == LIVE:
        from immichvr_ai.live.opening import open_for_session
        from immichvr_ai.live.serving import serve_live

        serve_live(task, report, partial(open_for_session, context, current_settings().work.pool == "gpu"))
    elif task.kind == RENDER:
        from immichvr_ai.render.serving import serve_render

        serve_render(task, report, on_gpu=current_settings().work.pool == "gpu")
    else:
        raise InvalidRequest(f"the ai service does depth and splat, not {task.kind!r}")
    return []
