"""Makes batches, one gateway at a time: a few jobs of each under way, behind what people wait for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from immichvr_catalog import KINDS
from immichvr_common.bus import Bus
from immichvr_common.errors import NotFound, ServiceError, StorageFull, Unavailable, code_of
from immichvr_common.logs import get_log
from immichvr_common.retrying import forever
from immichvr_common.sources import Source

from immichvr_gateway.batches.governor import reason_to_wait
from immichvr_gateway.batches.records import MOST_FAILURES, Batch, BatchState, Failure
from immichvr_gateway.batches.selecting import Some, Stage, look_through, stages_of
from immichvr_gateway.batches.store import BatchStore
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.records import Answer, JobRecord, State
from immichvr_gateway.jobs.routing import BATCH
from immichvr_gateway.library import (
    Identity,
    Library,
    LibraryError,
    LibraryPhoto,
    LibraryUnavailable,
    NotPermitted,
    PhotoNotFound,
    SignInFailed,
)
from immichvr_gateway.requests.asking import PLANNERS
from immichvr_gateway.requests.planning import JobRequest
from immichvr_gateway.requests.spec import Requester, SourceVersion
from immichvr_gateway.upkeep.turns import Turn

log = get_log(__name__)

_LOOK_S, _RENEW_S, _PATIENCE_S = 1.0, 2.0, 8.0
_AT_ONCE = 16
"""Jobs of one batch that are under way at once."""
_AT_A_TIME = 32
"""So many photos are looked at before what was found is written down."""
_MISSED = 30
"""After so many looks a job of which nothing is known has been deleted, and is not merely unheard of yet."""
ABSENT = "it waits for you to allow work in your absence (POST /api/me/standing-key)"


class Asking(Protocol):
    """Where jobs are asked for."""

    async def ask(self, kind: str, request: JobRequest, of: SourceVersion, who: Requester) -> Answer: ...


class Keys(Protocol):
    """Whom to work as for somebody who is not there; None where they did not allow it."""

    async def of(self, user_id: str) -> Identity | None: ...


@dataclass(frozen=True)
class Bounds:
    """What a batch must keep to. is_short: whether the disk is. stored: bytes of what was made for somebody."""

    is_short: Callable[[], bool]
    stored: Callable[[str], int]
    quota: int | None


class BatchRunner:
    """Goes on with what is running, one batch after the other.

    trim: has what was made keep its preview alone. withdraw: takes somebody's wish for a job back.
    """

    def __init__(
        self, bus: Bus, store: BatchStore, asking: Asking, jobs: JobIndex, library: Library, keys: Keys,
        bounds: Bounds, trim: Callable[[JobRecord], Awaitable[None]],
        withdraw: Callable[[JobRecord, str], Awaitable[object]],
    ) -> None:  # fmt: skip
        self._store, self._asking, self._jobs, self._library = store, asking, jobs, library
        self._keys, self._bounds, self._trim, self._withdraw = keys, bounds, trim, withdraw
        self._turn = Turn(bus, "batching", _PATIENCE_S)
        self._wake = asyncio.Event()
        self._missed: dict[str, int] = {}
        self._pages: dict[str, tuple[tuple[int, str | None], Some]] = {}
        store.listeners.append(lambda _: self._wake.set())

    def on_change(self, record: JobRecord) -> None:
        """Listens to jobs: one that has ended may be a batch's."""
        if record.state.terminal:
            self._wake.set()

    async def run(self) -> None:
        """Makes batches until cancelled."""
        await forever(self._go_on, "batches wait", outage=(Unavailable, NotFound), longest_s=5.0)

    async def _go_on(self) -> None:
        while True:
            self._wake.clear()
            running = [one for one in self._store.all() if one.state is BatchState.RUNNING or one.open]
            if not running:
                await self._turn.give_up()
                await self._wake.wait()
                continue
            if await self._turn.hold(_RENEW_S, self._store.load):
                for batch in running:
                    await self._step_alone(batch.id)
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _step_alone(self, batch_id: str) -> None:
        """Takes a step; what goes wrong with one batch keeps no other from going on. Raises Unavailable."""
        try:
            await self.step(batch_id)
        except Unavailable:
            raise
        except Exception as error:  # it is tried again; the others go on all the same
            log.error("a batch cannot go on", batch_id=batch_id, exc_info=error)

    async def step(self, batch_id: str) -> None:
        """Counts what has ended, and begins what may be begun. What is asked for twice is one job.

        Raises Unavailable.
        """
        batch = self._store.get(batch_id)
        if batch is None:
            return
        found = batch.model_copy(deep=True)
        await self._settle(found)
        if found.state is BatchState.CANCELLED:
            await self._give_up(found)
        if found.state is BatchState.RUNNING:
            found.waits = await self._begin_some(found)
            if found.is_through and not found.open and not found.again and not found.waits:
                found.state = BatchState.DONE
        if found != batch:
            await self._store.change(batch_id, partial(_noted, batch, found))

    async def _settle(self, batch: Batch) -> None:
        """Counts the jobs of a batch that have ended."""
        left = []
        for job_id in batch.open:
            record = self._jobs.get(job_id)
            if record is None:
                self._missed[job_id] = self._missed.get(job_id, 0) + 1
                if self._missed[job_id] < _MISSED:
                    left.append(job_id)
                else:
                    batch.counts.skipped += 1
            elif not record.state.terminal:
                left.append(job_id)
            elif record.state is State.SUCCEEDED:
                batch.counts.made += 1
                if batch.wanted.preview_only and _is_for_it_alone(batch, record):
                    await self._trim(record)
            elif record.state is State.FAILED:
                batch.fail(_failure_of(record))
            else:
                batch.counts.skipped += 1
            if record is not None or job_id not in left:
                self._missed.pop(job_id, None)
        batch.open = left

    async def _give_up(self, batch: Batch) -> None:
        """Takes back what was asked for in a batch that somebody cancelled."""
        for record in [one for one in map(self._jobs.get, batch.open) if one is not None and not one.state.terminal]:
            with contextlib.suppress(Problem):  # it has just ended
                await self._withdraw(record, batch.user_id)
            if batch.user_id not in record.requesters:
                batch.open.remove(record.id)  # others want it still
                batch.counts.skipped += 1

    async def _begin_some(self, batch: Batch) -> str:
        """Asks for what comes next; why no more is begun now, in words."""
        now = datetime.now(UTC)
        bounds = self._bounds
        if words := reason_to_wait(batch, now, bounds.is_short(), bounds.stored(batch.user_id), bounds.quota):
            return words
        try:
            who = await self._keys.of(batch.user_id)
            if who is None:
                return ABSENT
            await self._again(batch, who)
            for _ in range(_AT_A_TIME):
                if batch.is_through or len(batch.open) >= _AT_ONCE:
                    return ""
                await self._one(batch, who, now)
        except LibraryUnavailable as error:
            return f"the library does not answer: {error.message}"
        except StorageFull as error:
            return error.message
        except (SignInFailed, NotPermitted) as error:
            return f"{error.message}; allow work in your absence anew"
        except Problem as problem:
            return problem.detail
        except Unavailable:
            raise
        except LibraryError as error:  # such as an album that is gone
            return f"what it is made of cannot be looked through: {error.message}"
        self._wake.set()
        return ""

    async def _again(self, batch: Batch, who: Identity) -> None:
        """Asks once more for what failed and shall be tried again."""
        while batch.again and len(batch.open) < _AT_ONCE:
            source = Source(batch.wanted.filter.media, batch.again[0])
            try:
                item = await self._library.item(who, source, fresh=True)
            except PhotoNotFound:
                batch.counts.skipped += 1
            else:
                await self._ask(batch, item, who)
            batch.again = batch.again[1:]

    async def _one(self, batch: Batch, who: Identity, now: datetime) -> None:
        """Looks at the next photo or video. Raises Problem where as many jobs wait as may, library errors."""
        stages = stages_of(batch.wanted.filter)
        stage = stages[batch.stage]
        some = await self._page(batch, stage, who, now)
        if batch.at >= len(some.items):
            batch.at, batch.cursor = 0, some.next_cursor
            if batch.cursor is None:
                batch.stage += 1
                if batch.stage >= len(stages):
                    batch.stage, batch.is_through = len(stages) - 1, True
            return
        item = some.items[batch.at]
        is_last = stage is stages[-1]
        if not batch.has_seen(item.id):
            await self._ask(batch, item, who)
            batch.counts.looked_at += 1
            if not is_last:
                batch.see(item.id)
        batch.at += 1

    async def _page(self, batch: Batch, stage: Stage, who: Identity, now: datetime) -> Some:
        place = (batch.stage, batch.cursor)
        if (kept := self._pages.get(batch.id)) is not None and kept[0] == place:
            return kept[1]
        some = await look_through(self._library, who, batch.wanted.filter, stage, batch.cursor, now.date())
        self._pages[batch.id] = (place, some)
        return some

    async def _ask(self, batch: Batch, item: LibraryPhoto, who: Identity) -> None:
        """Asks for one, and counts it. Raises Problem where as many jobs wait as may, and what is passing."""
        request = PLANNERS.find(batch.wanted.kind).model_validate(batch.wanted.params())
        requester = Requester(batch.user_id, identity=who, job_class=BATCH, origin=f"batch.{batch.id}")
        try:
            answer = await self._asking.ask(batch.wanted.kind, request, SourceVersion.of_item(item), requester)
        except (Unavailable, StorageFull, LibraryUnavailable, SignInFailed, NotPermitted):
            raise
        except Problem as problem:
            if problem.status in (429, 503, 507):
                raise
            batch.fail(_failure(item, problem.code, problem.detail))
        except ServiceError as error:
            batch.fail(_failure(item, error.code, error.message))
        except ValueError as error:
            batch.fail(_failure(item, code_of(error, "invalid_request"), str(error)))
        else:
            if answer.done:
                batch.counts.existing += 1
            elif answer.record.id not in batch.open:
                batch.open.append(answer.record.id)


def _is_for_it_alone(batch: Batch, record: JobRecord) -> bool:
    """Whether a job has made what nobody but this batch asked for, so that less of it may be kept."""
    is_its_own = record.origin == f"batch.{batch.id}" and record.requesters == [batch.user_id]
    return is_its_own and bool(KINDS[record.kind].makes)


def _noted(before: Batch, found: Batch, stands: Batch) -> Batch:
    """What a step found, written over what lies there: what people said meanwhile stands."""
    taken = found.model_copy(deep=True)
    taken.signal = stands.signal
    if stands.state is not before.state:
        taken.state, taken.waits = stands.state, ""
    new = [one for one in found.failures if one not in before.failures]
    taken.failures = [*stands.failures, *new][-MOST_FAILURES:]
    taken.counts.failed = stands.counts.failed + found.counts.failed - before.counts.failed
    tried = before.again[: len(before.again) - len(found.again)]
    taken.again = [one for one in stands.again if one not in tried]
    taken.updated_at = datetime.now(UTC)
    return taken


def _failure(item: LibraryPhoto, code: str, message: str) -> Failure:
    return Failure(
        source_kind=item.kind, source_id=item.id, name=item.name, code=code, message=message, at=datetime.now(UTC)
    )


def _failure_of(record: JobRecord) -> Failure:
    source, error = record.source, record.error
    return Failure(
        source_kind=source.kind if source is not None else "", source_id=source.id if source is not None else "",
        name=record.job().source_name, job_id=record.id, code=error.code if error is not None else "internal",
        message=error.message if error is not None else "", at=record.updated_at,
    )  # fmt: skip
