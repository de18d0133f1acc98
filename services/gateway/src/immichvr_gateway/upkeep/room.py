"""Whether there is room for what people ask for: on the disk, in S3 and in NATS; and going on once there is again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from immichvr_catalog import GATEWAY
from immichvr_common.bus import Bus, BusFull
from immichvr_common.bus.streams import EVENTS
from immichvr_common.disk import short_of_room
from immichvr_common.errors import CorruptObject, ServiceError, StorageFull, Unavailable, full_elsewhere
from immichvr_common.logs import get_log
from immichvr_common.storage import ObjectStore
from prometheus_client import Gauge

from immichvr_gateway.jobs.records import JobRecord
from immichvr_gateway.upkeep.readiness import Trouble

log = get_log(__name__)

_NO_ROOM = Gauge("immichvr_no_room", "1 where nothing more can be written", ["where"])
_LOOKED_EVERY_S = 5.0
_ASKED_WHEN_IDLE_S = 10.0
"""Between questions to NATS and for the canary, while nothing is under way and all is well."""
_A_WORKERS_S = 60.0
"""How long a worker's full disk is believed in; nobody but the worker can look whether it has room again."""
_PROBE = f"events.{GATEWAY}.probe.room"


class Room:
    """Knows what has no room. Asked before anything is begun; tells when there is room again.

    directory: of the disk that everything lies on, where that is this machine's; keep_free: bytes to be kept free on
    it. is_busy: whether anything is under way; on_room: called when there is room again, and once at the start.
    """

    def __init__(
        self,
        directory: Path | None,
        keep_free: int,
        store: ObjectStore,
        is_busy: Callable[[], bool],
        on_room: Callable[[], Awaitable[None]],
    ) -> None:
        self._directory, self._keep_free, self._store = directory, keep_free, store
        self._is_busy, self._on_room = is_busy, on_room
        self._faults: dict[str, StorageFull] = {}
        self._worker: tuple[float, StorageFull] | None = None
        self._asked = 0.0
        self._owes_going_on = True
        self._look_now = asyncio.Event()

    @property
    def is_short(self) -> bool:
        """Whether nothing more can be begun."""
        return bool(self._faults)

    def require(self) -> None:
        """Raises StorageFull where there is no room to begin anything."""
        for fault in self._faults.values():
            raise fault.with_traceback(None)

    def troubles(self) -> list[Trouble]:
        """Everything that is known to be wrong with storage."""
        faults = [*self._faults.values(), *([self._worker[1]] if self._worker else [])]
        found = [_trouble(one) for one in faults]
        if damaged := self._store.damaged:
            words = f"{damaged} objects in storage are damaged and cannot be read; make anew what they belong to"
            found.append(Trouble(where="s3", code=CorruptObject.code, message=words))
        return found

    def heard(self, error: Exception) -> None:
        """Something failed while the gateway was starting, before anybody looks: maybe for want of room."""
        if isinstance(error, StorageFull):
            self._note(error.where, error)

    def on_change(self, record: JobRecord) -> None:
        """Listens to jobs: a worker may have met something that is full."""
        if record.error is None or not record.has_failed_with(StorageFull.code):
            return
        fault = full_elsewhere(record.error.message)
        if fault.where == "s3":
            self._note("s3", fault)
        else:
            self._worker = (time.monotonic(), fault)
            self._owes_going_on = True
        self._look_now.set()

    async def watch(self, bus: Bus) -> None:
        """Looks again and again, until cancelled."""
        while True:
            await self.look(bus)
            self._look_now.clear()
            try:
                await asyncio.wait_for(self._look_now.wait(), _LOOKED_EVERY_S)
            except TimeoutError:
                continue
            # What a worker met may be over in a moment: one that asks at once hears of the same.
            await asyncio.sleep(1)

    async def look(self, bus: Bus) -> None:
        """Looks at everything once, and goes on where there is room again."""
        self._look_at_disk()
        is_due = self._is_busy() or time.monotonic() - self._asked > _ASKED_WHEN_IDLE_S
        if is_due:
            self._asked = time.monotonic()
        try:
            if self._store.full is not None or "s3" in self._faults:
                self._note("s3", self._store.full or self._faults.get("s3"))
                self._note("s3", await self._full_store())
            elif is_due:
                await self._store.keep_canary()
        except (ServiceError, OSError) as error:
            log.debug("whether S3 has room is not known", error=str(error))
        if is_due or bus.full is not None or "nats" in self._faults:
            self._note("nats", await self._full_bus(bus))
        if self._worker is not None and time.monotonic() - self._worker[0] > _A_WORKERS_S:
            self._worker = None
        if self._owes_going_on and not self._faults and self._worker is None:
            try:
                await self._on_room()
                self._owes_going_on = False
            except ServiceError as error:
                log.warning("what waited for room cannot go on yet", error=error.message)

    def _look_at_disk(self) -> None:
        if self._directory is None:
            return
        try:
            self._note("disk", short_of_room(self._directory, self._keep_free, "disk" in self._faults))
        except OSError as error:
            log.warning("how much room the disk has is not known", error=str(error))

    async def _full_store(self) -> StorageFull | None:
        try:
            await self._store.try_room()
        except StorageFull as full:
            return full
        return None

    async def _full_bus(self, bus: Bus) -> StorageFull | None:
        try:
            await bus.publish(_PROBE, b"{}")
            await bus.purge(EVENTS, _PROBE, keep=1)
        except StorageFull as full:
            return full
        except Unavailable as error:
            log.debug("whether NATS has room is not known", error=error.message)
            self._asked = 0.0  # once more soon: a store that is full confirms nothing, again and again
            return self._faults.get("nats")
        return bus.full

    def _note(self, what: str, fault: StorageFull | None) -> None:
        _NO_ROOM.labels(what).set(fault is not None)
        if fault is not None:
            if what not in self._faults:
                log.error("there is no room", where=what, why=fault.message)
            self._faults[what] = fault
            self._owes_going_on = True
        elif self._faults.pop(what, None) is not None:
            log.info("there is room again", where=what)


def _trouble(fault: StorageFull) -> Trouble:
    is_stuck = isinstance(fault, BusFull) and fault.is_stuck
    return Trouble(where=fault.where, code=fault.code, message=fault.message, restart=is_stuck)
