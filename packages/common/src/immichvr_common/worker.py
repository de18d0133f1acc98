"""Takes jobs from the bus, has them done by child processes, stores what was made, and tells of it.

A thin door: what a capability does is its own business; leases, fencing, cancelling and outages are this module's.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from functools import partial

from immichvr.events.v1.events_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    AssetEvent,
    JobEvent,
    ModelEvent,
    Output,
)
from immichvr_catalog import CLASSES

from immichvr_common import metrics
from immichvr_common.aftermath import Aftermath, Aftermaths
from immichvr_common.arrivals import read_job
from immichvr_common.assets import source_of
from immichvr_common.bus import Bus, BusMessage, Delivery, Puller
from immichvr_common.bus.reading import Unreadable, read_message
from immichvr_common.bus.streams import JOBS, durable_name
from immichvr_common.bus.subjects import LETTING_GO, event_subject
from immichvr_common.errors import (
    Cancelled,
    NotFound,
    Returned,
    ServiceError,
    StorageFull,
    TaskFailed,
    Unavailable,
    error_message,
)
from immichvr_common.lease import Lease
from immichvr_common.logs import get_log
from immichvr_common.making import Maker
from immichvr_common.outages import Outages
from immichvr_common.past import past_of, run_in
from immichvr_common.processes.pool import Pool
from immichvr_common.reporting import ABSENT, UNLOADING, Active, ModelReporter, Reporter, Why, encode
from immichvr_common.retrying import until_up
from immichvr_common.settings import WorkSettings
from immichvr_common.storage import ObjectStore
from immichvr_common.supervision import Supervisor, spawn
from immichvr_common.trace import trace_id
from immichvr_common.tracing import record, span, within

log = get_log(__name__)

_IDLE_POLL_S = 0.5
_NATS_ACK_WAIT_S = 30.0
"""Of a consumer that is made without saying how long its leases last."""
_LAST_WORDS_S = 5.0
"""How long a worker that ends waits for NATS, to tell of what it has done and what it gives back."""
_MOST_DEATHS = 3
"""Workers that may end while they do one job; the last of them does it alone."""
_POISON = "{} workers ended while they did this job; it is tried no more unless somebody asks for it"

OUTCOMES = {JOB_STATE_SUCCEEDED: "succeeded", JOB_STATE_FAILED: "failed", JOB_STATE_CANCELLED: "cancelled"}


class Worker:
    """Takes the jobs of one service and pool, interactive ones first.

    supervisor: keeps what goes on beside the jobs; it ends with the worker. aftermath: what a job that is cancelled may
    have begun elsewhere, and how that is ended.
    """

    def __init__(
        self, service: str, bus: Bus, store: ObjectStore, pool: Pool, settings: WorkSettings,
        supervisor: Supervisor | None = None, aftermath: Aftermath | None = None,
    ) -> None:  # fmt: skip
        self._aftermaths = Aftermaths(store, aftermath)
        self._service, self._bus, self._pool, self._settings = service, bus, pool, settings
        self._active: dict[str, Active] = {}
        self._slots = asyncio.Semaphore(settings.children + settings.prefetch)
        self._outages = Outages(store, self._slots, settings.keep_free)
        self._maker = Maker(store, pool, settings, self._outages)
        self._stopping, self._takes_none = asyncio.Event(), asyncio.Event()
        self._takes_none.set()
        self._models = ModelReporter(bus, service, settings.name)
        self._supervisor = supervisor or Supervisor()
        self._listens = False
        self._durables = [durable_name(service, settings.pool, one) for one in CLASSES]

    async def run(self) -> None:
        """Works until `stop`; an outage of NATS or S3 is waited out, and so is a gateway that makes the streams.

        May be begun anew where it failed.
        """
        self._takes_none.clear()
        try:
            await self._listen()
            ack_wait_s = await self._once_streams_exist()
            async with contextlib.AsyncExitStack() as stack:
                pullers = [await stack.enter_async_context(self._bus.pulling(JOBS, one)) for one in self._durables]
                stack.push_async_callback(self._hand_back_what_comes, pullers)
                while not self._stopping.is_set():
                    await self._take_one(pullers, ack_wait_s)
        except _Stopped:
            pass
        finally:
            self._takes_none.set()

    async def stop(self) -> None:
        """Takes no more jobs, lets those under way finish within the grace, gives the others back.

        What has led to an outcome is told and acknowledged, unless NATS is away for longer than some seconds. What
        cancelled jobs began elsewhere is ended within the rest of the grace.
        """
        self._stopping.set()
        ends_at = time.monotonic() + self._settings.stop_grace_s
        # The loop may wait for a place.
        self._slots.release()
        for active in self._active.values():
            if active.told is None:
                active.end(Why.STOPPED)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._takes_none.wait(), _LAST_WORDS_S)
        tasks = [active.task for active in self._active.values() if active.task]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._settings.stop_grace_s)
            for active in self._active.values():
                active.end(Why.STOPPED)
            if late:
                _, late = await asyncio.wait(late, timeout=_LAST_WORDS_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._aftermaths.close(max(_LAST_WORDS_S, ends_at - time.monotonic()))
        await self._models.close()
        self._supervisor.cancel()

    async def _listen(self) -> None:
        if self._listens:
            return
        await self._bus.subscribe("control.cancel.*", self._on_cancel)
        await self._bus.subscribe(event_subject(self._service, "model", "*"), self._on_model)
        await self._bus.subscribe(f"{LETTING_GO}.*", self._on_model)
        self._pool.listen(self._models.hear)
        self._supervisor.keep("models", self._models.keep_reported)
        self._listens = True

    async def _once_streams_exist(self) -> float:
        """How long a lease lasts. The gateway makes the streams, and says so with them: who is first waits for it."""
        info = await until_up(
            partial(self._bus.consumer, JOBS, self._durables[0]), "waiting for the gateway to make the streams",
            outage=(NotFound, Unavailable), longest_s=_IDLE_POLL_S, pause=self._pause,
        )  # fmt: skip
        return float(info.config.ack_wait or _NATS_ACK_WAIT_S)

    async def _pause(self, seconds: float) -> None:
        """Waits, unless the worker is told to stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
            raise _Stopped

    async def _take_one(self, pullers: list[Puller], ack_wait_s: float) -> None:
        """Begins with one job, where there is one and a place for it."""
        interactive, batch = pullers
        await self._outages.until_over(self._stopping)
        await self._slots.acquire()
        message = None
        try:
            if not (self._outages.last or self._stopping.is_set()):
                message = await interactive.next() or await batch.next() or await interactive.next(_IDLE_POLL_S)
        except (Unavailable, NotFound) as error:
            log.warning("no jobs can be fetched", error=error.message)
            await asyncio.sleep(_IDLE_POLL_S)
        finally:
            if message is None:
                self._slots.release()
        if message is not None:
            self._begin(message, ack_wait_s)

    async def _hand_back_what_comes(self, pullers: list[Puller]) -> None:
        """Keeps no job that the server still sends: another worker, or this one's successor, gets it at once."""
        for puller in pullers:
            try:
                for message in await puller.drain():
                    await message.hand_back()
            except Unavailable as error:
                log.warning("jobs cannot be handed back", error=error.message)

    def _begin(self, message: Delivery, ack_wait_s: float) -> None:
        attempt = message.count
        try:
            job = read_job(message.subject, message.data)
        except Unreadable as error:
            log.error("a message in the queue is no job", subject=message.subject[:200], error=str(error))
            self._supervisor.errand("refusal", self._refuse(message))
            return
        known = self._active.get(job.id)
        if known is not None and known.job.run == job.run:
            known.lease.adopt(message)
            if attempt > known.attempt + 1:
                # Another worker had it in between: what we tell from here on must count as newer.
                known.attempt = attempt
            self._slots.release()
            return
        active = Active(job, attempt, Lease(message, ack_wait_s), message.seq)
        self._active[job.id] = active
        active.task = spawn(f"job {job.id}", self._handle(active))

    async def _refuse(self, message: Delivery) -> None:
        """Has the server take a message off the queue that no worker can do anything about."""
        try:
            await message.refuse()
        except Unavailable as error:
            log.warning("a message that is no job comes again", error=error.message)
        finally:
            self._slots.release()

    async def _handle(self, active: Active) -> None:
        job, name = active.job, f"job {active.job.kind}"
        in_flight = metrics.IN_FLIGHT.labels(self._service, self._settings.pool)
        with (
            span(name, job.traceparent, "consumer", job_id=job.id, run=job.run, attempt=active.attempt) as one,
            in_flight.track_inprogress(),
        ):
            keeper = spawn(f"lease of {job.id}", active.lease.keep())
            if self._maker.in_background(job):
                active.holds_place = False
                self._slots.release()
            active.work = asyncio.create_task(self._attempt(active))
            if self._stopping.is_set():
                active.end(Why.STOPPED)
            try:
                await asyncio.wait({active.work})
                await self._conclude(active)
            except asyncio.CancelledError:
                log.warning("the end of a job could not be told in time", job_id=job.id)
            finally:
                active.work.cancel()
                if active.told is not None:
                    active.told.cancel()
                keeper.cancel()
                if self._active.get(job.id) is active:
                    del self._active[job.id]
                if active.holds_place:
                    self._slots.release()
            one.attributes["outcome"], one.error = active.outcome, active.error

    async def _conclude(self, active: Active) -> None:
        """Tells what the work led to, and acknowledges it. From here on neither a cancel nor a stop changes it."""
        job, work = active.job, active.work
        structured = log.bind(job_id=job.id, run=job.run, attempt=active.attempt, trace_id=trace_id(job.traceparent))
        # The end of a job is told after all that came before it.
        await self._models.flush()
        if work is None or (work.cancelled() and active.told is None and active.why is Why.STOPPED):
            await self._hand_back(active)
            structured.info("job handed back")
            return
        event = self._ended(active) if work.cancelled() else work.result()
        if not active.lease.held:
            structured.warning("the lease was lost; the result is another worker's to give")
            return
        if event is None and not active.has_ended_before:
            return  # the lease was lost for a while: the message comes again
        if event is not None:
            if event.state == JOB_STATE_CANCELLED:
                await self._aftermaths.begin(job)
            self._measure(active, event)
            if active.told is not None:
                await active.told
            await asyncio.gather(*(self._tell_asset(active, output) for output in active.outputs))
            # Where another attempt at the same message has made it too, NATS keeps the first word of that alone.
            await self._tell(event, f"{active.queued_as}.made" if event.state == JOB_STATE_SUCCEEDED else "")
        await until_up(active.lease.acknowledge, "an acknowledgement waits for NATS", job_id=job.id)
        if event is None:
            structured.info("job had ended before")
        else:
            structured.info("job ended", outcome=active.outcome, error=event.error.message or None)

    def _ended(self, active: Active) -> JobEvent:
        """What is told of a job whose work was ended. Given back, it is queued anew: that counts as no death."""
        if active.why is Why.CANCELLED:
            return active.event(JOB_STATE_CANCELLED)
        return _failure(active, Returned(f"worker {self._settings.name} was told to stop"))

    async def _attempt(self, active: Active) -> JobEvent | None:
        """Does the job once; the terminal event it led to, or None where there is none to tell."""
        job = active.job
        try:
            past = await past_of(self._bus, self._service, job, active.attempt)
            if past.is_unwanted:
                raise Cancelled("cancelled before it started")
            active.has_ended_before, active.begun = past.has_ended, past.begun
            if past.has_ended:
                return None
            await self._aftermaths.before(job)
            if past.begun >= _MOST_DEATHS:
                raise TaskFailed("poison", _POISON.format(past.begun), retriable=True)
            waited_s = max(0.0, time.time() - job.created_at.ToSeconds())
            metrics.QUEUE_AGE.labels(self._service, self._settings.pool, job.kind).observe(waited_s)
            reporter, begun = Reporter(active, self._bus, self._service), partial(self._begun, active, past.begun + 1)
            outputs = await self._maker.make(active, reporter, begun, alone=past.begun >= _MOST_DEATHS - 1)
        except Cancelled:
            return active.event(JOB_STATE_CANCELLED)
        except Exception as error:  # every failure becomes the job's, none is swallowed
            if not isinstance(error, ServiceError):
                log.error("unforeseen failure", job_id=job.id, exc_info=error)
            event = _failure(active, error)
            if event.error.code == StorageFull.code:
                self._outages.is_full()
            return event
        if outputs is None:
            return None
        active.outputs = outputs
        event = active.event(JOB_STATE_SUCCEEDED)
        event.progress.fraction, event.progress.stage = 1, "stored"
        event.outputs.extend(outputs)
        return event

    async def _begun(self, active: Active, count: int) -> None:
        """Tells that the work begins: should it end this worker, whoever takes the job next must know of it."""
        active.go_on()
        if active.told is None:
            active.begun = count
            event = active.event(JOB_STATE_RUNNING)
            event.progress.stage = "started"
            active.told = asyncio.create_task(self._tell(event))
        await asyncio.shield(active.told)

    async def _hand_back(self, active: Active) -> None:
        # Where NATS is away, the lease ends and the job goes to another worker all the same.
        with contextlib.suppress(Unavailable):
            if active.lease.held:
                await active.lease.hand_back()

    def _measure(self, active: Active, event: JobEvent) -> None:
        outcome = OUTCOMES[event.state]
        metrics.JOBS.labels(self._service, self._settings.pool, active.job.kind, outcome).inc()
        active.outcome, active.error = outcome, event.error.code
        for phase in active.phases:
            record(phase.stage, within(), (ended := phase.at.ToNanoseconds()) - round(phase.seconds * 1e9), ended)
            metrics.PHASE.labels(self._service, active.job.kind, phase.stage).observe(phase.seconds)

    async def _tell(self, event: JobEvent, name: str = "") -> None:
        event.worker = self._settings.name
        message_id = f"{event.job_id}.{event.run}.{name or f'{event.attempt}.{event.seq}'}"
        subject = event_subject(self._service, "job", event.job_id)
        await self._bus.publish_until_stored(subject, encode(event), message_id)

    async def _tell_asset(self, active: Active, output: Output) -> None:
        event = AssetEvent(output=output)
        source = source_of(active.job)
        source.put(event)
        event.at.GetCurrentTime()
        message_id = f"{active.job.id}.{active.job.run}.{active.attempt}.{output.asset_key}"
        subject = event_subject(self._service, "asset", source.id)
        await self._bus.publish_until_stored(subject, encode(event), message_id)

    async def _on_cancel(self, message: BusMessage) -> None:
        active = self._active.get(message.subject.rpartition(".")[2])
        if active is None:
            return
        if run_in(message.data) >= active.job.run:
            active.end(Why.CANCELLED)

    async def _on_model(self, message: BusMessage) -> None:
        """Some worker told of a model: one that shall leave memory, or has left the disk, leaves here too."""
        try:
            event = read_message(message.data, ModelEvent())
        except Unreadable as error:
            log.error("an event of a model cannot be read", subject=message.subject[:200], error=str(error))
            return
        if event.state in (UNLOADING, ABSENT):
            self._pool.let_go(event.key)


class _Stopped(Exception):
    """The worker was told to stop while it waited."""


def _failure(active: Active, error: Exception) -> JobEvent:
    event = active.event(JOB_STATE_FAILED)
    event.error.CopyFrom(error_message(error))
    return event
