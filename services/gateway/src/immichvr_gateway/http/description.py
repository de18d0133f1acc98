"""The API's description: names of operations that stay, what each tag is about, and every error an operation answers.

What FastAPI makes of the routes is completed here from the document alone, so that a new route has all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from immichvr_catalog import ERRORS, ErrorCode

from immichvr_gateway.http.problems import MEDIA_TYPE
from immichvr_gateway.sources.places import PLACES

TAGS = {
    "photos": "Pages of photos, their pictures, and asking for what is to be made of one.",
    "videos": "Pages of videos, and playing them.",
    "scenes": "Places made of photos and videos, to walk in, and what was missing in them filled.",
    "timeline": "Photos and videos by month, of libraries however large.",
    "albums": "Albums, those shared with one first, and what lies in them.",
    "browsing": "The library by people, places, tags and memories, and searching it.",
    "assets": "What was made, and its files.",
    "earlier": "Routes as the project of the same name had them before, for clients written for it.",
    "jobs": "Work of any kind: asked for, followed, cancelled, tried again.",
    "automation": "Photos that become 3D by themselves: what Immich tells, by which rules.",
    "share": "What a share link of Immich shows to whoever follows it.",
    "models": "The networks that there are, their licences, downloads and memory.",
    "people": "The person who asks: what the gateway may do for them, and when they are away.",
    "batches": "Much made at once, when there is time for it.",
    "storage": "What lies in storage, and deleting of it.",
    "webhooks": "Having another program told, at an address of its own, of jobs that end and of new assets.",
    "system": "Health, what this gateway is, and signing in.",
}
"""What the operations of each tag are about."""

_PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "for programs; docs/errors.md lists them, and new ones come"},
        "detail": {"type": "string", "description": "for people"},
        "accepted": {"type": "array", "items": {"type": "string"}, "description": "values that would do"},
        "down": {"type": "array", "items": {"type": "string"}, "description": "what does not answer"},
        "where": {"type": "string", "description": "what has no room left: s3, nats, disk"},
        "permissions": {
            "type": "array",
            "items": {"type": "string"},
            "description": "those of Immich that are missing",
        },
    },
}
_AGAIN = {"Retry-After": {"description": "seconds until it may be tried again", "schema": {"type": "string"}}}
_WITH_HEADERS = {429: _AGAIN, 503: _AGAIN}


def operation_id(route: APIRoute) -> str:
    """What clients know a route by: its function's name; below a kind of source, with the kind behind the verb.

    `list_assets` below `/api/photos/{source_id}` is `listPhotoAssets`.
    """
    verb, *rest = route.name.split("_")
    below, _, _ = route.path.partition("/{source_id}")
    kind = PLACES.get(below.removeprefix("/api/"), "") if below != route.path else ""
    return verb + "".join(word.capitalize() for word in (kind, *rest))


def _reference(status: int) -> str:
    return f"#/components/responses/{_name(status)}"


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")


def also(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: problems that `problems_of` does not know of."""
    return {status: {"$ref": _reference(status), "description": HTTPStatus(status).phrase} for status in statuses}


def _bytes(media_type: str) -> dict[str, Any]:
    return {"content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}


PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture", **_bytes("image/*")},
    304: {"description": "As it was, by `If-None-Match`"},
    **also(409, 413),
}
"""What routes answer that show a picture."""
FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", **_bytes("*/*")},
    206: {"description": "The part of it that `Range` names", **_bytes("*/*")},
    304: {"description": "As it was, by `If-None-Match`"},
    **also(409, 410, 413, 416),
}
"""What routes answer that send a file."""


def install(api: FastAPI, ways_in: Mapping[str, Mapping[str, str]], ways: Mapping[str, Sequence[str]]) -> None:
    """Has an application's document say what this module knows of its operations.

    ways_in: how somebody shows who they are, by name; ways: by which of them to each operation, by its id.
    """
    generated = api.openapi

    def document() -> dict[str, Any]:
        return described(secured(generated(), ways_in, ways))

    api.openapi = document  # type: ignore[method-assign]  # FastAPI's own way of changing the document


def secured(
    document: dict[str, Any], ways_in: Mapping[str, Mapping[str, str]], ways: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The document with how somebody shows who they are; doing it again changes nothing.

    Dependencies that say it would be solved with every request, and for nothing else.
    """
    document["components"]["securitySchemes"] = ways_in
    for methods in document["paths"].values():
        for operation in methods.values():
            if taken := ways.get(operation["operationId"]):
                operation["security"] = [{way: []} for way in taken]
    return document


def described(document: dict[str, Any]) -> dict[str, Any]:
    """The document with what is missing of it; doing it again changes nothing."""
    document["tags"] = [{"name": name, "description": words} for name, words in TAGS.items()]
    components = document["components"]
    components["schemas"]["Problem"] = _PROBLEM
    components["responses"] = _problem_answers()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"]
            answers.pop("default", None)
            for status in sorted(problems_of(method, path, operation)):
                answers.setdefault(str(status), {"$ref": _reference(status)})
    return document


def problems_of(method: str, path: str, operation: dict[str, Any]) -> set[int]:
    """With which problems an operation may answer, by what it takes and who may ask."""
    found = {403, 500, 503}  # a page elsewhere asks; a fault of ours; something is not up
    has_body = "requestBody" in operation
    if operation.get("security"):
        found |= {401, 429, 502}
    if operation.get("parameters") or has_body:
        found |= {422}
    if "{" in path or (has_body and operation.get("security")):
        found |= {404}
    if has_body:
        found |= {400, 408, 413}
    if method != "get":
        found |= {408, 409, 413, 507}
    return found


def _problem_answers() -> dict[str, Any]:
    """An answer for every status that the catalogue has a code for."""
    by_status: dict[int, list[ErrorCode]] = {}
    for error in ERRORS.values():
        for status in error.statuses:
            by_status.setdefault(status, []).append(error)
    return {_name(status): _answer(status, errors) for status, errors in sorted(by_status.items())}


def _answer(status: int, errors: list[ErrorCode]) -> dict[str, Any]:
    """One status: which codes it comes with, and what each looks like."""
    codes = ", ".join(f"`{error.name}`" for error in errors)
    examples = {
        error.name: {
            "summary": error.sentence,
            "value": {
                "type": "about:blank",
                "title": HTTPStatus(status).phrase,
                "status": status,
                "code": error.name,
                "detail": error.remedy,
            },
        }
        for error in errors
    }
    answer: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}: {codes}",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
    }
    if status in _WITH_HEADERS:
        answer["headers"] = _WITH_HEADERS[status]
    return answer
