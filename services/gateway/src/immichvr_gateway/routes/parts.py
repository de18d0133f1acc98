"""What a job has made so far: files that are watched while it works."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from immichvr_common.errors import NotFound
from immichvr_common.parts import Part, prefix_of
from pydantic import BaseModel, Field

from immichvr_gateway.http.description import FILE, also
from immichvr_gateway.http.problems import lost, not_found
from immichvr_gateway.http.ranges import Served, serve
from immichvr_gateway.jobs.records import JobRecord
from immichvr_gateway.jobs.watched import Watched, seconds_of
from immichvr_gateway.resources import Resources
from immichvr_gateway.routes.dependencies import Here, Up
from immichvr_gateway.routes.jobs import mine
from immichvr_gateway.routes.people import Person

router = APIRouter(prefix="/api/jobs", tags=["jobs"])
_WATCHED = ("video/mp4", "image/jpeg")


class PartView(BaseModel):
    """One part. from_s, to_s: which of the video's seconds it has; both 0 for what all the others need first, and for
    what is no video. version: another one where it is another file by now, as of a preview."""

    name: str
    from_s: float
    to_s: float
    version: str
    url: str


class PartsView(BaseModel):
    """What there is so far, in the order in which it is played."""

    items: list[PartView]
    rgbd: dict[str, Any] | None = Field(description="where colour and depth lie in the picture, once that is known")


@router.get("/{job_id}/parts", responses=also(404))
async def list_parts(job_id: str, here: Here, who: Person, up: Up) -> PartsView:
    """What a job has made so far of what is to be watched; nothing of jobs that are only watched when they are done."""
    record = await mine(here, up, who, job_id)
    watched = await _watched(here, record)
    items = [
        PartView(
            name=part.name,
            from_s=span[0],
            to_s=span[1],
            version=part.sha256[:16],
            url=f"/api/jobs/{record.id}/parts/{part.name}",
        )
        for part in watched.parts
        if (span := seconds_of(part)) is not None
    ]
    return PartsView(items=items, rgbd=watched.layout)


@router.head("/{job_id}/parts/{part}", include_in_schema=False, response_class=Response)
@router.get("/{job_id}/parts/{part}", response_class=Response, responses=FILE)
async def get_part(job_id: str, part: str, request: Request, here: Here, who: Person, up: Up) -> Response:
    """One of them, whole or a range of it."""
    record = await mine(here, up, who, job_id)
    found = next((one for one in (await _watched(here, record)).parts if one.name == part), None)
    if found is None:
        raise not_found(f"job {job_id} has no part {part!r}")
    served = Served(
        size=found.size, media_type=_media_type(found), etag=f'"{found.sha256}"', name=found.name,
        read=lambda start, length: here.store.stream(found.key, start, length),
    )  # fmt: skip
    try:
        return await serve(request, served, download=False)
    except NotFound as error:
        raise lost(found.name) from error


def _media_type(part: Part) -> str:
    """Of the few that workers keep to be watched; what else one says it is, no browser looks into."""
    return part.media_type if part.media_type in _WATCHED else "application/octet-stream"


async def _watched(here: Resources, record: JobRecord) -> Watched:
    return await here.watched.under(prefix_of(record.job())) if record.message else Watched()
