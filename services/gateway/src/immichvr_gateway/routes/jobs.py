"""Jobs: followed, cancelled, tried again, by those who asked for them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from immichvr_gateway.access import may_see_job, visible_jobs
from immichvr_gateway.core import Core
from immichvr_gateway.jobs.records import LIVE, JobRecord, JobView, State
from immichvr_gateway.library import Identity
from immichvr_gateway.problems import Problem, not_accepted, not_found
from immichvr_gateway.routes.models import manager
from immichvr_gateway.routes.people import Person, TheCore
from immichvr_gateway.views import JobPageView

router = APIRouter(prefix="/api/jobs", tags=["jobs"])

_LOOKED_AT = 200
"""So many jobs are looked at for one page; where few of them may be seen, it is a short one."""


@router.get("")
async def list_jobs(
    core: TheCore,
    who: Person,
    state: Annotated[str | None, Query(max_length=16, json_schema_extra={"enum": [*State]})] = None,
    photo_id: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> JobPageView:
    """A person's jobs, newest first."""
    if state is not None and state not in list(State):
        raise not_accepted("state", state, list(State))
    jobs = core.jobs.of_photo(photo_id, who.user_id) if photo_id else core.jobs.of_requester(who.user_id)
    if state is not None:
        jobs = [job for job in jobs if job.state == state]
    names = [job.id for job in jobs]
    start = names.index(cursor) + 1 if cursor in names else 0
    seen: list[JobRecord] = []
    end = start
    while len(seen) <= limit and end < min(len(jobs), start + max(limit, _LOOKED_AT)):
        looked_at = jobs[end : end + limit + 1]
        end += len(looked_at)
        seen += await visible_jobs(core.library, who, looked_at)
    page = seen[:limit]
    # The next page goes on after what was shown, or after what was looked at in vain.
    last = page[-1] if len(seen) > limit else jobs[end - 1] if end < len(jobs) else None
    return JobPageView(items=[job.view(who.user_id) for job in page], next_cursor=last.id if last else None)


@router.get("/{job_id}")
async def get_job(job_id: str, core: TheCore, who: Person) -> JobView:
    """A job with its timeline."""
    return (await _mine(core, who, job_id)).view(who.user_id)


@router.delete("/{job_id}", status_code=202, response_model=JobView)
async def cancel_job(job_id: str, core: TheCore, who: Person) -> Response:
    """Cancels a job; one that others asked for too goes on for them."""
    record = await _mine(core, who, job_id)
    if record.kind.startswith("model-"):
        await manager(core, who)
    record = await core.desk.cancel(record, who.user_id)
    return JSONResponse(record.view(who.user_id).model_dump(mode="json"), 202)


@router.post("/{job_id}/retry", status_code=202, response_model=JobView)
async def retry_job(job_id: str, core: TheCore, who: Person) -> Response:
    """Tries a job that has ended again."""
    record = await _mine(core, who, job_id)
    if record.kind == LIVE or record.kind.startswith("model-"):
        # Whether this person may, and whether it makes sense, was decided when it was asked for.
        raise Problem(409, "not_retriable", f"a job of kind {record.kind} is not tried again; ask for it anew")
    message = await core.orders.renewed(who, record) if record.state.terminal and record.message else None
    record = await core.desk.retry(record, message)
    return JSONResponse(record.view(who.user_id).model_dump(mode="json"), 202, {"Location": f"/api/jobs/{record.id}"})


async def _mine(core: Core, who: Identity, job_id: str) -> JobRecord:
    """A job that this person asked for, about a photo that they see still. Raises Problem (404)."""
    record = core.jobs.get(job_id)
    if record is None or who.user_id not in record.requesters or not await may_see_job(core.library, who, record):
        raise not_found(f"there is no job {job_id!r} of yours")
    return record
