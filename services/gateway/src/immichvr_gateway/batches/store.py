"""Batches as they lie in KV, where every gateway changes them: each change is made to what lies there now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from immichvr_common.bus import Bus, BusMessage, read_bucket
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.errors import Conflict, Unavailable
from immichvr_common.logs import get_log
from pydantic import ValidationError

from immichvr_gateway.batches.records import Batch
from immichvr_gateway.listening import tell_each

log = get_log(__name__)

_PREFIX = "batches."
_TRIES = 16


class BatchStore:
    """Every batch, as last written by whichever gateway. listeners: told of every change."""

    def __init__(self, bus: Bus) -> None:
        self._bus, self._kv = bus, bus.kv(KV_STATE)
        self._known: dict[str, Batch] = {}
        self.listeners: list[Callable[[Batch], None]] = []

    def of(self, user_id: str) -> list[Batch]:
        """A person's batches, newest first."""
        mine = [one for one in self._known.values() if one.user_id == user_id]
        return sorted(mine, key=lambda one: (one.created_at, one.id), reverse=True)

    def all(self) -> list[Batch]:
        """Everybody's, the oldest first."""
        return sorted(self._known.values(), key=lambda one: (one.created_at, one.id))

    def get(self, batch_id: str) -> Batch | None:
        """The batch of that id."""
        return self._known.get(batch_id)

    async def load(self) -> None:
        """Reads what is there. Raises Unavailable."""
        for key, kept in (await read_bucket(self._bus, KV_STATE)).items():
            if key.startswith(_PREFIX) and kept.value:
                self._take(key, kept.value)

    async def follow(self) -> None:
        """Hears what other gateways write, as long as the connection lives. Raises Unavailable."""
        await self._bus.subscribe(f"$KV.{KV_STATE}.{_PREFIX}*", self._on_written)

    async def add(self, batch: Batch) -> None:
        """Keeps a new batch. Raises Unavailable."""
        await self._kv.update(f"{_PREFIX}{batch.id}", batch.model_dump_json().encode(), last=0)
        self._know(batch)

    async def change(self, batch_id: str, change: Callable[[Batch], Batch | None]) -> Batch | None:
        """Changes what lies in KV now, as often as another is faster; `change` returns None to leave it as it is.

        The batch as it stands; None where there is none. Raises Unavailable.
        """
        for attempt in range(_TRIES):
            kept = await self._kv.get(f"{_PREFIX}{batch_id}")
            stands = None if kept.value is None else self._take(f"{_PREFIX}{batch_id}", kept.value)
            if stands is None:
                return None
            changed = change(stands.model_copy(deep=True))
            if changed is None:
                return stands
            try:
                await self._kv.update(f"{_PREFIX}{batch_id}", changed.model_dump_json().encode(), last=kept.revision)
            except Conflict:
                await asyncio.sleep(0.01 * attempt)
                continue
            self._know(changed)
            return changed
        raise Unavailable(f"batch {batch_id} is changed by others again and again", down="nats")

    async def forget(self, batch_id: str) -> None:
        """Drops a batch. Raises Unavailable."""
        await self._kv.delete(f"{_PREFIX}{batch_id}")
        self._known.pop(batch_id, None)

    async def _on_written(self, message: BusMessage) -> None:
        key = message.subject.removeprefix(f"$KV.{KV_STATE}.")
        if message.headers.get("KV-Operation") in ("DEL", "PURGE"):
            self._known.pop(key.removeprefix(_PREFIX), None)
        else:
            self._take(key, message.data)

    def _take(self, key: str, value: bytes) -> Batch | None:
        try:
            batch = Batch.model_validate_json(value)
        except ValidationError as error:
            log.error("a batch cannot be read", key=key, fields=error.error_count())
            return None
        self._know(batch)
        return batch

    def _know(self, batch: Batch) -> None:
        self._known[batch.id] = batch
        tell_each(self.listeners, batch)
