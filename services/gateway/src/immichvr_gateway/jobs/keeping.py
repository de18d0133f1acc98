"""Records as they lie in KV, where several gateways write them: none takes from another what it does not know of."""

from __future__ import annotations

import nats.errors
from immichvr_common.bus import Bucket, Bus
from immichvr_common.bus.connection import OUTAGES
from immichvr_common.bus.reading import Unreadable
from immichvr_common.bus.streams import KV_JOBS
from immichvr_common.errors import ServiceError, Unavailable
from immichvr_common.logs import get_log

from immichvr_gateway.aside import Aside
from immichvr_gateway.jobs.reading import read_record
from immichvr_gateway.jobs.records import JobRecord, merged

log = get_log(__name__)


class RecordKeeper:
    """Writes records down, each over what was seen of it last; what others wrote meanwhile is merged in."""

    def __init__(self, bus: Bus, aside: Aside | None = None) -> None:
        self._bucket, self._aside = Bucket(bus, KV_JOBS), aside or Aside(bus)
        self._unwritten: set[str] = set()
        # Who had asked for a job when it was last read or written: against this, who joined and who left shows.
        self._asked: dict[str, frozenset[str]] = {}

    @property
    def unwritten(self) -> set[str]:
        """The jobs whose newest record does not lie in KV."""
        return set(self._unwritten)

    async def load(self) -> list[JobRecord]:
        """Every record there is. Raises Unavailable where they cannot be read, all of them."""
        records: list[JobRecord] = []
        for key, value in (await self._bucket.load()).items():
            try:
                record = read_record(key, value)
            except Unreadable as error:
                await self._aside.put(f"KV_{KV_JOBS}", key, value, error)
                continue
            self._asked[record.id] = frozenset(record.requesters)
            records.append(record)
        return records

    async def write(self, record: JobRecord) -> JobRecord | None:
        """Writes a record down, later where NATS is away just now.

        Returns what stands where another gateway's knowledge was merged in, None otherwise.
        """
        self._unwritten.add(record.id)
        met: list[JobRecord] = []

        def settle(theirs: bytes) -> bytes:
            stored = _read(record.id, theirs)
            if stored is None:
                return record.model_dump_json().encode()
            both = merged(record, stored, self._asked.get(record.id, frozenset()))
            met.append(both)
            return theirs if both == stored else both.model_dump_json().encode()

        try:
            await self._bucket.write(record.id, record.model_dump_json().encode(), settle)
        except (ServiceError, *OUTAGES, nats.errors.Error) as error:
            log.warning("a record was not written", job_id=record.id, error=str(error) or type(error).__name__)
            return None
        self._unwritten.discard(record.id)
        stands = met[-1] if met else record
        self._asked[record.id] = frozenset(stands.requesters)
        return met[-1] if met else None

    async def who_asked(self, record: JobRecord) -> list[str]:
        """Everybody who wants a job, here and at other gateways. Raises Unavailable."""
        try:
            theirs = await self._bucket.peek(record.id)
        except (*OUTAGES, nats.errors.Error) as error:
            raise Unavailable("NATS does not tell who else wants the job", down="nats") from error
        stored = _read(record.id, theirs) if theirs is not None else None
        if stored is None:
            return record.requesters
        return merged(record, stored, self._asked.get(record.id, frozenset())).requesters

    async def forget(self, job_id: str) -> None:
        """Removes a record. Raises Unavailable."""
        try:
            await self._bucket.delete(job_id)
        except OUTAGES as error:
            raise Unavailable("NATS did not confirm that a job is forgotten", down="nats") from error
        self._unwritten.discard(job_id)
        self._asked.pop(job_id, None)


def _read(key: str, value: bytes) -> JobRecord | None:
    try:
        return read_record(key, value)
    except Unreadable:
        return None
