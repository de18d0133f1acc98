"""Who is asking, for every route."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from immichvr_gateway.core import Core
from immichvr_gateway.library import Identity
from immichvr_gateway.problems import Problem
from immichvr_gateway.sessions import COOKIE


def the_core(request: Request) -> Core:
    """The gateway behind this request."""
    core: Core = request.app.state.core
    return core


async def who_is_asking(request: Request) -> Identity | None:
    """The person behind a request, or None."""
    headers = request.headers
    return await the_core(request).sessions.who(
        request.cookies.get(COOKIE, ""), headers.get("x-api-key", ""), headers.get("authorization", "")
    )


async def somebody(request: Request) -> Identity:
    """The person behind a request. Raises Problem (401) if there is none."""
    who = await who_is_asking(request)
    if who is None:
        raise Problem(401, "unauthorized", "sign in first: POST /api/session, or send a key with the request")
    return who


TheCore = Annotated[Core, Depends(the_core)]
Person = Annotated[Identity, Depends(somebody)]
Anybody = Annotated[Identity | None, Depends(who_is_asking)]
