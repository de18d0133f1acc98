"""Records as they lie in KV, where several gateways write them: none takes from another what it does not know of."""

from __future__ import annotations

from collections import deque

from immichvr_common.bus import Bucket, Bus
from immichvr_common.bus.reading import Unreadable
from immichvr_common.bus.streams import KV_JOBS
from immichvr_common.errors import Conflict, Unavailable
from immichvr_common.logs import get_log

from immichvr_gateway.jobs.merging import merged, place
from immichvr_gateway.jobs.reading import read_record
from immichvr_gateway.jobs.records import JobRecord
from immichvr_gateway.upkeep.aside import Aside

log = get_log(__name__)

_OWN_KNOWN = 4
"""A job is seldom written more often than that before its first writing is heard."""


class RecordKeeper:
    """Writes records down, each over what was seen of it last; what others wrote meanwhile is merged in."""

    def __init__(self, bus: Bus, aside: Aside | None = None) -> None:
        self._bucket, self._aside = Bucket(bus, KV_JOBS), aside or Aside(bus)
        self._unwritten: set[str] = set()
        # Hashes of what this gateway wrote lately of a job, which tell its own words from others'.
        self._written: dict[str, deque[int]] = {}
        # Who had asked for a job when it was last read or written: against this, who joined and who left shows.
        self._asked: dict[str, frozenset[str]] = {}
        # What another gateway wrote of a job that this one has not come to know in its turn.
        self._ahead: dict[str, JobRecord] = {}

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
            self._note_own(record.id, value)
            records.append(record)
        return records

    async def write(self, record: JobRecord) -> JobRecord | None:
        """Writes a record down, later where NATS is away just now.

        Returns what stands where another gateway's knowledge was merged in, None otherwise.
        """
        self._unwritten.add(record.id)
        asked = self._asked.get(record.id, frozenset())
        ahead = self._ahead.get(record.id)
        ours = record if ahead is None else merged(record, ahead, asked)
        met: list[JobRecord] = [] if ahead is None else [ours]

        def settle(theirs: bytes) -> bytes:
            stored = _read(record.id, theirs)
            if stored is None:
                return ours.model_dump_json().encode()
            both = merged(ours, stored, asked)
            met.append(both)
            return theirs if both == stored else own(both)

        def own(one: JobRecord) -> bytes:
            # Before it is written: whoever follows the bucket may hear of it before the writer learns that it is there.
            return self._note_own(record.id, one.model_dump_json().encode())

        try:
            value = await self._bucket.write(record.id, own(ours), settle)
        except (Unavailable, Conflict) as error:
            log.warning("a record was not written", job_id=record.id, error=error.message)
            return None
        self._unwritten.discard(record.id)
        self._note_own(record.id, value)
        stands = met[-1] if met else record
        self._asked[record.id] = frozenset(stands.requesters)
        if place(stands) > place(record):
            self._ahead[record.id] = stands
        else:
            self._ahead.pop(record.id, None)
        return met[-1] if met else None

    def give_up(self, job_id: str) -> None:
        """Has nobody write down any more what could not be written."""
        self._unwritten.discard(job_id)

    def is_own(self, job_id: str, value: bytes) -> bool:
        """Whether this is what this gateway itself wrote lately of a job."""
        return hash(value) in self._written.get(job_id, ())

    async def read(self, job_id: str) -> JobRecord | None:
        """What is written of a job now, which is known from here on; None where nothing is. Raises Unavailable."""
        theirs = await self._bucket.peek(job_id)
        stored = _read(job_id, theirs) if theirs is not None else None
        if stored is not None:
            self._asked[job_id] = frozenset(stored.requesters)
        return stored

    async def who_asked(self, record: JobRecord) -> list[str]:
        """Everybody who wants a job, here and at other gateways. Raises Unavailable."""
        theirs = await self._bucket.peek(record.id)
        stored = _read(record.id, theirs) if theirs is not None else None
        if stored is None:
            return record.requesters
        return merged(record, stored, self._asked.get(record.id, frozenset())).requesters

    async def forget(self, job_id: str) -> None:
        """Removes a record. Raises Unavailable."""
        await self._bucket.delete(job_id)
        self._unwritten.discard(job_id)
        self._written.pop(job_id, None)
        self._asked.pop(job_id, None)
        self._ahead.pop(job_id, None)

    def _note_own(self, job_id: str, value: bytes) -> bytes:
        noted = self._written.setdefault(job_id, deque(maxlen=_OWN_KNOWN))
        if hash(value) not in noted:
            noted.append(hash(value))
        return value


def _read(key: str, value: bytes) -> JobRecord | None:
    try:
        return read_record(key, value)
    except Unreadable:
        return None
