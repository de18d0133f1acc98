"""How the gateway's cookies travel."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from immichvr_gateway.auth.sealed import LIFETIME_S
from immichvr_gateway.auth.visitors import COOKIE
from immichvr_gateway.http.addresses import is_secure
from immichvr_gateway.resources import Resources


def give_session(response: Response, request: Request, here: Resources, cookie: str) -> None:
    """Gives the browser the cookie of a session that has just begun; no script reads it."""
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=LIFETIME_S,
        httponly=True,
        samesite="strict",
        secure=is_secure(request, here.settings.public_url),
    )
