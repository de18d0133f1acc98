"""Jobs: followed, cancelled, tried again, by those who asked for them."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from immichvr_catalog import KINDS, PHOTO, SOURCES, is_of_model, is_session
from immichvr_common.sources import Source
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from immichvr_gateway.http.problems import Problem, not_accepted, not_found
from immichvr_gateway.http.repeated import Repeatable
from immichvr_gateway.http.times import Moment
from immichvr_gateway.jobs.listing import CURSOR_PATTERN, JobFilter, page_of
from immichvr_gateway.jobs.records import JobRecord, JobShown, JobView, State
from immichvr_gateway.library import Identity
from immichvr_gateway.requests.asking import PLANNERS
from immichvr_gateway.requests.versions import source_version
from immichvr_gateway.resources import Resources
from immichvr_gateway.routes.answers import MADE, answered
from immichvr_gateway.routes.dependencies import Here, Requests, Up
from immichvr_gateway.routes.models import manager
from immichvr_gateway.routes.people import Person
from immichvr_gateway.services import Services
from immichvr_gateway.views import JobAnswer, JobPageView

router = APIRouter(prefix="/api/jobs", tags=["jobs"], route_class=Repeatable)

_EACH_OF_STATES = {"items": {"type": "string", "enum": [*State]}}
_EACH_OF_KINDS = {"items": {"type": "string", "enum": [*KINDS]}}

Since = Annotated[Moment | None, Query(description="those that have changed since")]
Before = Annotated[Moment | None, Query(description="those that were asked for before")]
Cursor = Annotated[str | None, Query(max_length=200, pattern=CURSOR_PATTERN)]
Limit = Annotated[int, Query(ge=1, le=500)]


@router.get("")
async def list_jobs(
    here: Here,
    who: Person,
    up: Up,
    state: Annotated[list[str] | None, Query(max_length=5, json_schema_extra=_EACH_OF_STATES)] = None,
    kind: Annotated[list[str] | None, Query(max_length=16, json_schema_extra=_EACH_OF_KINDS)] = None,
    photo_id: Annotated[str | None, Query(max_length=64)] = None,
    source_kind: Annotated[str | None, Query(max_length=64, json_schema_extra={"enum": [*SOURCES]})] = None,
    source_id: Annotated[str | None, Query(max_length=200, description="a photo's without its kind")] = None,
    since: Since = None,
    before: Before = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> JobPageView:
    """A person's jobs, newest first; `state` and `kind` may be given several times.

    Of one source by `source_kind` and `source_id`, or of all sources of a kind.
    """
    if (strange := next((one for one in state or [] if one not in list(State)), None)) is not None:
        raise not_accepted("state", strange, list(State))
    if (strange := next((one for one in kind or [] if one not in KINDS), None)) is not None:
        raise not_accepted("kind", strange, list(KINDS))
    if source_kind is not None and source_kind not in SOURCES:
        raise not_accepted("source_kind", source_kind, list(SOURCES))
    source = Source(source_kind or PHOTO, source_id) if source_id else Source.photo(photo_id) if photo_id else None
    index = up.jobs.store.index
    wanted = JobFilter([State(one) for one in state or []], kind or [], source_kind, since, before)
    jobs = index.of(source, who.user_id) if source is not None else index.of_requester(who.user_id)
    page = await page_of(
        [job for job in jobs if wanted.takes(job)], cursor, limit, partial(here.visibility.visible, who)
    )
    return JobPageView(items=[_shown(up, job, who) for job in page.items], next_cursor=page.next_cursor)


class SourceWanted(BaseModel):
    """What a job is to be made of."""

    model_config = ConfigDict(extra="forbid")
    kind: str = Field(PHOTO, max_length=64, json_schema_extra={"enum": [*SOURCES]})
    id: str = Field(max_length=200)


def _describe_kinds(schema: dict[str, Any]) -> None:
    """Says in the schema of `JobWanted` which kinds there are, of what sources, and what their planners take."""
    schema["properties"]["kind"]["enum"] = [*PLANNERS]
    schema["oneOf"] = [_described(kind, _whole(planner.model_json_schema())) for kind, planner in PLANNERS.items()]
    schema["examples"] = [{"kind": "depth", "source": {"id": "6f1c0a3b"}, "params": {"model": "auto"}}]


def _whole(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that points at none of its own parts, so that it may stand anywhere."""
    parts = schema.pop("$defs", {})

    def put_in(value: Any) -> Any:
        if isinstance(value, list):
            return [put_in(one) for one in value]
        if not isinstance(value, dict):
            return value
        name = str(value.get("$ref", "")).removeprefix("#/$defs/")
        return put_in(parts[name]) if name in parts else {key: put_in(one) for key, one in value.items()}

    whole: dict[str, Any] = put_in(schema)
    return whole


def _described(kind: str, params: dict[str, Any]) -> dict[str, Any]:
    sources = _sources_of(kind)
    about: dict[str, Any] = {"properties": {"kind": {"enum": sources}}}
    if PHOTO not in sources:  # the kind that is meant where none is told
        about["required"] = ["kind"]
    return {
        "properties": {"kind": {"const": kind}, "source": about, "params": params},
        "required": ["params"] if params.get("required") else [],
    }


def _sources_of(kind: str) -> list[str]:
    """Kinds of sources of which a job of this kind can be made; where it takes an asset, of whatever has one."""
    return [one for one in KINDS[kind].takes if one in SOURCES] or list(SOURCES)


class JobWanted(BaseModel):
    """A job of any kind there is. params: as the planner of the kind takes them."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_describe_kinds)
    kind: str = Field(max_length=64)
    source: SourceWanted
    params: dict[str, Any] = Field({}, max_length=32)


@router.post("", status_code=202, response_model=JobAnswer, responses=MADE)
async def ask_for_job(wanted: JobWanted, request: Request, here: Here, who: Person, requests: Requests) -> Response:
    """Asks for a job of any kind, of any source: 202 with the job, or 200 if its result exists."""
    planner = PLANNERS.find(wanted.kind)
    source = Source(wanted.source.kind, wanted.source.id)
    if source.kind not in _sources_of(wanted.kind):
        raise not_accepted("source_kind", source.kind, _sources_of(wanted.kind))
    of = await source_version(here, who, source, fresh=not KINDS[wanted.kind].extends)
    try:
        asked = planner.model_validate(wanted.params)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(["params", *map(str, first["loc"])])
        raise Problem(422, "invalid_request", f"{where}: {first['msg']}") from error
    return await answered(wanted.kind, asked, of, request, requests, who)


@router.get("/{job_id}")
async def get_job(job_id: str, here: Here, who: Person, up: Up) -> JobShown:
    """A job with its timeline and, while it is queued, its place."""
    return _shown(up, await mine(here, up, who, job_id), who)


@router.delete("/{job_id}", status_code=202, response_model=JobView)
async def cancel_job(job_id: str, here: Here, who: Person, up: Up) -> Response:
    """Cancels a job; one that others asked for too goes on for them."""
    record = await mine(here, up, who, job_id)
    if is_of_model(record.kind):
        await manager(here, who)
    record = await up.jobs.cancel(record, who.user_id)
    return JSONResponse(record.view(who.user_id).model_dump(mode="json"), 202)


@router.post("/{job_id}/first")
async def put_job_first(job_id: str, here: Here, who: Person, up: Up) -> JobShown:
    """Has a queued job go before all else of yours that waits in line; what others asked for keeps its turns."""
    return _shown(up, await up.jobs.put_first(await mine(here, up, who, job_id), who.user_id), who)


@router.post("/{job_id}/retry", status_code=202, response_model=JobView)
async def retry_job(job_id: str, here: Here, who: Person, up: Up, _: Requests) -> Response:
    """Tries a job that has ended again."""
    record = await mine(here, up, who, job_id)
    if is_session(record.kind) or is_of_model(record.kind):
        # Whether this person may, and whether it makes sense, was decided when it was asked for.
        raise Problem(409, "not_retriable", f"a job of kind {record.kind} is not tried again; ask for it anew")
    message = await up.renewal.renewed(who, record) if record.state.terminal and record.message else None
    record = await up.jobs.retry(record, message)
    return JSONResponse(record.view(who.user_id).model_dump(mode="json"), 202, {"Location": f"/api/jobs/{record.id}"})


def _shown(up: Services, record: JobRecord, who: Identity) -> JobShown:
    return record.shown(who.user_id, up.jobs.store.feeder.place_of(record))


async def mine(here: Resources, up: Services, who: Identity, job_id: str) -> JobRecord:
    """A job that this person asked for, about a source that they see still. Raises Problem (404)."""
    record = up.jobs.store.index.get(job_id)
    if record is None or who.user_id not in record.requesters or not await here.visibility.may_see(who, record.source):
        raise not_found(f"there is no job {job_id!r} of yours")
    return record
