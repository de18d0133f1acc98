"""How routes that ask for jobs answer."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from immichvr_common.trace import accept_traceparent

from immichvr_gateway.library import Identity
from immichvr_gateway.requests.asking import JobRequests
from immichvr_gateway.requests.planning import JobRequest
from immichvr_gateway.requests.spec import Requester, SourceVersion
from immichvr_gateway.views import JobAnswer

MADE: dict[int | str, dict[str, Any]] = {
    200: {"model": JobAnswer, "description": "It exists already; the job that made it."},
    202: {"model": JobAnswer, "description": "The job that makes it; `Location` says where to follow it."},
}


async def answered(
    kind: str, wanted: JobRequest, of: SourceVersion, request: Request, requests: JobRequests, who: Identity
) -> JSONResponse:
    """The job that answers a request, as 200 where it is done."""
    requester = Requester(who.user_id, accept_traceparent(request.headers.get("traceparent")), who)
    answer = await requests.ask(kind, wanted, of, requester)
    view = answer.record.view(who.user_id)
    headers = {"Location": f"/api/jobs/{view.id}"}
    return JSONResponse({"job": view.model_dump(mode="json")}, 200 if answer.done else 202, headers)
