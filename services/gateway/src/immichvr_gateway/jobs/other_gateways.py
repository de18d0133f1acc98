"""What other gateways write of jobs, heard as they write it; what was missed, read again."""

from __future__ import annotations

from typing import Protocol

from immichvr_common.bus import Bus, BusMessage, read_bucket
from immichvr_common.bus.reading import Unreadable
from immichvr_common.bus.streams import KV_JOBS
from immichvr_common.errors import ServiceError
from immichvr_common.logs import get_log
from immichvr_common.supervision import spawn

from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.keeping import RecordKeeper
from immichvr_gateway.jobs.reading import read_record
from immichvr_gateway.jobs.records import State

log = get_log(__name__)

_PREFIX = f"$KV.{KV_JOBS}."
_GONE = ("DEL", "PURGE")


class Hearer(Protocol):
    """Takes up what is written of a job now."""

    async def hear(self, job_id: str) -> None: ...


class OtherGateways:
    """Has jobs known here that were asked for elsewhere, before any worker has told of them."""

    def __init__(self, bus: Bus, index: JobIndex, records: RecordKeeper, hearer: Hearer) -> None:
        self._bus, self._index, self._records, self._hearer = bus, index, records, hearer
        self._heard: set[str] = set()

    async def follow(self) -> None:
        """Hears what is written, as long as the connection lives. Raises Unavailable."""
        await self._bus.subscribe(f"{_PREFIX}>", self._on_written)
        self._bus.link.on_back(self._on_back)

    async def hear_all(self) -> None:
        """Takes up the queued jobs of which nothing was heard. Raises Unavailable."""
        for job_id, kept in (await read_bucket(self._bus, KV_JOBS)).items():
            if kept.value and not self._records.is_own(job_id, kept.value):
                try:
                    written = read_record(job_id, kept.value)
                except Unreadable:
                    continue
                known = self._index.get(job_id)
                if written.state is State.QUEUED and (known is None or known.run <= written.run):
                    await self._hearer.hear(job_id)

    def _on_back(self) -> None:
        spawn("what other gateways wrote", self._read_again())

    async def _read_again(self) -> None:
        try:
            await self.hear_all()
        except ServiceError as error:
            log.info("what other gateways wrote is read later", error=error.message)

    async def _on_written(self, message: BusMessage) -> None:
        job_id = message.subject.removeprefix(_PREFIX)
        is_gone = message.headers.get("KV-Operation") in _GONE
        if job_id not in self._heard and (is_gone or not self._records.is_own(job_id, message.data)):
            self._heard.add(job_id)
            spawn("what another gateway wrote", self._hear(job_id))

    async def _hear(self, job_id: str) -> None:
        self._heard.discard(job_id)
        try:
            await self._hearer.hear(job_id)
        except ServiceError as error:
            log.info("what another gateway wrote is read later", job_id=job_id, error=error.message)
