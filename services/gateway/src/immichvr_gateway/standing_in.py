"""The library's own picture stands in for a photo that cannot be decoded, whatever the reason turns out to be."""

from __future__ import annotations

import time
from collections.abc import Awaitable

from immichvr_common.errors import ServiceError, StorageFull, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.supervision import Supervisor

from immichvr_gateway.auth.presences import Presences
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.jobs.records import JobRecord
from immichvr_gateway.jobs.store import JobStore
from immichvr_gateway.library import Identity, Library, LibraryUnavailable
from immichvr_gateway.requests.renewing import Renewal

log = get_log(__name__)

_PATIENCE_S = 60.0
"""So long an Immich that does not answer, or has not made its picture yet, is asked again."""

# (job id, run)
_Run = tuple[str, int]


class StandingIn:
    """Stages such pictures. That one is owed shows in the job's record; it is asked for again until it is paid."""

    def __init__(
        self, jobs: JobStore, renewal: Renewal, library: Library, presences: Presences, supervisor: Supervisor
    ) -> None:
        self._jobs, self._renewal, self._library = jobs, renewal, library
        self._presences, self._supervisor = presences, supervisor
        self._begun: dict[_Run, float] = {}
        self._under_way: set[_Run] = set()

    def begin(self, record: JobRecord) -> None:
        """Has the picture staged that a run waits for."""
        run = record.id, record.run
        if run not in self._under_way:
            self._under_way.add(run)
            self._begun.setdefault(run, time.monotonic())
            self._supervisor.errand("stand-in for a photo", self._stage(run, record))

    async def _stage(self, run: _Run, record: JobRecord) -> None:
        try:
            message = await self._message(record)
        except (Unavailable, LibraryUnavailable, StorageFull) as error:
            if time.monotonic() - self._begun[run] < _PATIENCE_S:
                log.info("a stand-in for a photo waits", job_id=record.id, error=str(error))
                return  # the debt stands
            message = None
        finally:
            self._under_way.discard(run)
        self._begun.pop(run, None)
        if message is not None:
            log.info("the library's picture stands in for a photo", job_id=record.id)
        await self._jobs.stand_in_found(*run, message)

    async def _message(self, record: JobRecord) -> dict[str, object] | None:
        """The message of the run, asked for as somebody who wants it; None where nobody gets a picture."""
        waiting: Exception | None = LibraryUnavailable("nobody who asked for it is here", down="immich")
        for ask in (self._renewal.askers.of, self._connected, self._service):
            found = ask(record)
            for who in await found if isinstance(found, Awaitable) else found:
                try:
                    message = await self._renewal.renewed(who, record)
                except (Unavailable, LibraryUnavailable, StorageFull) as error:
                    waiting = error
                except (ServiceError, Problem) as error:
                    log.info("no stand-in for a photo", job_id=record.id, error=str(error))
                    waiting = None
                else:
                    # Of several photos, those for which nothing stands in are left out.
                    return message if record.undecoded or _has_stand_in(message) else None
        if waiting is not None:
            raise waiting
        return None

    def _connected(self, record: JobRecord) -> list[Identity]:
        return [one for one in self._presences.people if one.user_id in record.requesters]

    async def _service(self, record: JobRecord) -> list[Identity]:
        who = await self._library.identity_of_service()
        return [who] if who is not None and who.user_id in record.requesters else []


def _has_stand_in(message: dict[str, object]) -> bool:
    return bool(message.get("sourceNote"))
