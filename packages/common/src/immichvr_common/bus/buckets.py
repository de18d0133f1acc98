"""Small state in a bucket: read whole, and written only over what the writer has seen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

import nats.errors
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError, NotFoundError
from nats.js.kv import KeyValue

from immichvr_common.bus.connection import OUTAGES, Bus
from immichvr_common.bus.pull import ConsumerGone, Puller
from immichvr_common.errors import Conflict, Unavailable

_BATCH = 256
_WAIT_S = 1.0
_TRIES = 8


@dataclass(frozen=True)
class Kept:
    """The newest value of a key, None where it was deleted, and its revision."""

    value: bytes | None
    revision: int


class Bucket:
    """A bucket with the revisions this process has seen of its keys.

    Calls raise what the NATS client raises when the server is gone, beside what they name themselves.
    """

    def __init__(self, bus: Bus, name: str) -> None:
        self._bus, self.name = bus, name
        self._kv: KeyValue | None = None
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
        kv = await self._open()
        for attempt in range(_TRIES):
            try:
                self._revisions[key] = await kv.update(key, value, last=self._revisions.get(key, 0))
                return value
            except KeyWrongLastSequenceError:
                theirs = await self._look(kv, key)
                if theirs is not None:
                    value = settle(theirs)
                    if value == theirs:
                        return value
            await asyncio.sleep(0.01 * attempt)
        raise Conflict(f"{key} in {self.name} is rewritten by others again and again")

    async def peek(self, key: str) -> bytes | None:
        """What lies at a key now; it counts as unseen all the same, so that a write settles it."""
        try:
            entry = await (await self._open()).get(key)
        except KeyNotFoundError:
            return None
        return entry.value or None

    async def delete(self, key: str) -> None:
        """Removes a key."""
        await (await self._open()).delete(key)
        self._revisions.pop(key, None)

    async def _open(self) -> KeyValue:
        if self._kv is None:
            self._kv = await self._bus.js.key_value(self.name)
        return self._kv

    async def _look(self, kv: KeyValue, key: str) -> bytes | None:
        """What lies at a key now; None where it was deleted, or never was."""
        try:
            entry = await kv.get(key)
        except KeyNotFoundError as error:
            self._revisions[key] = (error.entry.revision if error.entry is not None else None) or 0
            return None
        self._revisions[key] = entry.revision or 0
        return entry.value or None


async def read_bucket(bus: Bus, name: str) -> dict[str, Kept]:
    """The newest of every key of a bucket.

    nats-py's own watcher may say that it is through before it has handed over a single key; here what was read is
    held against the server's own count. Raises Unavailable where it stays below it, or NATS does not answer.
    """
    counted = read = 0
    for _ in range(_TRIES):
        counted = await _count(bus, name)
        found = await _read(bus, name)
        # Keys that came meanwhile are more; keys that are gone meanwhile are counted anew.
        if len(found) >= counted:
            return found
        read = len(found)
    raise Unavailable(f"NATS shows {read} of {counted} keys of the bucket {name}", down="nats")


async def _count(bus: Bus, name: str) -> int:
    """How many keys the server says a bucket has, deleted ones among them."""
    try:
        answer = await bus.client.request(f"$JS.API.STREAM.INFO.KV_{name}", b"", timeout=5)
    except OUTAGES as error:
        raise Unavailable("NATS does not answer", down="nats") from error
    facts = json.loads(answer.data)
    if "error" in facts:
        raise Unavailable(f"the bucket {name} cannot be read: {facts['error'].get('description')}", down="nats")
    return int(facts["state"].get("num_subjects", 0))


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
    info = await bus.js.add_consumer(stream, config)
    puller = Puller(bus.client, stream, info.name)
    await puller.open()
    try:
        is_through = not info.num_pending
        while not is_through:
            messages = await puller.batch(_BATCH, _WAIT_S)
            for message in messages:
                found[message.subject.removeprefix(prefix)] = _kept(message)
            is_through = not messages or not messages[-1].metadata.num_pending
    except (ConsumerGone, TimeoutError, nats.errors.Error) as error:
        raise Unavailable(f"the bucket {name} cannot be read just now", down="nats") from error
    finally:
        await puller.close()
    try:
        await bus.js.delete_consumer(stream, info.name)
    except (NotFoundError, *OUTAGES):
        pass  # it ends by itself when nobody asks it
    return found


def _kept(message: Msg) -> Kept:
    is_deleted = (message.headers or {}).get("KV-Operation") in ("DEL", "PURGE")
    return Kept(None if is_deleted else message.data, message.metadata.sequence.stream)
