"""What webhooks are told: events, made of a job that ended or an asset that is new."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from immichvr_catalog import is_session
from immichvr_common.sources import Source
from pydantic import BaseModel, Field

from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.hooks.records import EventType
from immichvr_gateway.jobs.records import JobRecord, JobView, State
from immichvr_gateway.sources.places import place_of

_OF_STATES: dict[State, EventType] = {State.SUCCEEDED: "job.succeeded", State.FAILED: "job.failed"}


class NewAsset(BaseModel):
    """An asset as a webhook is told of it; `url` lists those of its source with their files."""

    source: dict[str, str] = Field(examples=[{"kind": "photo", "id": "6f1c0a3b"}])
    key: str = Field(examples=["splat-lift-da2-small"])
    kind: str = Field(examples=["splat"])
    model_key: str = Field(examples=["lift-da2-small"])
    url: str = Field(examples=["/api/photos/6f1c0a3b/assets"])


class JobEnded(BaseModel):
    """What is posted when a job has ended."""

    type: EventType
    timestamp: datetime = Field(description="when it happened")
    data: JobView


class AssetCreated(BaseModel):
    """What is posted when an asset is new."""

    type: EventType
    timestamp: datetime = Field(description="when it happened")
    data: NewAsset


class Told(BaseModel):
    """An event on its way to one webhook. id: the same however often it is sent; source: who sees it may be told."""

    id: str
    type: EventType
    user_id: str
    hook_id: str = ""
    source: Source | None
    body: dict[str, Any]


def of_job(record: JobRecord, user_id: str) -> Told | None:
    """What a person is told of a job; None where it has not ended, or nobody need be told."""
    event = _OF_STATES.get(record.state)
    if event is None or is_session(record.kind):
        return None
    ended = JobEnded(type=event, timestamp=record.updated_at, data=record.view(user_id))
    name = _digest(record.id, record.created_at.isoformat(), str(record.run), event, user_id)
    return Told(id=name, type=event, user_id=user_id, source=record.source, body=ended.model_dump(mode="json"))


def of_asset(entry: AssetEntry, user_id: str) -> Told:
    """What a person is told of a new asset."""
    asset = NewAsset(
        source={"kind": entry.source.kind, "id": entry.source.id}, key=entry.asset_key, kind=entry.kind,
        model_key=entry.model_key, url=f"/api/{place_of(entry.source)}/assets",
    )  # fmt: skip
    created = AssetCreated(type="asset.created", timestamp=entry.made_at.astimezone(UTC), data=asset)
    name = _digest(str(entry.source), entry.asset_key, entry.recipe, entry.job_id, str(entry.run), user_id)
    return Told(
        id=name, type="asset.created", user_id=user_id, source=entry.source, body=created.model_dump(mode="json")
    )


def _digest(*facts: str) -> str:
    return "evt_" + hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
