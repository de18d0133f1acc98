"""Photos that the library has deleted for good: what was made of them goes too, after a grace.

A library tells nobody of a deletion, so it is asked, each photo with a credential of its owner that is at hand. What
cannot be told (the library is away, nobody who owns it is signed in, it may be locked) counts as there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import nats.errors
from immichvr_common.bus import Bus, read_bucket
from immichvr_common.bus.connection import OUTAGES
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.errors import ServiceError
from immichvr_common.logs import get_log
from pydantic import BaseModel, ValidationError

from immichvr_gateway.library import Identity, Library

log = get_log(__name__)

_PREFIX = "photo."
_ASKED_ABOUT = 500
"""Photos that the library is asked about in one look, those first that it was not asked about for longest."""
_LOOKS = 3
"""So often a photo has to be missed before it is held to be gone."""

People = Callable[[], Iterable[Identity]]


class _Known(BaseModel):
    """Whose a photo is, and by what the library finds it. gone_since: by storage's clock, while it is missed."""

    owner: str
    mark: str
    gone_since: datetime | None = None
    looks: int = 0


class Departed:
    """Remembers whose photos were staged, and finds out which of them are gone. people: who is connected now."""

    def __init__(self, bus: Bus, library: Library, people: People) -> None:
        self._bus, self._library, self._people = bus, library, people
        self._noted: set[str] = set()
        # Those who had photos staged since the start; their credentials are in memory alone.
        self._met: dict[str, Identity] = {}
        self._looked: dict[str, int] = {}
        self._round = 0

    async def note(self, who: Identity, photo_id: str) -> None:
        """Remembers whose a photo is that is being staged."""
        self._met[who.user_id] = who
        if photo_id in self._noted:
            return
        try:
            trace = await self._library.trace(who, photo_id)
            await self._write(photo_id, _Known(owner=trace.owner, mark=trace.mark))
        except (ServiceError, *OUTAGES, nats.errors.Error) as error:
            log.info("whose a photo is was not noted", photo_id=photo_id, error=str(error))
        else:
            self._noted.add(photo_id)

    async def look(self, kept: set[str], now: datetime, after: timedelta) -> set[str]:
        """The photos that have been gone for longer than `after`. kept: those of which something is in storage.

        Raises Unavailable where NATS does not answer.
        """
        known = await self._read()
        for photo_id in set(known) - kept:
            if (since := known[photo_id].gone_since) is not None and now - since > 2 * after:
                await (await self._bus.js.key_value(KV_STATE)).delete(f"{_PREFIX}{photo_id}")
        self._round += 1
        at_hand = self._met | {one.user_id: one for one in [*self._people(), *await self._service()]}
        askable = [one for one in kept & set(known) if known[one].owner in at_hand]
        for photo_id in sorted(askable, key=lambda one: self._looked.get(one, 0))[:_ASKED_ABOUT]:
            self._looked[photo_id] = self._round
            await self._ask(at_hand[known[photo_id].owner], photo_id, known[photo_id], now)
        return {
            photo_id for photo_id, one in known.items()
            if one.gone_since is not None and now - one.gone_since > after and one.looks >= _LOOKS
        }  # fmt: skip

    async def _service(self) -> list[Identity]:
        try:
            service = await self._library.identity_of_service()
        except ServiceError:
            return []
        return [service] if service is not None else []

    async def _ask(self, who: Identity, photo_id: str, known: _Known, now: datetime) -> None:
        try:
            is_gone = await self._library.is_gone(who, photo_id, known.mark)
        except ServiceError as error:
            log.debug("whether a photo is gone cannot be told", photo_id=photo_id, error=error.message)
            return
        if not is_gone and known.gone_since is None:
            return
        known.gone_since, known.looks = (known.gone_since or now, known.looks + 1) if is_gone else (None, 0)
        await self._write(photo_id, known)

    async def _write(self, photo_id: str, known: _Known) -> None:
        await (await self._bus.js.key_value(KV_STATE)).put(f"{_PREFIX}{photo_id}", known.model_dump_json().encode())

    async def _read(self) -> dict[str, _Known]:
        found: dict[str, _Known] = {}
        for key, kept in (await read_bucket(self._bus, KV_STATE)).items():
            if key.startswith(_PREFIX) and kept.value:
                try:
                    found[key.removeprefix(_PREFIX)] = _Known.model_validate(json.loads(kept.value))
                except (ValidationError, ValueError):
                    log.error("whose a photo is cannot be read", key=key)
        return found
