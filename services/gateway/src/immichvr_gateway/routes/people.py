"""Who is asking, for every route."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from starlette.types import Scope

from immichvr_gateway.core import Core
from immichvr_gateway.library import Identity, LibraryUnavailable, SignInFailed
from immichvr_gateway.problems import Problem, as_problem
from immichvr_gateway.visitors import Visitor, shown_by


def the_core(request: Request) -> Core:
    """The gateway behind this request."""
    core: Core = request.app.state.core
    return core


async def admitted(core: Core, scope: Scope) -> Visitor:
    """Who is behind a request or the handshake of a socket. Raises Problem: 401, 429 or 503."""
    try:
        visitor = await core.sessions.visitor(shown_by(scope))
    except Exception as error:
        raise as_problem(error) from error
    if visitor is None:
        raise Problem(401, "unauthorized", "sign in first: POST /api/session, or send a key with the request")
    return visitor


async def anybody(request: Request) -> Identity | None:
    """The person behind a request, or None; while the library is away, who it was known to be.

    For what says nothing of anybody's photos. Raises Problem (429), Unavailable.
    """
    core = the_core(request)
    shown = shown_by(request.scope)
    try:
        return await core.sessions.who(shown)
    except SignInFailed:
        return None
    except LibraryUnavailable:
        visitor = await core.sessions.recognised(shown)
        return None if visitor is None else visitor.who


async def somebody(request: Request) -> Identity:
    """The person behind a request. Raises Problem as `admitted`."""
    return (await admitted(the_core(request), request.scope)).who


TheCore = Annotated[Core, Depends(the_core)]
Person = Annotated[Identity, Depends(somebody)]
Anybody = Annotated[Identity | None, Depends(anybody)]
