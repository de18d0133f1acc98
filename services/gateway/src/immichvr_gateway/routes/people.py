"""Who is asking, for every route."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from immichvr_common.sources import Source

from immichvr_gateway.auth.sessions import admitted, let_in
from immichvr_gateway.auth.visitors import COOKIE, Visitor, shown_by
from immichvr_gateway.http.problems import not_found
from immichvr_gateway.library import Identity, LibraryUnavailable, SignInFailed
from immichvr_gateway.routes.dependencies import Here
from immichvr_gateway.sources.places import PLACES

WAYS_IN: Mapping[str, dict[str, str]] = {
    "session": {
        "type": "apiKey", "description": "the cookie that `POST /api/session` sets", "in": "cookie", "name": COOKIE,
    },
    "key": {"type": "apiKey", "description": "an API key of Immich", "in": "header", "name": "x-api-key"},
    "token": {
        "type": "http",
        "description": "the gateway's own access token, or of Immich a session's token or an API key",
        "scheme": "bearer",
    },
    "link": {
        "type": "apiKey", "description": "the key of a share link of Immich", "in": "header",
        "name": "x-immich-share-key",
    },
}  # fmt: skip
"""How somebody shows who they are, in the words of OpenAPI; what is shown is read by `shown_by`."""


async def anybody(request: Request, here: Here) -> Identity | None:
    """The person behind a request, or None; while the library is away, who it was known to be.

    For what says nothing of anybody's photos. Raises Problem (429), Unavailable.
    """
    shown = shown_by(request.scope)
    try:
        return await here.sessions.who(shown)
    except SignInFailed:
        return None
    except LibraryUnavailable:
        visitor = await here.sessions.recognised(shown)
        return None if visitor is None else visitor.who


async def the_visitor(request: Request, here: Here) -> Visitor:
    """The person behind a request, and the session they were known by. Raises Problem as `admitted`, `Rates.count`."""
    visitor = await admitted(here.sessions, request.scope)
    here.rates.count(visitor.who, request.scope)
    return visitor


TheVisitor = Annotated[Visitor, Depends(the_visitor)]


async def somebody(request: Request, here: Here) -> Identity:
    """The person behind a request. Raises Problem as `admitted` and `Rates.count`."""
    return (await the_visitor(request, here)).who


async def spectator(request: Request, here: Here) -> Identity:
    """The person behind a request, or the visitor of a share link. Raises Problem as `let_in` and `Rates.count`."""
    who = (await let_in(here.sessions, request.scope)).who
    here.rates.count(who, request.scope)
    return who


Person = Annotated[Identity, Depends(somebody)]
"""Somebody with an account. What names nobody else is closed to visitors of share links."""
Spectator = Annotated[Identity, Depends(spectator)]
"""A person, or a visitor of a share link: for what shows a photo or what was made of it, and changes nothing."""
Anybody = Annotated[Identity | None, Depends(anybody)]


def ways_into(route: APIRoute) -> list[str]:
    """By which of WAYS_IN somebody may show a route who they are; none where it asks nobody."""
    asked = set(_asked_by(route.dependant))
    if spectator in asked:
        return list(WAYS_IN)
    return [way for way in WAYS_IN if way != "link"] if asked & {the_visitor, somebody} else []


def _asked_by(dependant: Dependant) -> Iterator[object]:
    for one in dependant.dependencies:
        yield one.call
        yield from _asked_by(one)


async def shown_source(source_id: str, request: Request, here: Here, who: Spectator) -> Source:
    """The source below whose place the route is, if this person may see it. Raises Problem (404), Unavailable."""
    source = Source(PLACES[request.scope["route"].path.split("/")[2]], source_id)
    if not await here.visibility.may_see(who, source):
        raise not_found(f"there is no {source.kind} {source_id!r}, or you may not see it")
    return source


ShownSource = Annotated[Source, Depends(shown_source)]
