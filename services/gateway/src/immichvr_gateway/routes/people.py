"""Who is asking, for every route."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPBearer
from immichvr_common.sources import Source

from immichvr_gateway.auth.sessions import admitted, let_in
from immichvr_gateway.auth.visitors import COOKIE, Visitor, shown_by
from immichvr_gateway.http.problems import not_found
from immichvr_gateway.library import Identity, LibraryUnavailable, SignInFailed
from immichvr_gateway.routes.dependencies import Here
from immichvr_gateway.sources.places import PLACES

_COOKIE = APIKeyCookie(
    name=COOKIE, scheme_name="session", auto_error=False, description="the cookie that `POST /api/session` sets"
)
_KEY = APIKeyHeader(name="x-api-key", scheme_name="key", auto_error=False, description="an API key of Immich")
_LINK = APIKeyHeader(
    name="x-immich-share-key", scheme_name="link", auto_error=False, description="the key of a share link of Immich"
)
_TOKEN = HTTPBearer(
    scheme_name="token",
    auto_error=False,
    description="the gateway's own access token, or of Immich a session's token or an API key",
)


async def ways_in(
    cookie: Annotated[object, Security(_COOKIE)],
    key: Annotated[object, Security(_KEY)],
    token: Annotated[object, Security(_TOKEN)],
) -> None:
    """How somebody shows who they are, for the API's description; what is shown is read by `shown_by`."""


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


async def the_visitor(request: Request, here: Here, _: Annotated[None, Depends(ways_in)]) -> Visitor:
    """The person behind a request, and the session they were known by. Raises Problem as `admitted`, `Rates.count`."""
    visitor = await admitted(here.sessions, request.scope)
    here.rates.count(visitor.who, request.scope)
    return visitor


TheVisitor = Annotated[Visitor, Depends(the_visitor)]


async def somebody(visitor: TheVisitor) -> Identity:
    """The person behind a request. Raises Problem as `admitted` and `Rates.count`."""
    return visitor.who


async def spectator(
    request: Request, here: Here, _: Annotated[None, Depends(ways_in)], __: Annotated[object, Security(_LINK)]
) -> Identity:
    """The person behind a request, or the visitor of a share link. Raises Problem as `let_in` and `Rates.count`."""
    who = (await let_in(here.sessions, request.scope)).who
    here.rates.count(who, request.scope)
    return who


Person = Annotated[Identity, Depends(somebody)]
"""Somebody with an account. What names nobody else is closed to visitors of share links."""
Spectator = Annotated[Identity, Depends(spectator)]
"""A person, or a visitor of a share link: for what shows a photo or what was made of it, and changes nothing."""
Anybody = Annotated[Identity | None, Depends(anybody)]


async def shown_source(source_id: str, request: Request, here: Here, who: Spectator) -> Source:
    """The source below whose place the route is, if this person may see it. Raises Problem (404), Unavailable."""
    source = Source(PLACES[request.scope["route"].path.split("/")[2]], source_id)
    if not await here.visibility.may_see(who, source):
        raise not_found(f"there is no {source.kind} {source_id!r}, or you may not see it")
    return source


ShownSource = Annotated[Source, Depends(shown_source)]
