"""What may be done with a model now, and the job it takes: download, load, unload, delete."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Literal, get_args

from immichvr.events.v1.events_pb2 import Job
from immichvr_models import Cache, CacheSettings, Model

from immichvr_gateway.jobs.desk import Desk
from immichvr_gateway.jobs.records import JobRecord, new_record
from immichvr_gateway.library import Identity
from immichvr_gateway.models.shelf import HERE, OnShelf, Shelf
from immichvr_gateway.problems import Problem

Deed = Literal["download", "load", "unload", "delete"]
DEEDS: tuple[Deed, ...] = get_args(Deed)

_DOWNLOAD_DEADLINE_S = 12 * 3600


class ModelOrders:
    """Turns wishes about models into jobs."""

    def __init__(self, desk: Desk, shelf: Shelf, cache: Cache, bucket: str) -> None:
        self._desk, self._shelf, self._cache, self._bucket = desk, shelf, cache, bucket
        self._deciding = defaultdict[str, asyncio.Lock](asyncio.Lock)

    async def accept(self, who: Identity, key: str, licence: str) -> None:
        """Notes that somebody has read a licence and says yes. Raises UnknownModel, Problem, Unavailable."""
        model = (await self._shelf.find(key)).model
        if model.licence.permissive:
            raise Problem(409, "nothing_to_accept", f"the licence of {key}, {model.licence.name}, asks for no consent")
        if licence != model.licence.name:
            detail = f"the licence of {key} is {model.licence.name!r}, not {licence!r}; read it: {model.licence.url}"
            raise Problem(409, "other_licence", detail, licence=model.licence.name, licence_url=model.licence.url)
        await self._shelf.accept(model, who.user_id, who.name)

    async def make(self, who: Identity, key: str, deed: Deed, trace: str) -> JobRecord:
        """The job that does this deed, or the one that is doing it. Raises UnknownModel, Problem, Unavailable."""
        model = self._cache.registry[key]
        # Of two different deeds asked for at once, the second sees that the first is under way.
        async with self._deciding[model.key]:
            return await self._make(who, await self._shelf.find(key), deed, trace)

    async def _make(self, who: Identity, found: OnShelf, deed: Deed, trace: str) -> JobRecord:
        key = found.model.key
        name = _job_id(deed, key)
        under_way = self.under_way(key)
        if under_way is not None and under_way.id != name:
            verb = under_way.kind.removeprefix("model-")
            raise Problem(409, "busy", f"a job to {verb} {key} is under way; wait for it or cancel it: {under_way.id}")
        if under_way is None and (refusal := self._refusal(deed, found)) is not None:
            raise refusal
        job = Job(id=name, kind=f"model-{deed}", run=1, bucket=self._bucket, traceparent=trace)
        # What somebody asks for by name has their yes; a licence was checked above.
        job.params.update({"key": key, "accepted": sorted({*await self._shelf.accepted(), key})})
        if deed == "download":
            job.deadline_s = _DOWNLOAD_DEADLINE_S
        job.created_at.GetCurrentTime()
        ended_run = self._desk.ended_run(name)
        record = new_record(job, self._desk.subject(job.kind, name), who.user_id, {"model": key})
        return await self._desk.submit(record, who.user_id, ended_run)

    def under_way(self, key: str) -> JobRecord | None:
        """The job about this model that has not ended."""
        known = (self._desk.index.get(_job_id(deed, key)) for deed in DEEDS)
        return next((job for job in known if job is not None and not job.state.terminal), None)

    def possible(self, found: OnShelf, who: Identity) -> list[str]:
        """What this manager may do with a model now, `accept` and `cancel` among it."""
        under_way = self.under_way(found.model.key)
        if under_way is not None:
            return ["cancel"] if who.user_id in under_way.requesters else []
        deeds: list[str] = [deed for deed in DEEDS if self._refusal(deed, found) is None]
        return ["accept", *deeds] if found.needs_licence else deeds

    def _refusal(self, deed: Deed, found: OnShelf) -> Problem | None:
        """Why this makes no sense, or may not be, now."""
        model = found.model
        if model.built_in:
            return Problem(409, "built_in", f"{model.key} is built in: it is always there and holds no memory")
        checks: dict[Deed, Callable[[OnShelf], Problem | None]] = {
            "download": self._against_download,
            "load": _against_load,
            "unload": _against_unload,
            "delete": _against_delete,
        }
        return checks[deed](found)

    def _against_download(self, found: OnShelf) -> Problem | None:
        if found.state in HERE:
            return Problem(409, "already_there", f"the weights of {found.model.key} are there already")
        if found.needs_licence:
            return licence_required(found.model)
        if self._cache.settings.offline:
            detail = f"{found.model.key} is not here and downloads are switched off (IMMICHVR_MODELS_OFFLINE)"
            return Problem(403, "consent_required", detail)
        return None


def refusal_to_run(found: OnShelf, settings: CacheSettings) -> Problem | None:
    """Why a photo cannot be given to this model now; None where it can, if need be after a small download.

    A large one is a job of its own: it must not keep a worker from the photos of others.
    """
    model = found.model
    if found.needs_licence:
        return licence_required(model)
    if model.built_in or found.state in HERE:
        return None
    is_small = model.size is not None and model.size <= settings.auto_limit
    if is_small and settings.auto_download and not settings.offline:
        return None
    if found.state == "downloading":
        return Problem(409, "downloading", f"the weights of {model.key} are on their way; ask again when they are here")
    detail = f"the weights of {model.key} are not here"
    if settings.offline:
        return Problem(403, "consent_required", f"{detail} and downloads are switched off", model=model.key)
    detail = f"{detail} and are not fetched without being asked for: POST /api/models/{model.key}/download"
    return Problem(403, "consent_required", detail, model=model.key)


def licence_required(model: Model) -> Problem:
    """403: somebody has to accept this model's licence first."""
    detail = f"the licence of {model.key}, {model.licence.name}, has to be accepted first: {model.licence.url}"
    return Problem(
        403, "licence_required", detail, model=model.key, licence=model.licence.name, licence_url=model.licence.url
    )


def _against_load(found: OnShelf) -> Problem | None:
    if found.needs_licence:
        return licence_required(found.model)
    if found.state not in HERE:
        return Problem(409, "not_downloaded", f"the weights of {found.model.key} are not there; download them first")
    if found.state != "ready":
        return Problem(409, "already_loaded", f"{found.model.key} is in memory already")
    return None


def _against_unload(found: OnShelf) -> Problem | None:
    if found.held_by:
        return None
    return Problem(409, "not_loaded", f"{found.model.key} is in no worker's memory")


def _against_delete(found: OnShelf) -> Problem | None:
    if found.state in HERE:
        return None
    return Problem(409, "not_downloaded", f"the weights of {found.model.key} are not there; there is nothing to delete")


def _job_id(deed: Deed, key: str) -> str:
    return f"model-{deed}-{key}"
