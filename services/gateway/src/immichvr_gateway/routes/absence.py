"""Work in one's absence: whether it is allowed, allowing it, and taking that back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from immichvr_gateway.auth.standing_keys import Standing
from immichvr_gateway.routes.dependencies import Here, Up
from immichvr_gateway.routes.people import Person

router = APIRouter(prefix="/api/me", tags=["people"])


class StandingKeyView(BaseModel):
    """Whether rules and batches go on while this person is away, and why not where they do not."""

    state: Literal["off", "on", "paused"]
    detail: str = Field(description="for people", examples=["what you asked for goes on in your absence"])
    permissions: list[str] = Field(description="that the key was made with", examples=[["asset.read"]])
    missing: list[str] = Field(description="those of them that it has lost since")
    since: datetime | None


class StandingKeyWanted(BaseModel):
    """A yes to work in one's absence. write_back: also to a pointer and a tag at the photos it is about, in Immich."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"write_back": False}]})
    write_back: StrictBool = False


@router.get("/standing-key")
async def show_standing_key(here: Here, who: Person, _: Up) -> StandingKeyView:
    """Whether this person's work goes on in their absence."""
    return _view(await here.standing_keys.look(who.user_id))


@router.post("/standing-key")
async def allow_standing_key(wanted: StandingKeyWanted, here: Here, who: Person, _: Up) -> StandingKeyView:
    """Has Immich make a key for work in this person's absence; 403 names the permissions that are missing for it."""
    return _view(await here.standing_keys.opt_in(who, wanted.write_back))


@router.delete("/standing-key")
async def withdraw_standing_key(here: Here, who: Person, _: Up) -> StandingKeyView:
    """Ends work in this person's absence, and deletes the key in Immich."""
    return _view(await here.standing_keys.opt_out(who))


def _view(standing: Standing) -> StandingKeyView:
    since = None if standing.since is None else datetime.fromtimestamp(standing.since, UTC)
    return StandingKeyView(
        state=standing.state, detail=standing.detail, permissions=standing.permissions, missing=standing.missing,
        since=since,
    )  # fmt: skip
