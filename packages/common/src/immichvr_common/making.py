"""Doing one job: its files are brought, a child does the work, what it made is stored and begins to exist."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from immichvr.events.v1.events_pb2 import Job, Output
from immichvr_catalog import KINDS

from immichvr_common.assets import commit_asset, upload_files
from immichvr_common.errors import InvalidRequest, OutOfMemory, ServiceError, WorkerCrashed
from immichvr_common.grants import granted_params
from immichvr_common.logs import get_log
from immichvr_common.manifests import AssetFile
from immichvr_common.outages import Outages, WorkingTime
from immichvr_common.parts import PartKeeper
from immichvr_common.processes.pool import Begun, Pool, unnoticed
from immichvr_common.reporting import Active, Reporter, Why
from immichvr_common.settings import WorkSettings
from immichvr_common.shared_lock import SharedLock
from immichvr_common.sources import Source
from immichvr_common.storage import LARGEST, ObjectStore
from immichvr_common.tasks import Made, Task
from immichvr_common.telling import BegunAnew, ChildEvent, Kept
from immichvr_common.tracing import within

log = get_log(__name__)

_OUT, _KEPT = "out", "kept"
_TO_DECIDE_S = 1.5
"""How long the end of a job that is cancelled while its assets begin to exist waits to learn whether they do."""


class Maker:
    """What the jobs of one worker share: storage, children, and the gate through which one may go alone."""

    def __init__(self, store: ObjectStore, pool: Pool, settings: WorkSettings, outages: Outages) -> None:
        self._store, self._pool, self._settings, self._outages = store, pool, settings, outages
        self._gate = SharedLock()
        self._line = 0

    def in_background(self, job: Job) -> bool:
        """Whether the job waits rather than computes: it holds nobody up."""
        return job.kind in self._pool.background

    async def make(self, active: Active, reporter: Reporter, begun: Begun, alone: bool) -> list[Output] | None:
        """The assets of a job, which exist from now on; None when the lease was lost meanwhile.

        begun: awaited when the work itself begins. alone: nothing else is worked on beside it. Being cancelled ends
        it, unless the assets exist already. Raises ServiceError.
        """
        job = active.job
        left = WorkingTime(min(self._settings.longest_s, _deadline_s(job, self._settings)))
        with tempfile.TemporaryDirectory(prefix="job-") as place:
            folder = Path(place)
            with self._in_line(job) as is_next:
                begins = begun if is_next and not alone else unnoticed
                inputs, _ = await asyncio.gather(self._fetch_inputs(active, left, folder), begins())
                active.reached("staged")
                task = Task(
                    kind=job.kind, params=granted_params(job), inputs=inputs, folder=folder / _OUT,
                    source=Source.of(job), source_name=job.source_name, traceparent=within(),
                )  # fmt: skip
                made = await self._work(active, task, reporter, left, begun, alone)
            if not active.lease.held:
                return None
            uploads = []
            for one in made:
                upload = partial(upload_files, self._store, job, active.attempt, one, task.folder)
                uploads.append(await self._outages.patiently(active, left, upload))
                self._outages.has_room()
        if not active.lease.held:
            return None
        active.go_on()
        outputs = await self._outages.patiently(active, left, partial(self._commit, active, made, uploads))
        active.reached("stored")
        return outputs

    @contextmanager
    def _in_line(self, job: Job) -> Iterator[bool]:
        """Stands in line for a child; whether there is one as soon as the files are there."""
        if self.in_background(job):
            yield True
            return
        self._line += 1
        try:
            yield self._line <= self._settings.children and self._gate.is_open
        finally:
            self._line -= 1

    async def _fetch_inputs(self, active: Active, left: WorkingTime, folder: Path) -> dict[str, Path]:
        inputs: dict[str, Path] = {}
        for role, ref in active.job.inputs.items():
            if ref.size > LARGEST or not role.isidentifier():
                raise InvalidRequest(f"input {role!r} of {ref.size} bytes is refused")
            inputs[role] = folder / role
            await self._outages.patiently(active, left, partial(self._store.get_file, ref, inputs[role]))
        return inputs

    async def _work(
        self, active: Active, task: Task, reporter: Reporter, left: WorkingTime, begun: Begun, alone: bool
    ) -> list[Made]:
        """Has a child do it; once more, alone and by a child that did nothing before, where the first died of it."""
        keeper = PartKeeper(self._store, active.job)
        once = partial(self._once, active, task, reporter, left, begun, keeper)
        try:
            try:
                async with self._entrance(task, alone):
                    return await once()
            except ServiceError as error:
                # Whom a session is served sees that it ended, and begins anew.
                if not _is_death(error) or active.address:
                    raise
                log.warning("the work is tried once more", job_id=active.job.id, error=error.message)
                reporter(0, "started", "the process that did the work died; it is done once more")
            await keeper.settle()
            try:
                async with self._entrance(task, True):
                    return await once(fresh=True)
            except (WorkerCrashed, OutOfMemory) as error:
                raise type(error)(f"{error.message}; it was tried twice, the second time alone") from error
        except (ServiceError, asyncio.CancelledError):
            if active.lease.held and active.why is not Why.CANCELLED:  # whoever tries it next goes on from that
                await keeper.settle()
            raise
        finally:
            await keeper.close()
            await reporter.close()

    def _entrance(self, task: Task, alone: bool) -> contextlib.AbstractAsyncContextManager[None]:
        if task.kind in self._pool.background:
            return contextlib.nullcontext()
        return self._gate.alone() if alone else self._gate.shared()

    async def _recalled(self, active: Active, keeper: PartKeeper, left: WorkingTime, task: Task) -> dict[str, Path]:
        """What an earlier attempt at the job kept to go on from."""
        if task.kind not in KINDS or not KINDS[task.kind].keeps_parts:
            return {}
        folder = task.folder.with_name(_KEPT)
        return await self._outages.patiently(active, left, partial(keeper.recall, folder))

    async def _once(
        self, active: Active, task: Task, reporter: Reporter, left: WorkingTime, begun: Begun, keeper: PartKeeper,
        fresh: bool = False,
    ) -> list[Made]:  # fmt: skip
        """Has a child do it, on from what an earlier attempt kept; what that takes is counted from when it begins."""
        since: float | None = None

        async def begins() -> None:
            nonlocal since
            await begun()
            since = time.monotonic()

        def hear(news: ChildEvent) -> None:
            if isinstance(news, Kept):
                keeper.hear(news)
            elif isinstance(news, BegunAnew):
                keeper.begin_anew()
            else:
                reporter.hear(news)

        going_on = replace(task, kept=await self._recalled(active, keeper, left, task))
        await asyncio.to_thread(_empty_folder, task.folder)
        left.check()
        try:
            return await self._pool.run(going_on, reporter, left.left_s, hear, begins, fresh)
        finally:
            if since is not None:
                left.spend(time.monotonic() - since)

    async def _commit(self, active: Active, made: list[Made], uploads: list[list[AssetFile]]) -> list[Output]:
        """Has the assets begin to exist, one after the other: where one cannot, none after it does.

        It is not broken off halfway: who is cancelled meanwhile waits a moment to learn what came of it, and where
        it succeeded, it has.
        """

        async def one_by_one() -> list[Output]:
            each = zip(made, uploads, strict=True)
            return [await commit_asset(self._store, active.job, active.attempt, one, files) for one, files in each]

        step = asyncio.create_task(one_by_one())
        try:
            return await asyncio.shield(step)
        except asyncio.CancelledError:
            await asyncio.wait({step}, timeout=_TO_DECIDE_S)
            if not _has_succeeded(step):
                raise
            if (ours := asyncio.current_task()) is not None:
                ours.uncancel()
            return step.result()
        finally:
            step.cancel()


def _deadline_s(job: Job, settings: WorkSettings) -> float:
    """How long a job may work: as it says itself, or its kind, or this worker's settings."""
    of_kind = KINDS[job.kind].own_deadline_s if job.kind in KINDS else 0
    return job.deadline_s or of_kind or settings.deadline_s


def _is_death(error: ServiceError) -> bool:
    """Whether the process that did the work is gone; one that told of a lack of memory itself had its limit."""
    return isinstance(error, OutOfMemory) or error.code == WorkerCrashed.code


def _has_succeeded(step: asyncio.Future[list[Output]]) -> bool:
    return step.done() and not step.cancelled() and step.exception() is None


def _empty_folder(path: Path) -> None:
    """A folder with nothing in it; what a child that died left there is gone."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)
    path.mkdir()
