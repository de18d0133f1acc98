"""Letting in a device: that shows six digits, once somebody who has signed in confirms them; or that is invited."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from immichvr_gateway.auth.slips import WAITS_S
from immichvr_gateway.auth.visitors import shown_by
from immichvr_gateway.http.addresses import is_secure
from immichvr_gateway.http.description import also
from immichvr_gateway.http.problems import not_found
from immichvr_gateway.routes.cookies import give_session
from immichvr_gateway.routes.dependencies import Here, Up
from immichvr_gateway.routes.people import TheVisitor

router = APIRouter(prefix="/api/pairing", tags=["people"])

_COOKIE = "immichvr_pairing"
_Code = Annotated[str, Field(pattern=r"^[0-9]{6}$", examples=["042137"])]
_Id = Annotated[str, Field(min_length=1, max_length=64)]


class PairingView(BaseModel):
    """A device that has asked. code: to be shown there; id: to be asked with; for so many seconds."""

    code: str = Field(examples=["042137"])
    id: str
    expires_in_s: int


class PairingCode(BaseModel):
    """The digits that a device shows."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"code": "031415"}]})
    code: _Code


class PairingAnswer(PairingCode):
    """What is said about the device that was looked at."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "031415", "id": "9ZrJ0QmVYw2bV6yWqk3mHg"}]})
    id: _Id


class PairingClaim(BaseModel):
    """A device asks how it stands. secret: of the invitation that it accepts; else its cookie says which it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"id": "9ZrJ0QmVYw2bV6yWqk3mHg"}]})
    id: _Id
    secret: str = Field("", max_length=64)


class PairingState(BaseModel):
    """How it stands; with `signed_in` the cookie of a session comes along, once."""

    state: Literal["waiting", "refused", "expired", "signed_in"]


class InvitationView(BaseModel):
    """What one device may come in with, once, for so many seconds: at the viewer's `#/invitation/{id}/{secret}`."""

    id: str
    secret: str
    expires_in_s: int


class InvitationRead(BaseModel):
    """An invitation that a device was given."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"id": "9ZrJ0QmVYw2bV6yWqk3mHg", "secret": "…"}]}
    )
    id: _Id
    secret: str = Field(max_length=64)


class InviterView(BaseModel):
    """As whom an invitation signs in: to be asked about before it is accepted."""

    name: str = Field(examples=["Ada"])


class DeviceView(BaseModel):
    """The device that shows a code: look whether it is yours."""

    id: str
    device: str = Field(description="what its browser says it runs on", examples=["Quest"])
    address: str = Field(examples=["192.168.1.23"])
    asked_at: datetime


@router.post("", status_code=201, responses=also(429))
async def ask_to_pair(request: Request, response: Response, here: Here, _: Up) -> PairingView:
    """A device without a keyboard asks to be let in, and shows the code for a few minutes."""
    waiting = await here.pairing.begin(shown_by(request.scope).caller)
    response.set_cookie(
        _COOKIE, waiting.cookie, max_age=WAITS_S, httponly=True, samesite="strict",
        secure=is_secure(request, here.settings.public_url),
    )  # fmt: skip
    return PairingView(code=waiting.code, id=waiting.id, expires_in_s=WAITS_S)


@router.post("/session", response_model=PairingState)
async def claim_pairing(claim: PairingClaim, request: Request, here: Here, _: Up) -> Response:
    """How it stands with the device that asks; once it was confirmed, or with an invitation, it is signed in."""
    shown = shown_by(request.scope)
    if claim.secret:
        cookie = await here.invitations.accept(shown, claim.id, claim.secret)
        state = "signed_in" if cookie else "expired"
    else:
        state, cookie = await here.pairing.claim(shown, request.cookies.get(_COOKIE, ""), claim.id)
    response = JSONResponse({"state": state})
    if cookie:
        give_session(response, request, here, cookie)
        response.delete_cookie(_COOKIE)
    return response


@router.post("/invitation", status_code=201)
async def invite_device(request: Request, here: Here, visitor: TheVisitor, _: Up) -> InvitationView:
    """Invites a device, for who sends the gateway's access token: whoever accepts first is in, as that stands for."""
    invitation_id, secret = await here.invitations.make(visitor.who, shown_by(request.scope))
    return InvitationView(id=invitation_id, secret=secret, expires_in_s=WAITS_S)


@router.post("/invitation/look", responses=also(404))
async def look_at_invitation(given: InvitationRead, here: Here, _: Up) -> InviterView:
    """As whom an invitation signs in, so that nobody is signed in as another without knowing; it stays as it is."""
    name = await here.invitations.inviter(given.id, given.secret)
    if name is None:
        raise not_found("this invitation lets nobody in, or not any more")
    return InviterView(name=name)


@router.post("/look", responses=also(404, 429))
async def look_at_device(asked: PairingCode, request: Request, here: Here, visitor: TheVisitor, _: Up) -> DeviceView:
    """Which device shows this code, so that nobody lets in another than they mean."""
    found = await here.pairing.look(visitor, asked.code, shown_by(request.scope).caller)
    at = datetime.fromtimestamp(found.at, UTC)
    return DeviceView(id=found.id, device=found.device, address=found.address, asked_at=at)


@router.post("/confirm", status_code=204, responses=also(404, 409, 429))
async def confirm_device(answer: PairingAnswer, request: Request, here: Here, visitor: TheVisitor, _: Up) -> Response:
    """Signs the device in as oneself; its session ends with the one that confirms."""
    await here.pairing.confirm(visitor, answer.code, answer.id, shown_by(request.scope).caller)
    return Response(status_code=204)


@router.post("/refuse", status_code=204, responses=also(404, 409, 429))
async def refuse_device(answer: PairingAnswer, request: Request, here: Here, visitor: TheVisitor, _: Up) -> Response:
    """Sends the device away."""
    await here.pairing.refuse(visitor, answer.code, answer.id, shown_by(request.scope).caller)
    return Response(status_code=204)
