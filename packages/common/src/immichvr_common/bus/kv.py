"""A bucket of small values by key."""

from __future__ import annotations

from dataclasses import dataclass

from nats.js import JetStreamContext
from nats.js.errors import BucketNotFoundError, KeyNotFoundError
from nats.js.kv import KeyValue

from immichvr_common.bus.faults import translated
from immichvr_common.errors import Unavailable


@dataclass(frozen=True)
class Kept:
    """The newest value of a key, None where it was deleted or never was, and its revision."""

    value: bytes | None
    revision: int


class KeyValueStore:
    """A bucket. Calls raise Unavailable."""

    def __init__(self, js: JetStreamContext, name: str) -> None:
        self._js, self.name = js, name
        self._opened: KeyValue | None = None

    async def get(self, key: str) -> Kept:
        """What lies at a key now."""
        with translated(f"key {key} in {self.name}"):
            try:
                entry = await (await self._bucket()).get(key)
            except KeyNotFoundError as missing:
                # Where it was deleted, the client says by which revision.
                return Kept(None, (missing.entry.revision if missing.entry is not None else None) or 0)
        return Kept(entry.value or None, entry.revision or 0)

    async def keys(self, under: str) -> set[str]:
        """The keys below a pattern, `model.*` say, those among them that were deleted."""
        prefix = f"$KV.{self.name}."
        with translated(f"keys {under} in {self.name}"):
            found = await self._js.stream_info(f"KV_{self.name}", subjects_filter=f"{prefix}{under}")
        return {subject.removeprefix(prefix) for subject in found.state.subjects or {}}

    async def put(self, key: str, value: bytes) -> None:
        """Writes a value, whatever is there."""
        with translated(f"key {key} in {self.name}"):
            await (await self._bucket()).put(key, value)

    async def update(self, key: str, value: bytes, last: int) -> int:
        """Writes a value over that revision, 0 for none; its own revision. Raises Conflict where another is newer."""
        with translated(f"key {key} in {self.name}"):
            return int(await (await self._bucket()).update(key, value, last=last))

    async def delete(self, key: str) -> None:
        """Removes a key, leaving a mark that it was there."""
        with translated(f"key {key} in {self.name}"):
            await (await self._bucket()).delete(key)

    async def _bucket(self) -> KeyValue:
        if self._opened is None:
            try:
                self._opened = await self._js.key_value(self.name)
            except BucketNotFoundError as error:
                raise Unavailable(f"the bucket {self.name} is not there yet", down="nats") from error
        return self._opened
