"""Dead letters: jobs that failed for good, in words; and messages that could not be read, for those who manage."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from immichvr_catalog import ERRORS, is_of_model, is_session

from immichvr_gateway.http.description import also
from immichvr_gateway.http.problems import Problem, not_found
from immichvr_gateway.jobs.listing import JobFilter, page_of
from immichvr_gateway.jobs.records import JobRecord, State
from immichvr_gateway.library import Identity
from immichvr_gateway.resources import Resources
from immichvr_gateway.routes.dependencies import Here, Up
from immichvr_gateway.routes.jobs import Cursor, Limit, mine
from immichvr_gateway.routes.models import Manager
from immichvr_gateway.routes.people import Person
from immichvr_gateway.services import Services
from immichvr_gateway.upkeep.aside import forget_set_aside, read_set_aside
from immichvr_gateway.views import DeadLetterPageView, DeadLetterView, ForgottenView, SetAsideView

router = APIRouter(prefix="/api/dead-letters", tags=["jobs"])

Code = Annotated[str | None, Query(max_length=60, description="of the error, such as `poison`")]


@router.get("")
async def list_dead_letters(
    here: Here, who: Person, up: Up, code: Code = None, limit: Limit = 50, cursor: Cursor = None
) -> DeadLetterPageView:
    """A person's jobs that failed for good, newest first, with what happened and what can be done about it.

    What `may_be_retried` is tried again by `POST /api/jobs/{id}/retry`.
    """
    page = await page_of(_failed(up, who, code), cursor, limit, partial(here.visibility.visible, who))
    return DeadLetterPageView(
        items=[_letter(record, who.user_id) for record in page.items], next_cursor=page.next_cursor
    )


@router.delete("")
async def purge_dead_letters(here: Here, who: Person, up: Up, code: Code = None) -> ForgottenView:
    """Forgets all of a person's dead letters, or those with an error of this code; others who asked keep theirs."""
    failed = _failed(up, who, code)
    for record in failed:
        await up.jobs.store.leave(record, who.user_id)
    return ForgottenView(forgotten=len(failed))


@router.get("/set-aside")
async def list_set_aside(who: Manager, up: Up, limit: Limit = 100) -> SetAsideView:
    """The latest messages and records that could not be read or believed, newest first, and why; without their data."""
    return SetAsideView(items=await read_set_aside(up.bus, limit))


@router.delete("/set-aside", status_code=204, response_class=Response)
async def purge_set_aside(who: Manager, up: Up) -> Response:
    """Forgets the messages that were set aside."""
    await forget_set_aside(up.bus)
    return Response(status_code=204)


@router.get("/{job_id}", responses=also(409))
async def get_dead_letter(job_id: str, here: Here, who: Person, up: Up) -> DeadLetterView:
    """Why a job failed for good."""
    return _letter(await _buried(here, up, who, job_id), who.user_id)


@router.delete("/{job_id}", status_code=204, response_class=Response)
async def purge_dead_letter(job_id: str, here: Here, who: Person, up: Up) -> Response:
    """Forgets a job that failed for good; others who asked for it keep it."""
    await up.jobs.store.leave(await _buried(here, up, who, job_id), who.user_id)
    return Response(status_code=204)


def _failed(up: Services, who: Identity, code: str | None) -> list[JobRecord]:
    wanted = JobFilter(states=[State.FAILED], error=code)
    return [
        one for one in up.jobs.store.index.of_requester(who.user_id) if not is_session(one.kind) and wanted.takes(one)
    ]


async def _buried(here: Resources, up: Services, who: Identity, job_id: str) -> JobRecord:
    record = await mine(here, up, who, job_id)
    if not record.state.terminal:
        raise Problem(409, "not_ended", f"job {job_id} is {record.state}; whether it fails is not known yet")
    if record.state is not State.FAILED:
        raise not_found(f"job {job_id!r} has not failed")
    return record


def _letter(record: JobRecord, user_id: str) -> DeadLetterView:
    code = record.error.code if record.error is not None else "internal"
    known = ERRORS[code if code in ERRORS else "internal"]
    may_be_retried = bool(record.message) and not is_session(record.kind) and not is_of_model(record.kind)
    return DeadLetterView(
        job=record.view(user_id),
        failed_at=record.updated_at,
        deliveries=record.attempts,
        explanation=known.sentence,
        remedy=known.remedy,
        may_be_retried=may_be_retried,
    )
