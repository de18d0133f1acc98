"""Photos and videos that the library has deleted for good: what was made of them goes too, after a grace.

A library tells nobody of a deletion, so it is asked, of each with a credential of its owner that is at hand. What
cannot be told (the library is away, nobody who owns it is signed in, it may be locked) counts as there.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta

from immichvr_common.bus import Bus, read_bucket
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.errors import ServiceError
from immichvr_common.logs import get_log
from immichvr_common.sources import Source
from pydantic import BaseModel, ValidationError

from immichvr_gateway.library import Identity, Library

log = get_log(__name__)

_PREFIX = "photo."
_ASKED_ABOUT = 500
"""So many the library is asked about in one look, those first that it was not asked about for longest."""
_LOOKS = 3
"""So often one has to be missed before it is held to be gone."""

People = Callable[[], Iterable[Identity]]
InAbsence = Callable[[str], Awaitable[Identity | None]]


async def _nobody(_: str) -> None:
    """Nobody allowed it."""


class _Known(BaseModel):
    """Whose it is, and by what the library finds it. gone_since: by storage's clock, while it is missed."""

    owner: str
    mark: str
    gone_since: datetime | None = None
    looks: int = 0


class Departed:
    """Remembers whose photos and videos were staged, and finds out which are gone.

    people: who is connected now. in_absence: as whom to ask for somebody who is not, by their user id; None for who
    has not allowed it.
    """

    def __init__(self, bus: Bus, library: Library, people: People, in_absence: InAbsence = _nobody) -> None:
        self._bus, self._library, self._people, self._in_absence = bus, library, people, in_absence
        self._noted: set[Source] = set()
        # Those who had photos staged since the start; their credentials are in memory alone.
        self._met: dict[str, Identity] = {}
        self._looked: dict[Source, int] = {}
        self._round = 0

    async def note(self, who: Identity, item: Source) -> None:
        """Remembers whose a photo or video is that is being staged."""
        self._met[who.user_id] = who
        if item in self._noted:
            return
        try:
            trace = await self._library.trace(who, item)
            await self._write(item, _Known(owner=trace.owner, mark=trace.mark))
        except ServiceError as error:
            log.info("whose a source is was not noted", source=str(item), error=error.message)
        else:
            self._noted.add(item)

    async def owners(self) -> dict[str, str]:
        """The user id of the owner of each photo and video that was staged, by its id. Raises Unavailable."""
        return {item.id: known.owner for item, known in (await self._read()).items()}

    async def look(self, kept: set[Source], now: datetime, after: timedelta) -> set[Source]:
        """The photos and videos that have been gone for longer than `after`. kept: those of which something is kept.

        Raises Unavailable where NATS does not answer.
        """
        known = await self._read()
        for item in set(known) - kept:
            if (since := known[item].gone_since) is not None and now - since > 2 * after:
                await self._bus.kv(KV_STATE).delete(f"{_PREFIX}{item.word}")
        self._round += 1
        at_hand = self._met | {one.user_id: one for one in [*self._people(), *await self._service()]}
        at_hand |= await self._allowed({known[one].owner for one in kept & set(known)} - set(at_hand))
        askable = [one for one in kept & set(known) if known[one].owner in at_hand]
        for item in sorted(askable, key=lambda one: self._looked.get(one, 0))[:_ASKED_ABOUT]:
            self._looked[item] = self._round
            await self._ask(at_hand[known[item].owner], item, known[item], now)
        return {
            item for item, one in known.items()
            if one.gone_since is not None and now - one.gone_since > after and one.looks >= _LOOKS
        }  # fmt: skip

    async def _allowed(self, owners: set[str]) -> dict[str, Identity]:
        """Those of these owners who allowed what is done in their absence."""
        found: dict[str, Identity] = {}
        for owner in owners:
            with contextlib.suppress(ServiceError):
                if (who := await self._in_absence(owner)) is not None:
                    found[owner] = who
        return found

    async def _service(self) -> list[Identity]:
        try:
            service = await self._library.identity_of_service()
        except ServiceError:
            return []
        return [service] if service is not None else []

    async def _ask(self, who: Identity, item: Source, known: _Known, now: datetime) -> None:
        try:
            is_gone = await self._library.is_gone(who, item, known.mark)
        except ServiceError as error:
            log.debug("whether a source is gone cannot be told", source=str(item), error=error.message)
            return
        if not is_gone and known.gone_since is None:
            return
        known.gone_since, known.looks = (known.gone_since or now, known.looks + 1) if is_gone else (None, 0)
        await self._write(item, known)

    async def _write(self, item: Source, known: _Known) -> None:
        await self._bus.kv(KV_STATE).put(f"{_PREFIX}{item.word}", known.model_dump_json().encode())

    async def _read(self) -> dict[Source, _Known]:
        found: dict[Source, _Known] = {}
        for key, kept in (await read_bucket(self._bus, KV_STATE)).items():
            if key.startswith(_PREFIX) and kept.value:
                try:
                    found[Source.of_word(key.removeprefix(_PREFIX))] = _Known.model_validate(json.loads(kept.value))
                except (ValidationError, ValueError):
                    log.error("whose a source is cannot be read", key=key)
        return found
