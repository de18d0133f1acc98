"""Clocks that are off: nothing is decided by them, but people read times, and storage refuses what is too far off."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from immichvr_common.bus import Bus
from immichvr_common.bus.streams import EVENTS
from immichvr_common.errors import ServiceError
from immichvr_common.logs import get_log
from immichvr_common.storage import ObjectStore

log = get_log(__name__)

_TOLERATED = timedelta(seconds=60)
_SAMPLES = 8
_WORKERS = 200


class Clocks:
    """What is known of clocks: this machine's against those of NATS and storage, workers' against that of NATS.

    now: this machine's time.
    """

    def __init__(self, store: ObjectStore, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store, self._now = store, now
        self._here: dict[str, timedelta] = {}
        self._workers: OrderedDict[str, deque[timedelta]] = OrderedDict()
        self._told: set[str] = set()

    def problems(self) -> list[str]:
        """A sentence for each clock that is more than a minute off."""
        found = [_sentence("this machine's clock", ahead, of) for of, ahead in sorted(self._here.items())]
        for worker, samples in sorted(self._workers.items()):
            # An event may have waited to be told: of several, the one that waited least says most.
            if len(samples) == _SAMPLES or max(samples) > _TOLERATED:
                found.append(_sentence(f"the clock of worker {worker}", max(samples), "NATS"))
        return [sentence for sentence in found if sentence]

    def heard(self, worker: str, at: datetime, stored: datetime) -> None:
        """Notes when a worker says that something was, and when NATS stored its word."""
        if not worker:
            return
        samples = self._workers.setdefault(worker, deque(maxlen=_SAMPLES))
        self._workers.move_to_end(worker)
        samples.append(at - stored)
        if len(self._workers) > _WORKERS:
            self._workers.popitem(last=False)

    async def look(self, bus: Bus) -> None:
        """Compares clocks, and says in the log which are off. Raises Unavailable."""
        asked = self._now()
        theirs = await bus.clock(EVENTS)
        if theirs is not None:
            self._here["NATS"] = asked - theirs
        try:
            theirs_now = await self._store.clock()
            self._here["the storage"] = self._now() - theirs_now
        except (ServiceError, KeyError, ValueError) as error:  # an answer may bear no time, or none that reads
            log.debug("storage does not tell its time", error=str(error))
        now = set(self.problems())
        for sentence in sorted(now - self._told):
            log.warning("a clock is off; set it right", what=sentence)
        self._told = now


def _sentence(whose: str, ahead: timedelta, of: str) -> str:
    """What to say of a clock; nothing where it is right enough."""
    if abs(ahead) <= _TOLERATED:
        return ""
    minutes = max(1, round(abs(ahead).total_seconds() / 60))
    words = f"{minutes} minute{'s' if minutes > 1 else ''}"
    return f"{whose} is {words} {'ahead of' if ahead > timedelta() else 'behind'} that of {of}"
