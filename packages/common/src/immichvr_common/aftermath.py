"""What is seen to after a job was cancelled: work of it that goes on elsewhere, and would be paid for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from immichvr.events.v1.events_pb2 import Job

from immichvr_common.grants import granted_params
from immichvr_common.logs import get_log
from immichvr_common.parts import prefix_of, read_parts
from immichvr_common.storage import ObjectStore

log = get_log(__name__)

_LARGEST_PART = 16 * 1024**2


@dataclass(frozen=True)
class Aftermath:
    """How a service ends what a cancelled job has begun elsewhere.

    part: the name of what the job kept, in which it says what that is. end: called in a thread with the job's
    parameters and the bytes of that part; tried again where it raises. pauses_s: before each try.
    """

    part: str
    end: Callable[[Mapping[str, Any], bytes], None]
    pauses_s: tuple[float, ...] = (0.0, 2.0, 15.0)

    async def see_to(self, store: ObjectStore, job: Job) -> None:
        """Ends it, where there is anything; what fails is told in the log."""
        for tries, pause_s in enumerate(self.pauses_s, 1):
            await asyncio.sleep(pause_s)
            try:
                kept = await self._kept(store, job)
                if kept is not None:
                    await asyncio.to_thread(self.end, granted_params(job), kept)
                return
            except Exception as error:  # noqa: BLE001  # of a plug-in; the job has ended whatever it is
                log.warning(
                    "what a cancelled job began elsewhere goes on", job_id=job.id, error=str(error), tries=tries
                )

    async def _kept(self, store: ObjectStore, job: Job) -> bytes | None:
        for part in await read_parts(store, prefix_of(job)):
            if part.name == self.part:
                return (await store.get_bytes(part.key, _LARGEST_PART)).data
        return None
