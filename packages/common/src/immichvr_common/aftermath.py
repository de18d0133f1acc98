"""What is seen to after a job was cancelled: work of it that goes on elsewhere, and would be paid for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from immichvr.events.v1.events_pb2 import Job

from immichvr_common.grants import granted_params
from immichvr_common.logs import get_log
from immichvr_common.parts import prefix_of, read_parts
from immichvr_common.storage import ObjectStore
from immichvr_common.supervision import spawn

log = get_log(__name__)

_LARGEST_PART = 16 * 1024**2
_FIRST_TRY_S = 3.0
"""How long the end of a cancelled job waits for what it began elsewhere: who asks for it anew finds that over."""


@dataclass(frozen=True)
class Aftermath:
    """How a service ends what a cancelled job has begun elsewhere.

    part: the name of what the job kept, in which it says what that is. end: called in a thread with the job's
    parameters and the bytes of that part; tried again where it raises. named: what those bytes call it, for the log.
    pauses_s: before each try.
    """

    part: str
    end: Callable[[Mapping[str, Any], bytes], None]
    named: Callable[[bytes], str]
    pauses_s: tuple[float, ...] = (0.0, 2.0, 15.0)

    async def see_to(self, store: ObjectStore, job: Job) -> None:
        """Ends it, where there is anything; what fails, and what there is no time left for, is told in the log.

        The part is read once: who asks for the job anew may have it keep what is to go on.
        """
        kept: bytes | None = None
        tries = 0
        try:
            for tries, pause_s in enumerate(self.pauses_s, 1):
                await asyncio.sleep(pause_s)
                try:
                    kept = kept or await self._kept(store, job)
                    if kept is not None:
                        await asyncio.to_thread(self.end, granted_params(job), kept)
                    return
                except Exception as error:  # noqa: BLE001  # of a plug-in; the job has ended whatever it is
                    self._tell(job, kept, tries, str(error))
        except asyncio.CancelledError:
            self._tell(job, kept, tries, "the worker ends")
            raise

    def _tell(self, job: Job, kept: bytes | None, tries: int, error: str) -> None:
        log.warning(
            "what a cancelled job began elsewhere goes on", job_id=job.id, elsewhere=self._name(kept), error=error,
            tries=tries,
        )  # fmt: skip

    def _name(self, kept: bytes | None) -> str:
        try:
            return "" if kept is None else self.named(kept)
        except Exception:  # noqa: BLE001  # the bytes are whatever lies in storage
            return "what cannot be read"

    async def _kept(self, store: ObjectStore, job: Job) -> bytes | None:
        for part in await read_parts(store, prefix_of(job)):
            if part.name == self.part:
                return (await store.get_bytes(part.key, _LARGEST_PART)).data
        return None


class Aftermaths:
    """Those of the jobs of one worker. aftermath: None where its jobs begin nothing elsewhere."""

    def __init__(self, store: ObjectStore, aftermath: Aftermath | None) -> None:
        self._store, self._aftermath = store, aftermath
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin(self, job: Job) -> None:
        """Begins to see to a cancelled job and to what came before it, and waits a moment for that to be over."""
        await self._see_to([job, *_superseded(job)])

    async def before(self, job: Job) -> None:
        """The same for what came before a job that begins: wishes for it of which no worker has heard that they end."""
        await self._see_to(_superseded(job))

    async def _see_to(self, jobs: Sequence[Job]) -> None:
        if self._aftermath is None or not jobs:
            return
        tasks = {spawn("aftermath", self._aftermath.see_to(self._store, job)) for job in jobs}
        self._tasks |= tasks
        for task in tasks:
            task.add_done_callback(self._tasks.discard)
        await asyncio.wait(tasks, timeout=_FIRST_TRY_S)

    async def close(self, patience_s: float) -> None:
        """Lets those under way be over within seconds; of the others the log tells what goes on elsewhere."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=patience_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _superseded(job: Job) -> list[Job]:
    """The same job as it was asked for before, once for each wish that a worker is to end with it."""
    found = []
    for moment in job.superseded:
        one = Job()
        one.CopyFrom(job)
        one.asked_at.CopyFrom(moment)
        found.append(one)
    return found
