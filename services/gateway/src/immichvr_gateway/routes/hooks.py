"""Webhooks: having another program told of jobs that end and of assets that are new."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from immichvr_gateway.hooks.addresses import target_of
from immichvr_gateway.hooks.messages import AssetCreated, JobEnded
from immichvr_gateway.hooks.records import EVENTS, EventType, Hook, HookAnswer
from immichvr_gateway.http.problems import Problem, not_found
from immichvr_gateway.routes.dependencies import Here, Up
from immichvr_gateway.routes.people import Person

router = APIRouter(prefix="/api/webhooks", tags=["webhooks"])
outgoing = APIRouter(tags=["webhooks"])
"""What is posted, for the API's description."""


class HookWanted(BaseModel):
    """Where to post, and what. A public address, by https unless nobody else can listen."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"url": "https://example.org/immichvr", "events": ["job.succeeded"]}]},
    )
    url: str = Field(max_length=2000)
    events: Annotated[list[EventType], Field(min_length=1, max_length=len(EVENTS))] = list(EVENTS)


class HookView(BaseModel):
    """A webhook and what was answered there lately, the newest first."""

    id: str = Field(examples=["0d1f8a52c4b7e963"])
    url: str = Field(examples=["https://example.org/immichvr"])
    events: list[str] = Field(examples=[["job.succeeded"]])
    created_at: datetime
    failures: int = Field(description="tries in a row that failed; each doubles the pause before the next, and again")
    answers: list[HookAnswer]


class HookMade(HookView):
    """A new webhook. secret: messages are signed with it; it is shown this once."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class HooksView(BaseModel):
    """A person's webhooks, the oldest first."""

    webhooks: list[HookView]


@router.get("")
async def list_webhooks(who: Person, up: Up) -> HooksView:
    """A person's webhooks with their last answers."""
    return HooksView(webhooks=[_view(hook) for hook in await up.hooks.book.of(who.user_id)])


@router.post("", status_code=201)
async def add_webhook(wanted: HookWanted, here: Here, who: Person, up: Up) -> HookMade:
    """Has events posted to an address from now on, of what this person asked for and may see."""
    if await here.standing_keys.of(who.user_id) is None:
        words = "webhooks tell you in your absence: allow that first, by POST /api/me/standing-key"
        raise Problem(409, "absence_not_allowed", words)
    await target_of(wanted.url, here.settings.hooks.networks)
    hook, secret = await up.hooks.book.add(who.user_id, wanted.url, list(dict.fromkeys(wanted.events)))
    return HookMade(**_view(hook).model_dump(), secret=secret)


@router.delete("/{hook_id}", status_code=204)
async def delete_webhook(hook_id: str, who: Person, up: Up) -> Response:
    """Has nothing posted there any more; what waits for it is dropped."""
    hook = await up.hooks.book.get(who.user_id, hook_id)
    if hook is None:
        raise not_found(f"there is no webhook {hook_id!r} of yours")
    await up.hooks.book.remove(hook)
    return Response(status_code=204)


@outgoing.post("job.succeeded")
@outgoing.post("job.failed")
async def job_ended(body: JobEnded) -> None:
    """A job that you asked for has ended. Signed as standardwebhooks.com says; any answer of 2xx will do."""


@outgoing.post("asset.created")
async def asset_created(body: AssetCreated) -> None:
    """There is a new asset of something you asked for."""


def _view(hook: Hook) -> HookView:
    return HookView(**hook.model_dump(include=set(HookView.model_fields)))
