"""What an Immich 3.1 does by itself, and what others leave on its assets: workflows, values by key, tags.

Behaviour follows what was observed on a running Immich 3.1.0: the answer to a workflow's creation names no steps; a
webhook is called once, whatever it answers; values that lists of assets do not tell of are read one by one.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from immich_answering import Caller, Refusal, body_of, seen_by, written
from immich_answers import asset_answer
from immich_holdings import FIRST_DAY, StubAsset, StubUser
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from immich_stub import ImmichStub

TRIGGERS = ("AssetCreate", "AssetMetadataExtraction")
_TIMEOUT_S = 10.0


@dataclass
class StubWorkflow:
    """What happens by itself for its owner."""

    owner: StubUser
    trigger: str
    name: str | None
    description: str | None
    enabled: bool
    steps: list[dict[str, Any]]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def answer(self, with_steps: bool = True) -> dict[str, object]:
        """WorkflowResponseDto."""
        steps = self.steps if with_steps else []
        return {
            "id": self.id, "name": self.name, "description": self.description, "enabled": self.enabled,
            "trigger": self.trigger, "steps": steps, "createdAt": written(FIRST_DAY), "updatedAt": written(FIRST_DAY),
        }  # fmt: skip


@dataclass
class StubTag:
    """A tag of its owner's."""

    owner: StubUser
    value: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def answer(self) -> dict[str, object]:
        """TagResponseDto."""
        name = self.value.rpartition("/")[2]
        moments = {"createdAt": written(FIRST_DAY), "updatedAt": written(FIRST_DAY)}
        return {"id": self.id, "name": name, "value": self.value, **moments}


def fire(stub: ImmichStub, trigger: str, asset: StubAsset) -> list[int]:
    """Runs the workflows of an asset's owner on a trigger; what their webhooks answered, which Immich leaves unread."""
    answered = []
    body = {"type": "AssetV1", "trigger": trigger, "data": {"asset": asset_answer(asset, with_exif=True)}}
    for workflow in stub.workflows.values():
        if not (workflow.enabled and workflow.owner is asset.owner and workflow.trigger == trigger):
            continue
        for step in workflow.steps:
            config = step["config"]
            headers = {"user-agent": "immich-server/3.1.0", config["headerName"]: config["headerValue"]}
            url = config["url"]
            for name, place in stub.network.items():
                url = url.replace(name, place, 1)
            answered.append(httpx.post(url, json=body, headers=headers, timeout=_TIMEOUT_S).status_code)
    return answered


async def _triggers(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    return JSONResponse([{"trigger": one, "types": ["AssetV1"]} for one in stub.triggers])


async def _create(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    wanted = await body_of(request, "trigger")
    if wanted["trigger"] not in stub.triggers:
        raise Refusal(400, "Validation failed")
    made = StubWorkflow(
        caller.user, wanted["trigger"], wanted.get("name"), wanted.get("description"), wanted.get("enabled", True),
        wanted.get("steps", []),
    )  # fmt: skip
    stub.workflows[made.id] = made
    return JSONResponse(made.answer(with_steps=False), 201)


def _workflow(stub: ImmichStub, request: Request, caller: Caller) -> StubWorkflow:
    found = stub.workflows.get(request.path_params["id"])
    if found is None or found.owner is not caller.user:
        raise Refusal(400, "Not found or no workflow.read access")
    return found


async def _workflows(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    return JSONResponse([one.answer() for one in stub.workflows.values() if one.owner is caller.user])


async def _remove_workflow(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    del stub.workflows[_workflow(stub, request, caller).id]
    return Response(status_code=204)


def _own(stub: ImmichStub, request: Request, caller: Caller, access: str) -> StubAsset:
    refusal = Refusal(400, f"Not found or no {access} access")
    found = seen_by(stub, request, caller, refusal)
    if found.owner is not caller.user:
        raise refusal
    return found


async def _notes(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    asset = seen_by(stub, request, caller, Refusal(400, "Not found or no asset.read access"))
    return JSONResponse(_note_answers(asset))


async def _put_notes(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    asset = _own(stub, request, caller, "asset.update")
    for item in (await body_of(request))["items"]:
        if not isinstance(item["value"], dict):
            raise Refusal(400, "Validation failed")
        asset.notes[item["key"]] = item["value"]
    return JSONResponse(_note_answers(asset))


async def _remove_note(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    asset = _own(stub, request, caller, "asset.update")
    if asset.notes.pop(request.path_params["key"], None) is None:
        raise Refusal(400, "Not found")
    return Response(status_code=204)


def _note_answers(asset: StubAsset) -> list[dict[str, object]]:
    return [{"key": key, "value": value, "updatedAt": written(FIRST_DAY)} for key, value in asset.notes.items()]


async def _tags(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    return JSONResponse([one.answer() for one in stub.tags.values() if one.owner is caller.user])


async def _make_tags(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    made = []
    for value in (await body_of(request))["tags"]:
        known = next((one for one in stub.tags.values() if (one.owner, one.value) == (caller.user, value)), None)
        made.append(known or StubTag(caller.user, value))
        stub.tags[made[-1].id] = made[-1]
    return JSONResponse([one.answer() for one in made])


def _tag(stub: ImmichStub, request: Request, caller: Caller) -> StubTag:
    found = stub.tags.get(request.path_params["id"])
    if found is None or found.owner is not caller.user:
        raise Refusal(400, "Not found or no tag.asset access")
    return found


async def _tag_assets(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    return await _each(stub, request, caller, lambda asset, tag: tag not in asset.tags, lambda tags: tags.append)


async def _untag_assets(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    return await _each(stub, request, caller, lambda asset, tag: tag in asset.tags, lambda tags: tags.remove)


async def _each(
    stub: ImmichStub, request: Request, caller: Caller, may: Callable[[StubAsset, StubTag], bool],
    change: Callable[[list[StubTag]], Callable[[StubTag], None]],
) -> Response:  # fmt: skip
    tag = _tag(stub, request, caller)
    answers: list[dict[str, object]] = []
    for asset_id in json.loads(await request.body())["ids"]:
        asset = stub.assets.get(asset_id)
        if asset is None or asset.owner is not caller.user:
            answers.append({"id": asset_id, "success": False, "error": "no_permission"})
        elif not may(asset, tag):
            answers.append({"id": asset_id, "success": False, "error": "duplicate"})
        else:
            change(asset.tags)(tag)
            answers.append({"id": asset_id, "success": True})
    return JSONResponse(answers)


async def _remove_tag(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    tag = _tag(stub, request, caller)
    del stub.tags[tag.id]
    for asset in stub.assets.values():
        asset.tags = [one for one in asset.tags if one is not tag]
    return Response(status_code=204)


# As PROTECTED of immich_answers.
AUTOMATION: tuple[tuple[str, str, str | None, Callable[..., Awaitable[Response]]], ...] = (
    ("GET", "/workflows/triggers", None, _triggers),
    ("GET", "/workflows", "workflow.read", _workflows),
    ("POST", "/workflows", "workflow.create", _create),
    ("DELETE", "/workflows/{id}", "workflow.delete", _remove_workflow),
    ("GET", "/assets/{id}/metadata", "asset.read", _notes),
    ("PUT", "/assets/{id}/metadata", "asset.update", _put_notes),
    ("DELETE", "/assets/{id}/metadata/{key}", "asset.update", _remove_note),
    ("GET", "/tags", "tag.read", _tags),
    ("PUT", "/tags", "tag.create", _make_tags),
    ("DELETE", "/tags/{id}", "tag.delete", _remove_tag),
    ("PUT", "/tags/{id}/assets", "tag.asset", _tag_assets),
    ("DELETE", "/tags/{id}/assets", "tag.asset", _untag_assets),
)
