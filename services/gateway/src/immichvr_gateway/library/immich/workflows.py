"""Immich's workflows, as far as they call us: one webhook for each trigger. Each is its owner's, and made as them."""

from __future__ import annotations

from typing import Any

from pydantic import Field, RootModel, SecretStr

from immichvr_gateway.library.errors import LibraryUnavailable
from immichvr_gateway.library.immich.answers import Answer
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.photos import Credential

EXTRACTED, TAGGED = "AssetMetadataExtraction", "AssetTagged"
"""Triggers: what a file tells of itself was read, when it is new or anew; a tag was put on it (not before 3.2)."""
WEBHOOK = "immich-plugin-core#webhook"
"""The step that Immich brings along."""
NAME = "ImmichVR: new photos become 3D"


class _Step(Answer):
    method: str
    config: dict[str, Any] | None = None


class Workflow(Answer):
    """Of WorkflowResponseDto, what it does. The answer to its creation names no steps, though they are kept."""

    id: str
    trigger: str
    enabled: bool
    steps: list[_Step] = Field(default_factory=list, repr=False)

    def calls(self, url: str) -> bool:
        """Whether it calls this address."""
        return any(step.method == WEBHOOK and (step.config or {}).get("url") == url for step in self.steps)


class _Trigger(Answer):
    trigger: str


async def triggers(client: ImmichClient, who: Credential) -> set[str]:
    """What this server starts workflows on. Raises as the client does; LibraryUnavailable where it has no workflows."""
    try:
        return {one.trigger for one in (await client.get(who, "workflows/triggers", RootModel[list[_Trigger]])).root}
    except Refused as error:
        raise LibraryUnavailable(
            f"this Immich has no workflows; they came with version 3.0 ({error})", "immich"
        ) from None


async def create(client: ImmichClient, who: Credential, trigger: str, url: str, secret: SecretStr) -> str:
    """Has Immich call `url` on a trigger, with the secret in a header; the workflow's id. Raises as the client does."""
    config = {"url": url, "method": "POST", "headerName": "Authorization"}
    config["headerValue"] = f"Bearer {secret.get_secret_value()}"
    body = {
        "name": NAME,
        "description": "Tells ImmichVR of new photos. Made by ImmichVR, and removed there.",
        "trigger": trigger,
        "enabled": True,
        "steps": [{"method": WEBHOOK, "config": config, "enabled": True}],
    }
    try:
        return (await client.post(who, "workflows", body, Workflow)).id
    except Refused as error:
        raise LibraryUnavailable(f"Immich did not take the workflow: {error}", down="immich") from error


async def workflows(client: ImmichClient, who: Credential) -> list[Workflow]:
    """Every workflow of this person. Raises as the client does."""
    try:
        return (await client.get(who, "workflows", RootModel[list[Workflow]])).root
    except Refused as error:
        raise LibraryUnavailable(f"Immich does not list its workflows: {error}", down="immich") from error


async def remove(client: ImmichClient, who: Credential, workflow_id: str) -> None:
    """Removes a workflow; one that is gone already is no matter. Raises as the client does."""
    try:
        await client.delete(who, f"workflows/{workflow_id}")
    except Refused:
        return
