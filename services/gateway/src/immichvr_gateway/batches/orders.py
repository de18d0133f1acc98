"""What people say of their batches: made, begun, paused, cancelled, told when it is time, tried again."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from immichvr_catalog import KINDS
from pydantic import ValidationError

from immichvr_gateway.batches.estimating import Estimator
from immichvr_gateway.batches.records import Batch, BatchState, BatchWanted, Signal, hashed
from immichvr_gateway.batches.store import BatchStore
from immichvr_gateway.http.problems import Problem, not_accepted, not_found
from immichvr_gateway.library import Identity
from immichvr_gateway.requests.asking import PLANNERS

_MOST_OPEN, _MOST_KEPT = 8, 40


class BatchOrders:
    """Takes orders about batches. Calls raise Problem, Unavailable."""

    def __init__(self, store: BatchStore, estimator: Estimator) -> None:
        self.store, self._estimator = store, estimator

    async def make(self, who: Identity, wanted: BatchWanted) -> tuple[Batch, str]:
        """A batch with its estimate, and the secret that signals are sent with, which is told this once.

        Raises library errors.
        """
        _check(wanted)
        mine = self.store.of(who.user_id)
        open_ones = [one for one in mine if not one.state.terminal]
        if len(open_ones) >= _MOST_OPEN:
            raise Problem(
                429, "too_many_batches", f"{len(open_ones)} batches are there already; the limit is {_MOST_OPEN}"
            )
        now, secret = datetime.now(UTC), secrets.token_urlsafe(24)
        batch = Batch(
            id=secrets.token_hex(8), user_id=who.user_id, wanted=wanted, secret=hashed(secret),
            estimate=await self._estimator.estimate(who, wanted, now.date()),
            state=BatchState.RUNNING if wanted.start else BatchState.ESTIMATED, created_at=now, updated_at=now,
        )  # fmt: skip
        await self.store.add(batch)
        for old in [one for one in mine if one.state.terminal][_MOST_KEPT:]:
            await self.store.forget(old.id)
        return batch, secret

    async def start(self, batch: Batch) -> Batch:
        """Begins a batch, or goes on with one that pauses."""
        return await self._become(batch, BatchState.RUNNING, (BatchState.ESTIMATED, BatchState.PAUSED))

    async def pause(self, batch: Batch) -> Batch:
        """Begins nothing more; what is under way goes on."""
        return await self._become(batch, BatchState.PAUSED, (BatchState.RUNNING,))

    async def cancel(self, batch: Batch) -> Batch:
        """Ends a batch, with what is under way; what was made stays."""
        open_states = (BatchState.ESTIMATED, BatchState.RUNNING, BatchState.PAUSED)
        return await self._become(batch, BatchState.CANCELLED, open_states)

    async def retry(self, batch: Batch) -> Batch:
        """Tries what failed again."""

        def again(stands: Batch) -> Batch | None:
            if not stands.failures or stands.state is BatchState.CANCELLED:
                return None
            names = [one.source_id for one in stands.failures if one.source_id]
            stands.again = list(dict.fromkeys([*stands.again, *names]))
            stands.counts.failed -= len(stands.failures)
            stands.failures = []
            if stands.state is BatchState.DONE:
                stands.state = BatchState.RUNNING
            return stands

        return await self._change(batch.id, again)

    async def signal(self, batch: Batch, go: bool, minutes: float | None) -> Batch:
        """Says whether now is the time; for so many minutes, where that is told."""
        until = None if minutes is None else datetime.now(UTC) + timedelta(minutes=minutes)

        def heard(stands: Batch) -> Batch:
            stands.signal = Signal(go=go, until=until)
            return stands

        return await self._change(batch.id, heard)

    async def _become(self, batch: Batch, state: BatchState, before: tuple[BatchState, ...]) -> Batch:
        def become(stands: Batch) -> Batch | None:
            if stands.state is state:
                return None
            if stands.state not in before:
                raise Problem(409, "not_possible_now", f"batch {batch.id} is {stands.state}")
            stands.state, stands.waits = state, ""
            return stands

        return await self._change(batch.id, become)

    async def _change(self, batch_id: str, change: Callable[[Batch], Batch | None]) -> Batch:
        def stamped(stands: Batch) -> Batch | None:
            changed = change(stands)
            return None if changed is None else changed.model_copy(update={"updated_at": datetime.now(UTC)})

        stands = await self.store.change(batch_id, stamped)
        if stands is None:
            raise not_found(f"there is no batch {batch_id!r} of yours")
        return stands


def _check(wanted: BatchWanted) -> None:
    """Raises Problem for what no job could be made of."""
    planner = PLANNERS.find(wanted.kind)
    takes = KINDS[wanted.kind].takes
    if wanted.filter.media not in takes:
        raise not_accepted("source_kind", wanted.filter.media, list(takes))
    try:
        planner.model_validate(wanted.params()).check()
    except ValidationError as error:
        first = error.errors()[0]
        raise Problem(422, "invalid_request", f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
