"""Batches: much made at once, when there is time for it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from immichvr_gateway.auth.sessions import admitted
from immichvr_gateway.batches.records import (
    Batch,
    BatchState,
    BatchWanted,
    Counts,
    Estimate,
    Failure,
    Signal,
)
from immichvr_gateway.http.description import also
from immichvr_gateway.http.numbers import NUMBER
from immichvr_gateway.http.problems import not_found
from immichvr_gateway.http.repeated import RepeatableInSecret
from immichvr_gateway.library import Identity
from immichvr_gateway.routes.dependencies import Here, Requests, Up
from immichvr_gateway.routes.people import Person
from immichvr_gateway.services import Services

router = APIRouter(prefix="/api/batches", tags=["batches"])


class BatchView(BaseModel):
    """A batch as its owner sees it."""

    id: str
    state: BatchState
    waits: str = Field(description="why it does not go on just now, in words; empty where it does")
    wanted: BatchWanted
    estimate: Estimate
    progress: Counts
    under_way: int = Field(description="jobs of it that are queued or running")
    signal: Signal | None
    created_at: datetime
    updated_at: datetime


class NewBatchView(BatchView):
    """A batch that was just made."""

    signal_secret: str = Field(description="what `POST …/signal` is sent with as `x-signal-secret`; told this once")


class BatchesView(BaseModel):
    """Batches, newest first."""

    items: list[BatchView]


class FailuresView(BaseModel):
    """What failed, oldest first; the latest hundred."""

    items: list[Failure]


class SignalWanted(BaseModel):
    """Whether now is the time. minutes: for how long that holds; until the next signal, where it is left out."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"go": True, "minutes": 60}]})
    go: StrictBool
    minutes: Annotated[float, Field(gt=0, le=7 * 24 * 60), NUMBER] | None = None


async def make_batch(wanted: BatchWanted, who: Person, up: Up, _: Requests) -> NewBatchView:
    """Estimates what a batch takes, and keeps it; it begins with `start`, or by `POST …/start`."""
    batch, secret = await up.batches.make(who, wanted)
    return NewBatchView(**dict(_view(batch)), signal_secret=secret)


router.add_api_route("", make_batch, methods=["POST"], status_code=201, route_class_override=RepeatableInSecret)


@router.get("")
async def list_batches(who: Person, up: Up) -> BatchesView:
    """A person's batches."""
    return BatchesView(items=[_view(one) for one in up.batches.store.of(who.user_id)])


@router.get("/{batch_id}")
async def get_batch(batch_id: str, who: Person, up: Up) -> BatchView:
    """How far a batch is."""
    return _view(_mine(up, who, batch_id))


@router.get("/{batch_id}/failures")
async def list_batch_failures(batch_id: str, who: Person, up: Up) -> FailuresView:
    """Of what nothing was made, and why."""
    return FailuresView(items=_mine(up, who, batch_id).failures)


@router.post("/{batch_id}/start")
async def start_batch(batch_id: str, who: Person, up: Up) -> BatchView:
    """Begins a batch, or goes on with one that pauses."""
    return _view(await up.batches.start(_mine(up, who, batch_id)))


@router.post("/{batch_id}/pause")
async def pause_batch(batch_id: str, who: Person, up: Up) -> BatchView:
    """Begins nothing more of a batch; what is under way goes on."""
    return _view(await up.batches.pause(_mine(up, who, batch_id)))


@router.post("/{batch_id}/retry")
async def retry_batch(batch_id: str, who: Person, up: Up) -> BatchView:
    """Tries what failed again."""
    return _view(await up.batches.retry(_mine(up, who, batch_id)))


@router.post("/{batch_id}/signal", responses=also(401, 429))
async def signal_batch(
    batch_id: str,
    wanted: SignalWanted,
    request: Request,
    here: Here,
    up: Up,
    x_signal_secret: Annotated[str | None, Header(max_length=200)] = None,
) -> BatchView:
    """Says whether now is the time, such as while power is cheap: with the batch's secret, or signed in."""
    batch = up.batches.store.get(batch_id)
    if x_signal_secret is None or batch is None or not batch.knows(x_signal_secret):
        who = (await admitted(here.sessions, request.scope)).who
        here.rates.count(who, request.scope)
        batch = _mine(up, who, batch_id)
    return _view(await up.batches.signal(batch, wanted.go, wanted.minutes))


@router.delete("/{batch_id}")
async def cancel_batch(batch_id: str, who: Person, up: Up) -> BatchView:
    """Ends a batch, with what is under way; what was made stays."""
    return _view(await up.batches.cancel(_mine(up, who, batch_id)))


def _mine(up: Services, who: Identity, batch_id: str) -> Batch:
    """A batch of this person's. Raises Problem (404)."""
    batch = up.batches.store.get(batch_id)
    if batch is None or batch.user_id != who.user_id:
        raise not_found(f"there is no batch {batch_id!r} of yours")
    return batch


def _view(batch: Batch) -> BatchView:
    return BatchView(
        id=batch.id, state=batch.state, waits=batch.waits, wanted=batch.wanted, estimate=batch.estimate,
        progress=batch.counts, under_way=len(batch.open), signal=batch.signal, created_at=batch.created_at,
        updated_at=batch.updated_at,
    )  # fmt: skip
