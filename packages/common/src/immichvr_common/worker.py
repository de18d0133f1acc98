"""Takes jobs from the bus, has them done by child processes, stores what was made, and tells of it.

A thin door: what a capability does is its own business; leases, fencing, cancelling and outages are this module's.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TypeVar

import nats.errors
from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    AssetEvent,
    Job,
    JobEvent,
    ModelEvent,
    Output,
)
from nats.aio.msg import Msg
from nats.js.errors import NotFoundError

from immichvr_common import metrics
from immichvr_common.arrivals import read_job
from immichvr_common.assets import store_asset
from immichvr_common.bus.connection import OUTAGES, Bus
from immichvr_common.bus.pull import ConsumerGone, Puller
from immichvr_common.bus.reading import Unreadable, read_message
from immichvr_common.bus.streams import CANCELS, CLASSES, JOBS, MAX_DELIVER, durable_name
from immichvr_common.bus.subjects import event_subject
from immichvr_common.errors import (
    Cancelled,
    InvalidRequest,
    Returned,
    ServiceError,
    StorageFull,
    TaskFailed,
    error_message,
)
from immichvr_common.gate import Gate
from immichvr_common.lease import Lease
from immichvr_common.logs import get_log
from immichvr_common.outages import Outages, WorkingTime
from immichvr_common.processes import ChildPool
from immichvr_common.reporting import ABSENT, UNLOADING, Active, ModelTeller, Reporter, encode
from immichvr_common.settings import WorkSettings
from immichvr_common.storage import LARGEST, ObjectStore
from immichvr_common.tasks import Made, Task
from immichvr_common.trace import trace_id

log = get_log(__name__)
T = TypeVar("T")

_IDLE_POLL_S = 0.5
_GIVE_BACK_S = 3

OUTCOMES = {JOB_STATE_SUCCEEDED: "succeeded", JOB_STATE_FAILED: "failed", JOB_STATE_CANCELLED: "cancelled"}


class Worker:
    """Takes the jobs of one service and pool, interactive ones first."""

    def __init__(self, service: str, bus: Bus, store: ObjectStore, pool: ChildPool, settings: WorkSettings) -> None:
        self._service, self._bus, self._store, self._pool, self._settings = service, bus, store, pool, settings
        self._active: dict[str, Active] = {}
        self._slots = asyncio.Semaphore(settings.children + settings.prefetch)
        self._gate = Gate()
        self._outages = Outages(store, self._slots, settings.keep_free)
        self._stopping = asyncio.Event()
        self._models = ModelTeller(bus, service, settings.name)
        self._keeper: asyncio.Task[None] | None = None
        self._refusals: set[asyncio.Task[None]] = set()
        self._ack_wait_s = 30.0

    async def run(self) -> None:
        """Works until `stop`; an outage of NATS or S3 is waited out."""
        await self._bus.client.subscribe("control.cancel.*", cb=self._on_cancel)
        await self._bus.client.subscribe(event_subject(self._service, "model", "*"), cb=self._on_model)
        self._pool.listen(self._models.hear)
        self._keeper = self._keeper or asyncio.create_task(self._models.keep_told())
        durables = [durable_name(self._service, self._settings.pool, one) for one in CLASSES]
        info = await self._bus.js.consumer_info(JOBS, durables[0])
        self._ack_wait_s = float(info.config.ack_wait or 30)
        pullers = [Puller(self._bus.client, JOBS, durable) for durable in durables]
        for puller in pullers:
            await puller.open()
        while not self._stopping.is_set():
            await self._outages.until_over(self._stopping)
            await self._slots.acquire()
            if self._outages.last:
                self._slots.release()
                continue
            message = None
            try:
                message = await self._next(pullers)
            finally:
                if message is None:
                    self._slots.release()
            if message is not None:
                self._begin(message)

    async def stop(self) -> None:
        """Takes no more jobs, lets those under way finish within the grace, gives the others back."""
        self._stopping.set()
        tasks = [active.task for active in self._active.values() if active.task]
        if tasks:
            _, unfinished = await asyncio.wait(tasks, timeout=self._settings.stop_grace_s)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        if self._keeper is not None:
            self._keeper.cancel()
        await self._models.close()

    async def _next(self, pullers: list[Puller]) -> Msg | None:
        interactive, batch = pullers
        if self._stopping.is_set():
            return None
        try:
            return await interactive.next() or await batch.next() or await interactive.next(_IDLE_POLL_S)
        except (*OUTAGES, nats.errors.Error, ConsumerGone) as error:
            log.warning("no jobs can be fetched", error=str(error) or type(error).__name__)
            await asyncio.sleep(_IDLE_POLL_S)
            return None

    def _begin(self, message: Msg) -> None:
        try:
            attempt = message.metadata.num_delivered or 1
            job = read_job(message.subject, message.data)
        except (Unreadable, nats.errors.NotJSMessageError) as error:
            log.error("a message in the queue is no job", subject=message.subject[:200], error=str(error))
            self._refusals.add(refusal := asyncio.create_task(self._refuse(message)))
            refusal.add_done_callback(self._refusals.discard)
            return
        known = self._active.get(job.id)
        if known is not None and known.job.run == job.run:
            known.lease.adopt(message)
            if attempt > known.attempt + 1:
                # Another worker had it in between: what we tell from here on must count as newer.
                known.attempt = attempt
            self._slots.release()
            return
        active = Active(job, attempt, Lease(message, self._ack_wait_s))
        self._active[job.id] = active
        active.task = asyncio.create_task(self._handle(active))

    async def _refuse(self, message: Msg) -> None:
        """Has the server take a message off the queue that no worker can do anything about."""
        try:
            await message.term()
        except (*OUTAGES, nats.errors.Error) as error:
            log.warning("a message that is no job comes again", error=str(error) or type(error).__name__)
        finally:
            self._slots.release()

    async def _handle(self, active: Active) -> None:
        job = active.job
        structured = log.bind(job_id=job.id, run=job.run, attempt=active.attempt, trace_id=trace_id(job.traceparent))
        keeper = asyncio.create_task(active.lease.keep())
        is_aside = job.kind in self._pool.aside
        if is_aside:
            active.holds_place = False
            self._slots.release()
        metrics.IN_FLIGHT.labels(self._service).inc()
        try:
            outcome = await self._attempt(active)
            if outcome is not None and active.lease.held:
                await self._finish(active, outcome)
                structured.info("job ended", outcome=OUTCOMES[outcome.state], error=outcome.error.message or None)
            elif outcome is not None:
                structured.warning("the lease was lost; the result is another worker's to give")
        except asyncio.CancelledError:
            await self._give_back(active)
            structured.info("job given back")
        finally:
            keeper.cancel()
            metrics.IN_FLIGHT.labels(self._service).dec()
            if self._active.get(job.id) is active:
                del self._active[job.id]
            if active.holds_place:
                self._slots.release()

    async def _attempt(self, active: Active) -> JobEvent | None:
        """Does the job once; the terminal event it led to, or None when the lease was lost."""
        try:
            if await self._is_cancelled(active.job):
                raise Cancelled("cancelled before it started")
            if active.attempt >= MAX_DELIVER:
                raise TaskFailed("poison", "this job ended its worker again and again and is not tried any more")
            async with self._entrance(active):
                return await self._make(active)
        except asyncio.CancelledError:
            if active.cancelled:
                if active.task:
                    active.task.uncancel()
                return active.event(JOB_STATE_CANCELLED)
            raise
        except Cancelled:
            return active.event(JOB_STATE_CANCELLED)
        except Exception as error:  # every failure becomes the job's, none is swallowed
            if not isinstance(error, ServiceError):
                log.error("unforeseen failure", job_id=active.job.id, exc_info=error)
            event = active.event(JOB_STATE_FAILED)
            event.error.CopyFrom(error_message(error))
            if event.error.code == StorageFull.code:
                self._outages.is_full()
            return event

    def _entrance(self, active: Active) -> contextlib.AbstractAsyncContextManager[None]:
        if active.job.kind in self._pool.aside:
            return contextlib.nullcontext()
        return self._gate.alone() if active.attempt == MAX_DELIVER - 1 else self._gate.shared()

    async def _make(self, active: Active) -> JobEvent | None:
        job = active.job
        metrics.QUEUE_AGE.labels(self._service, job.kind).observe(max(0.0, time.time() - job.created_at.ToSeconds()))
        started = active.event(JOB_STATE_RUNNING)
        started.progress.stage = "started"
        reporter = Reporter(active, self._bus, self._service)
        left = WorkingTime(min(self._settings.longest_s, job.deadline_s or self._settings.deadline_s))
        with tempfile.TemporaryDirectory(prefix="job-") as folder:
            inputs, _ = await asyncio.gather(self._fetch_inputs(active, left, Path(folder)), self._tell(started))
            active.reached("staged")
            out = await asyncio.to_thread(_new_folder, Path(folder, "out"))
            task = Task(
                kind=job.kind, params=json_format.MessageToDict(job.params), inputs=inputs, folder=out,
                photo_id=job.photo_id, source_name=job.source_name,
            )  # fmt: skip
            try:
                made = await self._pool.run(task, reporter, left.left_s, reporter.hear)
            finally:
                await reporter.close()
                # The end of a job is told after all that came before it.
                await self._models.flush()
            if not active.lease.held:
                return None
            outputs = await self._store_outputs(active, left, made, out)
        active.reached("stored")
        if not active.lease.held:
            return None
        await asyncio.gather(*(self._tell_asset(active, output) for output in outputs))
        event = active.event(JOB_STATE_SUCCEEDED)
        event.progress.fraction, event.progress.stage = 1, "stored"
        event.outputs.extend(outputs)
        return event

    async def _fetch_inputs(self, active: Active, left: WorkingTime, folder: Path) -> dict[str, Path]:
        inputs: dict[str, Path] = {}
        for role, ref in active.job.inputs.items():
            if ref.size > LARGEST or not role.isidentifier():
                raise InvalidRequest(f"input {role!r} of {ref.size} bytes is refused")
            inputs[role] = folder / role
            fetch = partial(self._store.get_file, ref, inputs[role])
            await self._outages.patiently(active, left, fetch)
        return inputs

    async def _store_outputs(self, active: Active, left: WorkingTime, made: list[Made], out: Path) -> list[Output]:
        outputs = []
        for one in made:
            store = partial(store_asset, self._store, active.job, active.attempt, one, out)
            outputs.append(await self._outages.patiently(active, left, store))
            self._outages.has_room()
        return outputs

    async def _give_back(self, active: Active) -> None:
        """Has the gateway queue the job anew. Another delivery of the same message would count as a death."""
        event = active.event(JOB_STATE_FAILED)
        event.error.CopyFrom(error_message(Returned(f"worker {self._settings.name} was told to stop")))
        # Where NATS is away, the lease ends and the job goes to another worker all the same.
        with contextlib.suppress(TimeoutError, *OUTAGES, nats.errors.Error):
            if active.lease.held:
                await asyncio.wait_for(self._tell(event), _GIVE_BACK_S)
                await active.lease.acknowledge()

    async def _finish(self, active: Active, event: JobEvent) -> None:
        outcome = OUTCOMES[event.state]
        metrics.JOBS.labels(self._service, active.job.kind, outcome).inc()
        for phase in active.phases:
            metrics.PHASE.labels(self._service, active.job.kind, phase.stage).observe(phase.seconds)
        await self._tell(event)
        while True:
            try:
                await active.lease.acknowledge()
                return
            except (*OUTAGES, nats.errors.Error) as error:
                log.warning("an acknowledgement waits for NATS", job_id=active.job.id, error=str(error))
                await asyncio.sleep(_IDLE_POLL_S)

    async def _tell(self, event: JobEvent) -> None:
        event.worker = self._settings.name
        message_id = f"{event.job_id}.{event.run}.{event.attempt}.{event.seq}"
        subject = event_subject(self._service, "job", event.job_id)
        await self._bus.publish_until_stored(subject, encode(event), message_id)

    async def _tell_asset(self, active: Active, output: Output) -> None:
        event = AssetEvent(photo_id=active.job.photo_id, output=output)
        event.at.GetCurrentTime()
        message_id = f"{active.job.id}.{active.job.run}.{active.attempt}.{output.asset_key}"
        subject = event_subject(self._service, "asset", event.photo_id)
        await self._bus.publish_until_stored(subject, encode(event), message_id)

    async def _is_cancelled(self, job: Job) -> bool:
        while True:
            try:
                marker = await self._bus.js.get_last_msg(f"KV_{CANCELS}", f"$KV.{CANCELS}.{job.id}", direct=True)
            except NotFoundError:
                return False
            except (*OUTAGES, nats.errors.Error) as error:
                log.warning("a job waits for NATS", job_id=job.id, error=str(error) or type(error).__name__)
                await asyncio.sleep(_IDLE_POLL_S)
                continue
            return _run_in(marker.data) >= job.run

    async def _on_cancel(self, message: Msg) -> None:
        active = self._active.get(message.subject.rpartition(".")[2])
        if active is None or active.task is None:
            return
        if _run_in(message.data) >= active.job.run:
            active.cancelled = True
            active.task.cancel()

    async def _on_model(self, message: Msg) -> None:
        """Some worker told of a model: one that shall leave memory, or has left the disk, leaves here too."""
        try:
            event = read_message(message.data, ModelEvent())
        except Unreadable as error:
            log.error("an event of a model cannot be read", subject=message.subject[:200], error=str(error))
            return
        if event.state in (UNLOADING, ABSENT):
            self._pool.let_go(event.key)


def _run_in(marker: bytes | None) -> int:
    """Up to which run of a job nobody wants it; 0 where that is not said."""
    digits = (marker or b"")[:10]
    return int(digits) if digits.isdigit() else 0


def _new_folder(path: Path) -> Path:
    path.mkdir()
    return path
