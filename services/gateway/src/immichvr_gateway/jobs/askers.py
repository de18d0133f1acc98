"""Who asked for jobs lately, with what they showed: as one of them the library can be asked once more."""

from __future__ import annotations

from collections import OrderedDict

from immichvr_gateway.jobs.records import JobRecord
from immichvr_gateway.library import Identity

_JOBS, _OF_ONE = 4096, 8
"""Of so many jobs it is remembered who asked, and of so many people."""


class Askers:
    """Identities by job, in memory alone."""

    def __init__(self) -> None:
        self._asked: OrderedDict[str, dict[str, Identity]] = OrderedDict()

    def of(self, record: JobRecord) -> list[Identity]:
        """Those who asked this gateway for a job lately and want it still, the last one first."""
        asked = self._asked.get(record.id, {})
        return [asked[one] for one in reversed(asked) if one in record.requesters]

    def note(self, job_id: str, who: Identity) -> None:
        """Somebody asks for a job."""
        asked = self._asked.setdefault(job_id, {})
        asked.pop(who.user_id, None)
        asked[who.user_id] = who
        self._asked.move_to_end(job_id)
        while len(asked) > _OF_ONE:
            del asked[next(iter(asked))]
        if len(self._asked) > _JOBS:
            self._asked.popitem(last=False)
