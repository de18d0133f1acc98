"""Small state in a bucket: read whole, and written only over what the writer has seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from immichvr_common.bus.connection import Bus
from immichvr_common.bus.kv import Kept
from immichvr_common.bus.messages import Delivery
from immichvr_common.errors import Conflict, NotFound, Unavailable

_BATCH = 256
_WAIT_S = 1.0
_TRIES = 8


class Bucket:
    """A bucket with the revisions this process has seen of its keys. Calls raise Unavailable."""

    def __init__(self, bus: Bus, name: str) -> None:
        self._bus, self._kv, self.name = bus, bus.kv(name), name
        self._revisions: dict[str, int] = {}

    async def load(self) -> dict[str, bytes]:
        """Every value there is, by key. Raises Unavailable where NATS shows fewer keys than it counts."""
        found = await read_bucket(self._bus, self.name)
        self._revisions = {key: kept.revision for key, kept in found.items()}
        return {key: kept.value for key, kept in found.items() if kept.value}

    async def write(self, key: str, value: bytes, settle: Callable[[bytes], bytes]) -> bytes:
        """Writes a value, unless somebody else wrote one since this process last saw the key.

        settle: given theirs, what shall stand instead; theirs itself where nothing is to be written. Returns what
        stands. Raises Conflict where others write again and again.
        """
        for attempt in range(_TRIES):
            try:
                self._revisions[key] = await self._kv.update(key, value, last=self._revisions.get(key, 0))
                return value
            except Conflict:
                theirs = await self._kv.get(key)
                self._revisions[key] = theirs.revision
                if theirs.value is not None:
                    value = settle(theirs.value)
                    if value == theirs.value:
                        return value
            await asyncio.sleep(0.01 * attempt)
        raise Conflict(f"{key} in {self.name} is rewritten by others again and again")

    async def change(self, key: str, settle: Callable[[bytes | None], bytes | None]) -> None:
        """Changes what lies at a key now, whoever wrote it last, this process among them.

        settle: given what lies there, None where nothing does: what shall stand instead; None where nothing is to be
        written. Called once more where others write meanwhile. Raises Conflict where they do again and again.
        """
        for attempt in range(_TRIES):
            kept = await self._kv.get(key)
            value = settle(kept.value)
            if value is None or value == kept.value:
                return
            try:
                self._revisions[key] = await self._kv.update(key, value, last=kept.revision)
                return
            except Conflict:
                await asyncio.sleep(0.01 * attempt)
        raise Conflict(f"{key} in {self.name} is rewritten by others again and again")

    async def peek(self, key: str) -> bytes | None:
        """What lies at a key now; it counts as unseen all the same, so that a write settles it."""
        return (await self._kv.get(key)).value

    async def delete(self, key: str) -> None:
        """Removes a key."""
        await self._kv.delete(key)
        self._revisions.pop(key, None)


async def read_bucket(bus: Bus, name: str) -> dict[str, Kept]:
    """The newest of every key of a bucket.

    nats-py's own watcher may say that it is through before it has handed over a single key; here what was read is
    held against the server's own count. Raises Unavailable where it stays below it, or NATS does not answer.
    """
    counted = read = 0
    for _ in range(_TRIES):
        counted = await bus.count(f"KV_{name}")
        found = await _read(bus, name)
        # Keys that came meanwhile are more; keys that are gone meanwhile are counted anew.
        if len(found) >= counted:
            return found
        read = len(found)
    raise Unavailable(f"NATS shows {read} of {counted} keys of the bucket {name}", down="nats")


async def _read(bus: Bus, name: str) -> dict[str, Kept]:
    stream, prefix = f"KV_{name}", f"$KV.{name}."
    config = ConsumerConfig(
        filter_subject=f"{prefix}>",
        deliver_policy=DeliverPolicy.LAST_PER_SUBJECT,
        ack_policy=AckPolicy.NONE,
        inactive_threshold=30,
        mem_storage=True,
    )
    found: dict[str, Kept] = {}
    info = await bus.add_consumer(stream, config)
    try:
        async with bus.pulling(stream, info.name) as puller:
            is_through = not info.num_pending
            while not is_through:
                messages = await puller.batch(_BATCH, _WAIT_S)
                for message in messages:
                    found[message.subject.removeprefix(prefix)] = _kept(message)
                is_through = not messages or not messages[-1].left
    except NotFound as error:
        raise Unavailable(f"the bucket {name} cannot be read just now", down="nats") from error
    # One that cannot be removed ends by itself when nobody asks it.
    await bus.remove_consumer(stream, info.name)
    return found


def _kept(message: Delivery) -> Kept:
    is_deleted = message.headers.get("KV-Operation") in ("DEL", "PURGE")
    return Kept(None if is_deleted else message.data, message.seq)
