"""Signing in and out: with a key, a password or a token, with OAuth, and where one has signed in."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from immichvr_common.errors import Unavailable
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from immichvr_gateway.auth.oauth import AWAY_S
from immichvr_gateway.auth.sealed import Session
from immichvr_gateway.auth.visitors import COOKIE, shown_by
from immichvr_gateway.http.addresses import is_secure, public_address
from immichvr_gateway.http.description import also
from immichvr_gateway.http.problems import Problem, not_found
from immichvr_gateway.library import LibraryUnavailable, SignInFailed
from immichvr_gateway.routes.cookies import give_session
from immichvr_gateway.routes.dependencies import Here, Up
from immichvr_gateway.routes.people import Person, TheVisitor

router = APIRouter(prefix="/api", tags=["people"])

_OAUTH_COOKIE = "immichvr_oauth"
_CALLBACK = "/api/oauth/callback"
_ID_DIGITS = 32
_FAILED = """<!doctype html><meta charset="utf-8"><title>ImmichVR</title>
<p>Signing in did not work: {why}.</p><p><a href="../../">Back</a></p>"""


class SignIn(BaseModel):
    """One of: an Immich API key; e-mail and password of an Immich account; the gateway's access token."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"api_key": "…"}],
            "anyOf": [{"required": ["api_key"]}, {"required": ["email", "password"]}, {"required": ["token"]}],
        },
    )
    api_key: SecretStr = SecretStr("")
    email: str = Field("", max_length=320)
    password: SecretStr = SecretStr("")
    token: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _names_one(self) -> SignIn:
        if not ({"api_key", "token"} & self.model_fields_set or {"email", "password"} <= self.model_fields_set):
            raise ValueError("send api_key, or email and password, or token")
        return self


class SignInView(BaseModel):
    """Where somebody has signed in. way: with what; current: whether this is the one that asks."""

    id: str
    device: str = Field(description="what its browser says it runs on; empty where it does not", examples=["Quest"])
    way: str = Field(examples=["password", "pairing code", "invitation"])
    begun_at: datetime | None
    seen_at: datetime | None = Field(description="when it was last used, to ten minutes")
    current: bool


class SignInsView(BaseModel):
    """Every sign-in of an account, the newest first."""

    items: list[SignInView]


class OAuthView(BaseModel):
    """Where to go to sign in."""

    url: str


@router.post("/session", status_code=204, responses=also(401, 429))
async def sign_in(wish: SignIn, request: Request, here: Here) -> Response:
    """Exchanges a key, a password or a token for a cookie."""
    cookie, _ = await here.sessions.sign_in(
        shown_by(request.scope),
        wish.api_key.get_secret_value(), wish.email, wish.password.get_secret_value(), wish.token.get_secret_value(),
    )  # fmt: skip
    response = Response(status_code=204)
    give_session(response, request, here, cookie)
    return response


@router.delete("/session", status_code=204)
async def sign_out(request: Request, here: Here) -> Response:
    """Ends the session."""
    await here.sessions.sign_out(shown_by(request.scope).cookie)
    response = Response(status_code=204)
    response.delete_cookie(COOKIE)
    return response


@router.get("/sessions")
async def list_sign_ins(here: Here, visitor: TheVisitor, _: Up) -> SignInsView:
    """Where this person has signed in."""
    found = await here.sessions.of_account(visitor.who.user_id)
    return SignInsView(items=[_view(name, one, name == visitor.session) for name, one in found.items()])


@router.delete("/sessions", status_code=204)
async def sign_out_everywhere(here: Here, who: Person, _: Up) -> Response:
    """Ends every sign-in of this person, this one too; keys of Immich stay."""
    for name, session in (await here.sessions.of_account(who.user_id)).items():
        await here.sessions.end(name, session, "you have signed out everywhere")
    response = Response(status_code=204)
    response.delete_cookie(COOKIE)
    return response


@router.delete("/sessions/{sign_in_id}", status_code=204)
async def end_sign_in(sign_in_id: Annotated[str, Path(max_length=64)], here: Here, who: Person, _: Up) -> Response:
    """Ends one sign-in of this person."""
    for name, session in (await here.sessions.of_account(who.user_id)).items():
        if _id_of(name) == sign_in_id:
            await here.sessions.end(name, session, "it was ended from another device")
            return Response(status_code=204)
    raise not_found(f"there is no sign-in {sign_in_id!r} of yours")


@router.post("/oauth/authorize", responses=also(401))
async def begin_oauth(request: Request, response: Response, here: Here) -> OAuthView:
    """Begins to sign in with Immich's OAuth, where that is on: the browser goes to `url`, and is led back signed in."""
    redirect_uri = public_address(request, here.settings.public_url) + _CALLBACK
    url, cookie = await here.oauth.begin(redirect_uri)
    response.set_cookie(
        _OAUTH_COOKIE, cookie, max_age=AWAY_S, httponly=True, samesite="lax",
        secure=is_secure(request, here.settings.public_url),
    )  # fmt: skip
    return OAuthView(url=url)


@router.get("/oauth/callback", include_in_schema=False)
async def finish_oauth(request: Request, here: Here) -> Response:
    """Where the browser is led back to."""
    response: Response
    try:
        shown = shown_by(request.scope)
        who = await here.oauth.finish(request.cookies.get(_OAUTH_COOKIE, ""), request.query_params, shown.caller)
        cookie = await here.sessions.begin(who, shown, "OAuth")
    except (SignInFailed, LibraryUnavailable, Unavailable, Problem) as failure:
        why = failure.detail if isinstance(failure, Problem) else failure.message
        response = HTMLResponse(_FAILED.format(why=escape(why)), 401 if isinstance(failure, SignInFailed) else 503)
    else:
        # Nowhere but here: what came along says nothing of where to go.
        response = RedirectResponse("/", 303)
        give_session(response, request, here, cookie)
    response.delete_cookie(_OAUTH_COOKIE)
    return response


def _view(name: str, session: Session, is_current: bool) -> SignInView:
    begun, seen = (datetime.fromtimestamp(at, UTC) if at else None for at in (session.begun, session.seen))
    return SignInView(
        id=_id_of(name), device=session.device, way=session.way, begun_at=begun, seen_at=seen, current=is_current
    )


def _id_of(name: str) -> str:
    """How a session is called to its owner: of what it is stored under, which says nothing of the cookie, a part."""
    return name.removeprefix("session.")[:_ID_DIGITS]
