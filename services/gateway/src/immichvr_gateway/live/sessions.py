"""Live sessions as jobs: asked for, found where a worker serves them, and ended with their client."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import re
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from immichvr.ai.v1.ai_pb2 import LiveParams
from immichvr.events.v1.events_pb2 import Grants
from immichvr_catalog import is_session
from immichvr_common.errors import ServiceError
from immichvr_common.logs import get_log
from immichvr_common.supervision import spawn
from immichvr_common.tracing import within
from immichvr_models import LIFT, Cache
from prometheus_client import Gauge

from immichvr_gateway.http.problems import Problem
from immichvr_gateway.jobs.records import LIVE, JobError, JobRecord, State
from immichvr_gateway.jobs.service import JobService
from immichvr_gateway.library import Identity
from immichvr_gateway.live.drawing import Drawing
from immichvr_gateway.live.messages import WantedSplat
from immichvr_gateway.live.worker_connections import AttachedConnection
from immichvr_gateway.models.catalog import ModelCatalog
from immichvr_gateway.models.refusals import refusal_to_run
from immichvr_gateway.requests.spec import JobSpec, Requester
from immichvr_gateway.settings import LiveSettings

log = get_log(__name__)

_OPEN = Gauge("immichvr_live_sessions", "Live sessions that are open")
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}")
_LAST_WORDS_S = 3.0
"""How long a worker may take to end a job whose client has gone, before it is cancelled."""
_REMEMBERED_S = 600.0
"""How long a session that has ended can be asked about; there are many, and nothing comes of them."""


@dataclass(eq=False)
class LiveJob:
    """A session's job.

    token: what its worker knows it by; served: where the worker serves it, or its own connection here.
    """

    job_id: str
    who: Identity
    token: str
    served: asyncio.Future[str | AttachedConnection]
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class LiveSessions:
    """The live sessions of this gateway."""

    def __init__(
        self, jobs: JobService, model_catalog: ModelCatalog, cache: Cache, drawing: Drawing, settings: LiveSettings
    ) -> None:
        self._jobs, self._models, self._cache = jobs, model_catalog, cache
        self.drawing = drawing
        self.settings = settings
        self._live: dict[str, LiveJob] = {}
        self._open = Counter[str]()
        self._ending: set[asyncio.Task[None]] = set()

    @contextlib.contextmanager
    def place(self, who: Identity) -> Iterator[None]:
        """Room for one more session, for as long as the block lasts. Raises Problem."""
        if self._open.total() >= self.settings.sessions:
            raise Problem(429, "too_many_sessions", f"{self.settings.sessions} live sessions are open; try again later")
        if self._open[who.user_id] >= self.settings.per_user:
            raise Problem(429, "too_many_sessions", f"you have {self.settings.per_user} live sessions open; close one")
        self._open[who.user_id] += 1
        _OPEN.inc()
        try:
            yield
        finally:
            _OPEN.dec()
            self._open[who.user_id] -= 1
            if not self._open[who.user_id]:
                del self._open[who.user_id]

    async def begin(self, who: Identity, wanted: str | WantedSplat) -> LiveJob:
        """Asks for a worker.

        wanted: the model for frames, or a splat to be drawn. Raises Problem (unknown model, licence not accepted, no
        such splat), Unavailable, library errors.
        """
        spec = await (self._of_frames(wanted) if isinstance(wanted, str) else self.drawing.spec(who, wanted))
        token, name = secrets.token_urlsafe(32), f"{spec.kind}-{secrets.token_hex(8)}"
        spec = replace(spec, id=name, grants=Grants(token=token, accepted=spec.grants.accepted))
        live = LiveJob(name, who, token, asyncio.get_running_loop().create_future())
        self._live[name] = live
        try:
            await self._jobs.ensure(spec, Requester(who.user_id, within(), identity=who))
        except BaseException:
            del self._live[name]
            raise
        return live

    async def _of_frames(self, model: str) -> JobSpec:
        await self._check(model)
        return JobSpec(
            kind=LIVE, id="", params=LiveParams(model=model), shown={"model": model},
            grants=Grants(accepted=await self._models.accepted()),
        )  # fmt: skip

    async def _check(self, model: str) -> None:
        key = model.removeprefix(LIFT)
        if key == "auto":
            return
        if key not in self._cache.registry:
            raise Problem(422, "unknown_model", f"there is no model {model!r}")
        refusal = refusal_to_run(await self._models.find(key), self._cache.settings)
        if refusal is not None:
            raise refusal

    def on_change(self, record: JobRecord) -> None:
        """Listens to jobs: takes in what a worker told of a session."""
        live = self._live.get(record.id)
        if live is None:
            return
        if record.state.terminal:
            live.ended.set()
            if not live.served.done():
                error = record.error or JobError(code="worker_gone", message="the session ended before it began")
                live.served.set_exception(Problem(503, error.code, error.message))
                live.served.exception()  # nobody may be waiting any more
        elif record.address and not live.served.done() and _ADDRESS.fullmatch(record.address):
            live.served.set_result(record.address)

    def of_token(self, token: str) -> LiveJob | None:
        """The session of this gateway with that token. Each is compared, so that the time tells nothing."""
        found = None
        for live in self._live.values():
            if hmac.compare_digest(live.token.encode(), token.encode()):
                found = live
        return found

    async def served(self, live: LiveJob) -> str | AttachedConnection:
        """Where a worker serves this session, or its connection here; it may have to be started. Raises Problem."""
        try:
            async with asyncio.timeout(self.settings.wait_s):
                return await asyncio.shield(live.served)
        except TimeoutError as error:
            raise Problem(
                503, "no_worker", f"no worker took the session within {self.settings.wait_s:.0f} s"
            ) from error

    def end(self, live: LiveJob) -> None:
        """Sees to it that a session's job ends, now that its client has gone."""
        is_served = live.served.done()
        if not is_served:
            live.served.set_exception(Problem(503, "worker_gone", "this session is over"))
            live.served.exception()  # nobody waits any more
        elif not live.served.exception() and isinstance(connection := live.served.result(), AttachedConnection):
            connection.close()
        task = spawn(f"end of {live.job_id}", self._end(live, is_served))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def tidy(self) -> None:
        """Forgets sessions that ended a while ago; ends those in the queue whose gateway has gone. Raises Unavailable.

        No gateway waits longer for a worker than `wait_s`, so that what is older is wanted by nobody.
        """
        now = datetime.now(UTC)
        for record in self._jobs.store.index:
            if not is_session(record.kind) or record.id in self._live:
                continue
            age_s = (now - record.updated_at).total_seconds()
            if record.state.terminal and age_s > _REMEMBERED_S:
                await self._jobs.store.forget(record)
            elif record.state is State.QUEUED and age_s > self.settings.wait_s + _LAST_WORDS_S:
                with contextlib.suppress(Problem):  # it has ended meanwhile
                    await self._jobs.cancel(record, record.requesters[0] if record.requesters else "")

    async def close(self) -> None:
        """Ends every session's job, as far as NATS is there."""
        for task in self._ending:
            task.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)
        for live in list(self._live.values()):
            await self._cancel(live)

    async def _end(self, live: LiveJob, is_served: bool) -> None:
        try:
            if is_served and not live.ended.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(live.ended.wait(), _LAST_WORDS_S)
            await self._cancel(live)
        finally:
            self._live.pop(live.job_id, None)

    async def _cancel(self, live: LiveJob) -> None:
        try:
            async with asyncio.timeout(_LAST_WORDS_S):
                if (record := self._jobs.store.index.get(live.job_id)) is not None:
                    await self._jobs.cancel(record, live.who.user_id)
        except Problem:
            return  # it has ended
        except (TimeoutError, ServiceError) as error:
            log.warning("a live session's job was not cancelled; it ends by itself", error=str(error))
