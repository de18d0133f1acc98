"""What jobs have made so far of what is to be watched, as far as what their workers wrote of it can be believed."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from immichvr_common.locks import KeyedLocks
from immichvr_common.parts import Part, parse_index, stored_index
from immichvr_common.storage import ObjectStore

HEAD = "init.mp4"
"""What a player needs before any other part; it has no seconds of its own."""
_BELIEVED_S = 1.0
_KNOWN = 16
_LARGEST_LAYOUT = 2000


@dataclass(frozen=True)
class Watched:
    """The parts of a job, HEAD first. layout: where colour and depth lie in the picture; None where nobody says."""

    parts: tuple[Part, ...] = ()
    layout: dict[str, Any] | None = None


@dataclass(frozen=True)
class _Read:
    etag: str
    at: float
    watched: Watched


class WatchedParts:
    """Reads them, for a player that asks for one after the other: storage is asked once a second, and what it has is
    read again only where it is another."""

    def __init__(self, store: ObjectStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock, self._locks = store, clock, KeyedLocks()
        self._known: OrderedDict[str, _Read] = OrderedDict()

    async def under(self, prefix: str) -> Watched:
        """Those under a prefix; none where the job has kept nothing. Raises CorruptObject, Unavailable."""
        async with self._locks.hold(prefix):
            known = self._known.get(prefix)
            if known is None or self._clock() > known.at + _BELIEVED_S:
                known = self._known[prefix] = await self._read(prefix, known)
            self._known.move_to_end(prefix)
            if len(self._known) > _KNOWN:
                self._known.popitem(last=False)
            return known.watched

    async def _read(self, prefix: str, known: _Read | None) -> _Read:
        at, stored = self._clock(), await stored_index(self._store, prefix)
        if stored is None:
            return _Read("", at, Watched())
        if known is not None and known.etag == stored.etag:
            return _Read(stored.etag, at, known.watched)
        return _Read(stored.etag, at, await asyncio.to_thread(_watched, stored.data, prefix))


def seconds_of(part: Part) -> tuple[float, float] | None:
    """Which of the video's seconds it has; None where the worker tells no numbers."""
    told = [part.facts.get(name, 0.0) for name in ("from_s", "to_s")]
    if all(type(one) in (int, float) and math.isfinite(one) for one in told):
        return float(told[0]), float(told[1])
    return None


def _watched(data: bytes, prefix: str) -> Watched:
    parts = [part for part in parse_index(data, prefix) if not part.resumes and seconds_of(part) is not None]
    parts.sort(key=lambda part: part.name != HEAD)
    is_led = bool(parts) and parts[0].name == HEAD
    return Watched(tuple(parts), _layout(parts[0].facts.get("rgbd")) if is_led else None)


def _layout(told: Any) -> dict[str, Any] | None:
    try:
        is_small = isinstance(told, dict) and len(json.dumps(told, allow_nan=False)) <= _LARGEST_LAYOUT
    except ValueError:
        return None
    return told if is_small else None
