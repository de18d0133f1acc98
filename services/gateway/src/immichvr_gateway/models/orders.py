"""What may be done with a model now, and the job it takes: download, load, unload, delete."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Literal, get_args

from immichvr.ai.v1.ai_pb2 import ModelParams
from immichvr.events.v1.events_pb2 import Grants
from immichvr_models import Cache

from immichvr_gateway.http.problems import Problem
from immichvr_gateway.jobs.records import JobRecord
from immichvr_gateway.jobs.service import JobService
from immichvr_gateway.library import Identity
from immichvr_gateway.models.catalog import HERE, ModelCatalog, ModelStatus
from immichvr_gateway.models.refusals import licence_required
from immichvr_gateway.requests.spec import JobSpec, Requester

Deed = Literal["download", "load", "unload", "delete"]
Possible = Deed | Literal["accept", "cancel"]
DEEDS: tuple[Deed, ...] = get_args(Deed)


class ModelOrders:
    """Turns wishes about models into jobs."""

    def __init__(self, jobs: JobService, model_catalog: ModelCatalog, cache: Cache) -> None:
        self._jobs, self._models, self._cache = jobs, model_catalog, cache
        self._deciding = defaultdict[str, asyncio.Lock](asyncio.Lock)

    async def accept(self, who: Identity, key: str, licence: str) -> None:
        """Notes that somebody has read a licence and says yes. Raises UnknownModel, Problem, Unavailable."""
        model = (await self._models.find(key)).model
        if model.licence.permissive:
            raise Problem(409, "nothing_to_accept", f"the licence of {key}, {model.licence.name}, asks for no consent")
        if licence != model.licence.name:
            detail = f"the licence of {key} is {model.licence.name!r}, not {licence!r}; read it: {model.licence.url}"
            raise Problem(409, "other_licence", detail, licence=model.licence.name, licence_url=model.licence.url)
        await self._models.accept(model, who.user_id, who.name)

    async def make(self, who: Identity, key: str, deed: Deed, trace: str) -> JobRecord:
        """The job that does this deed, or the one that is doing it. Raises UnknownModel, Problem, Unavailable."""
        model = self._cache.registry[key]
        # Of two different deeds asked for at once, the second sees that the first is under way.
        async with self._deciding[model.key]:
            return await self._make(who, await self._models.find(key), deed, trace)

    async def _make(self, who: Identity, found: ModelStatus, deed: Deed, trace: str) -> JobRecord:
        key = found.model.key
        name = _job_id(deed, key)
        under_way = self.under_way(key)
        if under_way is not None and under_way.id != name:
            verb = under_way.kind.removeprefix("model-")
            raise Problem(409, "busy", f"a job to {verb} {key} is under way; wait for it or cancel it: {under_way.id}")
        if under_way is None and (refusal := self._refusal(deed, found)) is not None:
            raise refusal
        spec = JobSpec(
            kind=f"model-{deed}", id=name, service=found.model.service, params=ModelParams(key=key),
            shown={"model": key},
            # What somebody asks for by name has their yes; a licence was checked above.
            grants=Grants(accepted=sorted({*await self._models.accepted(), key})),
        )  # fmt: skip
        return (await self._jobs.ensure(spec, Requester(who.user_id, trace, who))).record

    def under_way(self, key: str) -> JobRecord | None:
        """The job about this model that has not ended."""
        known = (self._jobs.store.index.get(_job_id(deed, key)) for deed in DEEDS)
        return next((job for job in known if job is not None and not job.state.terminal), None)

    def possible(self, found: ModelStatus, who: Identity) -> list[Possible]:
        """What this manager may do with a model now."""
        under_way = self.under_way(found.model.key)
        if under_way is not None:
            return ["cancel"] if who.user_id in under_way.requesters else []
        deeds: list[Possible] = [deed for deed in DEEDS if self._refusal(deed, found) is None]
        return ["accept", *deeds] if found.needs_licence else deeds

    def _refusal(self, deed: Deed, found: ModelStatus) -> Problem | None:
        """Why this makes no sense, or may not be, now."""
        model = found.model
        if model.built_in:
            return Problem(409, "built_in", f"{model.key} is built in: it is always there and holds no memory")
        checks: dict[Deed, Callable[[ModelStatus], Problem | None]] = {
            "download": self._against_download,
            "load": _against_load,
            "unload": _against_unload,
            "delete": _against_delete,
        }
        return checks[deed](found)

    def _against_download(self, found: ModelStatus) -> Problem | None:
        if found.state in HERE:
            return Problem(409, "already_there", f"the weights of {found.model.key} are there already")
        if found.needs_licence:
            return licence_required(found.model)
        if self._cache.settings.offline:
            detail = f"{found.model.key} is not here and downloads are switched off (IMMICHVR_MODELS_OFFLINE)"
            return Problem(403, "consent_required", detail)
        return None


def _against_load(found: ModelStatus) -> Problem | None:
    if found.needs_licence:
        return licence_required(found.model)
    if found.state not in HERE:
        return Problem(409, "not_downloaded", f"the weights of {found.model.key} are not there; download them first")
    if found.state != "ready":
        return Problem(409, "already_loaded", f"{found.model.key} is in memory already")
    return None


def _against_unload(found: ModelStatus) -> Problem | None:
    if found.held_by:
        return None
    return Problem(409, "not_loaded", f"{found.model.key} is in no worker's memory")


def _against_delete(found: ModelStatus) -> Problem | None:
    if found.state in HERE:
        return None
    return Problem(409, "not_downloaded", f"the weights of {found.model.key} are not there; there is nothing to delete")


def _job_id(deed: Deed, key: str) -> str:
    return f"model-{deed}-{key}"
