"""Photos that become 3D by themselves: switched on, shown and switched off; rules; and where Immich's calls arrive."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from immichvr_gateway.automation.assembly import Automation
from immichvr_gateway.automation.rules import MOST_RULES, Rule
from immichvr_gateway.automation.setup import PERMISSIONS, Health, Wanted
from immichvr_gateway.http.description import also
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.routes.dependencies import Requests, Up
from immichvr_gateway.routes.people import Person

router = APIRouter(prefix="/api", tags=["automation"])

_CALL = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {
                    "type": "AssetV1",
                    "trigger": "AssetMetadataExtraction",
                    "data": {"asset": {"id": "0c9b2b0e-2a3c-4d59-9a51-7a1c6f1e0c11"}},
                },
            }
        },
    }
}


async def the_automation(up: Up) -> Automation:
    """What happens by itself. Raises Problem where the library is not Immich."""
    if up.automation is None:
        raise Problem(409, "no_workflows", "photos of a folder do not become 3D by themselves: that takes Immich")
    return up.automation


TheAutomation = Annotated[Automation, Depends(the_automation)]


class RuleWanted(Rule):
    """A rule as it is asked for."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"of": "favourites", "quality": "light"}]}
    )


class RulesWanted(BaseModel):
    """All of somebody's rules; they take the place of those before."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"rules": [{"of": "tag", "tag": "Make 3D"}]}]}
    )
    rules: list[RuleWanted] = Field(max_length=MOST_RULES)


class RulesView(BaseModel):
    """Somebody's rules; the first that wants a photo decides what is made. since: what came after is new to them."""

    rules: list[Rule]
    since: datetime


class IntegrationWanted(BaseModel):
    """What is to happen by itself, and what may be left on photos in Immich. Everything left there can be undone.

    rules: without them those that are there stay, or all new photos become 3D.
    """

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"rules": [{"of": "all"}]}]})
    rules: list[RuleWanted] | None = Field(None, max_length=MOST_RULES)
    pointer: StrictBool = Field(False, description="whether a photo's metadata in Immich says where its 3D is")
    tag: StrictBool = Field(False, description="whether a photo that has 3D is tagged `3D`")
    motion_clips: StrictBool = Field(False, description="whether motion clips are linked to their photos in Immich")
    external_clips: StrictBool = Field(False, description="whether also to those of external libraries")


class WorkflowView(BaseModel):
    """A workflow in Immich. exists: null where Immich does not tell."""

    trigger: str = Field(examples=["AssetMetadataExtraction"])
    exists: bool | None


class LeftView(BaseModel):
    """Something that may be left in Immich. missing: permissions that the key for work in one's absence has not."""

    wanted: bool
    permissions: list[str]
    missing: list[str]


class CallView(BaseModel):
    """For steps of workflows that one sets up oneself, such as those of the plugin. It is shown this once."""

    url: str = Field(examples=["http://immichvr:2284/api/webhooks/immich/0c9b2b0e-2a3c-4d59-9a51-7a1c6f1e0c11"])
    secret: str = Field(description="shown as `Authorization: Bearer`", examples=["nL1…"])


class IntegrationView(BaseModel):
    """Whether photos become 3D by themselves, and how that stands.

    address: of this gateway, as Immich was told it. last_call: from Immich. last_look: for what it did not tell of.
    missed: photos that were found so, since the last call.
    """

    state: Literal["off", "on", "paused", "removing"]
    detail: str = Field(description="for people", examples=["new photos become 3D by themselves"])
    notes: list[str] = Field(description="what else one should know, in words")
    address: str
    workflows: list[WorkflowView]
    last_call: datetime | None
    last_look: datetime | None
    missed: int
    left: dict[str, LeftView] = Field(description="by what it is: pointer, tag, motion_clips")
    external_clips: bool = Field(description="whether motion clips are also linked to files of external libraries")
    clips: int = Field(description="photos of this person that move in Immich, by what was made here")
    call: CallView | None = Field(None, description="only in the answer to setting it up")


class LinkedView(BaseModel):
    """The clip that a photo has in Immich. clip: its id there; null where it has none of ours."""

    clip: str | None


class ClipView(BaseModel):
    """A clip that is linked to a photo. clip: its id in Immich."""

    clip: str = Field(examples=["0c9b2b0e-2a3c-4d59-9a51-7a1c6f1e0c11"])


@router.get("/integrations/immich", responses=also(409))
async def show_integration(who: Person, automation: TheAutomation) -> IntegrationView:
    """Whether this person's new photos become 3D by themselves, and how that stands in Immich now."""
    return _view(await automation.setup.health(who))


@router.post("/integrations/immich")
async def begin_integration(
    wanted: IntegrationWanted, who: Person, automation: TheAutomation, _: Requests
) -> IntegrationView:
    """Has Immich tell of this person's new photos, and allows work on them in their absence. Asked again, it is
    set up anew; 403 names the permissions that are missing."""
    told = wanted.model_dump(exclude={"rules"})
    call = await automation.setup.begin(who, Wanted(rules=wanted.rules, **told))
    view = _view(await automation.setup.health(who))
    return view.model_copy(update={"call": CallView(url=call.url, secret=call.secret.get_secret_value())})


@router.delete("/integrations/immich")
async def end_integration(
    who: Person,
    automation: TheAutomation,
    undo: Annotated[bool, Query(description="also what was left on photos in Immich, whenever that was")] = False,
) -> IntegrationView:
    """Removes it whole: the workflows in Immich, their secret, and the key for work in one's absence."""
    await automation.setup.end(who, undo)
    return _view(await automation.setup.health(who))


@router.delete("/integrations/immich/clips", responses=also(409))
async def unlink_clips(who: Person, automation: TheAutomation) -> IntegrationView:
    """Takes all clips off this person's photos in Immich, and deletes them there; what was made of the photos here
    stays, and so does whether new clips are linked. Interrupted, it goes on when it is asked for again."""
    await automation.moving.undo(who)
    return _view(await automation.setup.health(who))


@router.get("/integrations/immich/clips/{photo_id}", responses=also(409))
async def show_clip(photo_id: str, who: Person, automation: TheAutomation) -> LinkedView:
    """Whether one's own photo moves in Immich by what was made of it here."""
    return LinkedView(clip=await automation.moving.linked(who, photo_id))


@router.put("/integrations/immich/clips/{photo_id}", responses=also(409, 507))
async def link_clip(
    photo_id: str, who: Person, automation: TheAutomation, _: Requests,
    external: Annotated[bool, Query(description="also where its file is in an external library of Immich")] = False,
) -> ClipView:  # fmt: skip
    """Has one's own photo move in Immich itself, with the newest motion clip that was made of it. Asked again, it is
    the same clip; a live photo's own video is never touched. 403 names the permissions that the key lacks."""
    return ClipView(clip=await automation.moving.put(who, photo_id, external=external))


@router.delete("/integrations/immich/clips/{photo_id}", status_code=204, response_class=Response, responses=also(409))
async def unlink_clip(photo_id: str, who: Person, automation: TheAutomation) -> Response:
    """Takes the clip off the photo in Immich, and deletes it there; what was made of it here stays."""
    await automation.moving.take(who, photo_id)
    return Response(status_code=204)


@router.get("/rules", responses=also(409))
async def show_rules(who: Person, automation: TheAutomation) -> RulesView:
    """This person's rules."""
    rules = await automation.setup.rules(who.user_id)
    return RulesView(rules=rules.rules, since=rules.since)


@router.put("/rules")
async def put_rules(wanted: RulesWanted, who: Person, automation: TheAutomation) -> RulesView:
    """This person's rules from now on. They hold for what Immich tells of from here on, and, where a rule says
    `existing`, for what was there before."""
    rules = await automation.setup.put_rules(who.user_id, wanted.rules)
    return RulesView(rules=rules.rules, since=rules.since)


@router.post("/webhooks/immich/{user}", status_code=202, response_class=Response, openapi_extra=_CALL)
async def take_call(
    user: Annotated[str, Path(max_length=64, pattern="^[A-Za-z0-9_-]+$")], request: Request, automation: TheAutomation
) -> Response:
    """Where Immich's workflow calls, with the secret it was given as `Authorization: Bearer`. Of what it says only
    the id of the asset is believed, and looked up with its owner's own key; what comes of it is done later.

    Rules decide what is made, unless a step says so: `"ask": {"kind": "splat", "model": "auto", "quality": "full"}`."""
    address = request.client.host if request.client is not None else ""
    await automation.intake.call(user, request.headers.get("authorization", ""), address, await request.body())
    return Response(status_code=202)


def _view(health: Health) -> IntegrationView:
    kept, standing = health.integration, health.standing
    state, detail = _state(health)
    left = {"pointer": False, "tag": False, "motion_clips": False} if kept is None else {
        "pointer": kept.pointer, "tag": kept.tag, "motion_clips": kept.motion_clips
    }  # fmt: skip
    return IntegrationView(
        state=state,
        detail=detail,
        notes=[*health.notes, *([f"the last look was cut short: {kept.trouble}"] if kept and kept.trouble else [])],
        address=kept.address if kept is not None else "",
        workflows=[WorkflowView(trigger=trigger, exists=exists) for trigger, exists in health.exists.items()],
        last_call=kept.last_call if kept is not None else None,
        last_look=kept.last_look if kept is not None else None,
        missed=kept.missed if kept is not None else 0,
        left={
            name: LeftView(
                wanted=wanted,
                permissions=list(PERMISSIONS[name]),
                missing=[one for one in PERMISSIONS[name] if one not in standing.permissions],
            )
            for name, wanted in left.items()
        },
        external_clips=kept is not None and kept.external_clips,
        clips=health.clips,
    )


def _state(health: Health) -> tuple[Literal["off", "on", "paused", "removing"], str]:
    kept, standing = health.integration, health.standing
    if kept is None:
        return "off", "photos do not become 3D by themselves"
    if kept.removing:
        return "removing", "it was being removed and that was interrupted; remove it again"
    if standing.state != "on":
        return "paused", standing.detail
    return "on", "new photos become 3D by themselves"
