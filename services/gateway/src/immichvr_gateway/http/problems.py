"""Failures as problem details (RFC 9457), with a code for programs and words for people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from immichvr_common.errors import (
    ClockSkew,
    Conflict,
    CorruptObject,
    InvalidRequest,
    NotFound,
    ServiceError,
    SourceReplaced,
    StorageFull,
    StorageRefused,
    Unavailable,
    disk_full,
)
from immichvr_common.logs import get_log
from immichvr_media import ImageTooLarge, MediaError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route

from immichvr_gateway.library import (
    InvalidCursor,
    LibraryUnavailable,
    NoSuchRange,
    NotPermitted,
    PhotoNotFound,
    PhotoTooLarge,
    PhotoUnreadable,
    SearchUnavailable,
    SignInFailed,
)

log = get_log(__name__)

MEDIA_TYPE = "application/problem+json"
_AGAIN_S = {429: "10", 503: "2"}
"""When to ask again where nobody knows better."""
_HTTP_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed"}


class Problem(Exception):
    """An answer that is not what was hoped for.

    headers: of the answer; more: further members of the problem's details.
    """

    def __init__(
        self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers, self.more = status, code, detail, headers or {}, more


def not_found(what: str) -> Problem:
    """404: there is no such thing, or it is not this person's to see."""
    return Problem(404, "not_found", what)


def lost(name: str) -> Problem:
    """410: it was made, and storage has it no more."""
    return Problem(410, "lost_object", f"{name} was made and is in storage no more: make it anew")


def not_accepted(name: str, value: str, accepted: list[str]) -> Problem:
    """422: a value that is none of those there are."""
    detail = f"{name} {value!r} is not one of: {', '.join(accepted)}"
    return Problem(422, f"invalid_{name}", detail, accepted=accepted)


def answer(problem: Problem) -> JSONResponse:
    """The problem as it travels."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        **problem.more,
    }
    headers = {"Retry-After": _AGAIN_S[problem.status]} if problem.status in _AGAIN_S else {}
    return JSONResponse(body, problem.status, {**headers, **problem.headers}, MEDIA_TYPE)


def as_problem(error: Exception) -> Problem:
    """What an error means to whoever asked: 4xx for those named here alone; an unforeseen one shows no detail."""
    match error:
        case Problem():
            return error
        case StorageFull():
            return Problem(507, error.code, error.message, where=error.where)
        case OSError() if (full := disk_full(error)) is not None:
            return Problem(507, full.code, full.message, where=full.where)
        case Unavailable() | LibraryUnavailable():
            # As the library said, where it did.
            wait = getattr(error, "retry_after_s", None)
            headers = {"Retry-After": str(math.ceil(wait))} if wait is not None else {}
            return Problem(503, "unavailable", _said(error), headers, down=[error.down])
        case ClockSkew():
            return Problem(503, error.code, error.message)
        case StorageRefused() | CorruptObject():
            return Problem(502, error.code, _said(error))
        case PhotoNotFound():
            return not_found(error.message)
        case NotFound() if not error.key:  # that our own storage has not what it should is nobody's request's fault
            return not_found(error.message)
        case NoSuchRange():
            return Problem(416, error.code, error.message, {"Content-Range": f"bytes */{error.size}"})
        case SearchUnavailable():
            return Problem(409, error.code, error.message)
        case SignInFailed():
            return Problem(401, error.code, error.message)
        case NotPermitted():
            return Problem(403, "not_permitted", error.message, permissions=list(error.permissions))
        case PhotoUnreadable():
            # The request is sound, the photo is not.
            return Problem(409, error.code, error.message)
        case PhotoTooLarge():
            return Problem(413, error.code, error.message)
        case ImageTooLarge():
            return Problem(413, "image_too_large", str(error))
        case MediaError():
            return Problem(422, error.code, str(error))
        case Conflict():
            return Problem(409, "conflict", error.message)
        case SourceReplaced():
            return Problem(409, error.code, error.message)
        case InvalidRequest() | InvalidCursor():
            return Problem(422, error.code, error.message)
        case HTTPException():
            code = _HTTP_CODES.get(error.status_code, "refused")
            return Problem(error.status_code, code, str(error.detail), error.headers)
        case RequestValidationError():
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            return Problem(422, "invalid_request", f"{where}: {first['msg']}")
    log.error("request failed", exc_info=error)
    return Problem(500, "internal", "something went wrong here; the gateway's log says what")


def _said(error: ServiceError) -> str:
    """An error's sentence, in which an object of storage is called by its last name alone."""
    key = getattr(error, "key", "")
    return error.message.replace(key, key.rpartition("/")[2]) if key else error.message


def install(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Turns every error of an application into problem details.

    routes: of its API, to tell which methods a path has.
    """

    async def handle(request: Request, error: Exception) -> JSONResponse:
        problem = as_problem(error)
        allowed = _methods_at(routes, request.url.path) if problem.status in (404, 405) else []
        # Whichever route was the first to say no: others may take the path by other methods.
        if allowed and request.method not in allowed:
            words = f"{request.method} is not among: {', '.join(allowed)}"
            problem = Problem(405, "method_not_allowed", words, {"Allow": ", ".join(allowed)})
        return answer(problem)

    kinds = (Problem, ServiceError, HTTPException, RequestValidationError, ValueError, OSError)
    for kind in (*kinds, Exception):
        app.add_exception_handler(kind, handle)


def _methods_at(routes: Sequence[BaseRoute], path: str) -> list[str]:
    """Every method that some route takes at a path."""
    found = [route for route in routes if isinstance(route, Route) and route.path_regex.match(path)]
    return sorted({method for route in found for method in route.methods or ()})
