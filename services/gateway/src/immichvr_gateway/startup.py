"""How a gateway comes up, in the background, and goes down. What is not up yet says so to whoever asks for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from fastapi import FastAPI
from immichvr_common.bus import Bus, connect_patiently
from immichvr_common.errors import ServiceError, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.otlp import send_what_is_left
from immichvr_common.retrying import until_up
from immichvr_common.scratch import keep_clean

from immichvr_gateway.assets.index import AssetIndex
from immichvr_gateway.jobs.dead_letters import watch_advisories
from immichvr_gateway.jobs.figures import lanes, tell_dead, tell_queue
from immichvr_gateway.jobs.going_on import go_on_with_what_had_no_room
from immichvr_gateway.jobs.projection import EventReader
from immichvr_gateway.live.attaching import taking_in_workers
from immichvr_gateway.loading import hold_against_storage
from immichvr_gateway.requests.asking import JobRequests
from immichvr_gateway.resources import Resources
from immichvr_gateway.scaling.external_scaler import answering_keda
from immichvr_gateway.services import Services, open_services
from immichvr_gateway.upkeep import aside
from immichvr_gateway.upkeep.readiness import Readiness
from immichvr_gateway.upkeep.room import Room
from immichvr_gateway.upkeep.tasks import keep_position, look_at_library, repeat, save_position

log = get_log(__name__)
T = TypeVar("T")

_RECONCILE_S = 15.0
_PAY_DEBTS_S = 1.0
_COMPARE_CLOCKS_S = _FIGURES_S = 60.0
_QUEUE_S = 10.0
_CATCH_UP_S = 30.0
_NAMES = {"nats": "NATS", "s3": "S3"}


class Startup:
    """A gateway between its first moment and its last. on_up: called once everything known before has been read."""

    def __init__(self, here: Resources, on_up: Callable[[], None] = lambda: None) -> None:
        settings, self.here, self._on_up = here.settings, here, on_up
        self.room = Room(settings.room.directory, settings.room.keep_free, here.store, self._is_busy, self._go_on)
        self._waits_for = "nats"
        self._bus: Bus | None = None
        self._services: Services | None = None
        self._assets_are_known = self._storage_is_open = self._is_up = False

    @property
    def services(self) -> Services:
        """What works with what NATS told. Raises Unavailable while NATS has not answered yet."""
        return self._up(self._services)

    @property
    def assets(self) -> AssetIndex:
        """Every asset. Raises Unavailable while neither records nor storage have told of any yet."""
        return self._up(self.here.assets if self._assets_are_known else None)

    @property
    def requests(self) -> JobRequests:
        """Where jobs are asked for. Raises Unavailable while NATS or S3 has not answered yet."""
        return self._up(self.services.requests if self._storage_is_open else None)

    def _up(self, part: T | None) -> T:
        if part is None:
            name = _NAMES[self._waits_for]
            raise Unavailable(f"the gateway is starting: {name} has not answered yet", down=self._waits_for)
        return part

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Comes up in the background as long as the block lasts, and then goes down."""
        self.here.supervisor.keep("start", self._come_up)
        self.here.supervisor.keep("presences", self.here.presences.watch)
        settings = self.here.settings
        async with (
            answering_keda(settings.scaler, self.here.demand, self._hears_of_jobs),
            taking_in_workers(settings.attach, lambda: self.services.live, lambda: self._is_up),
        ):
            yield
        await self._stop()
        # uvicorn ends the process by the signal it got, past everything that would be done at its end.
        await asyncio.to_thread(send_what_is_left)

    @property
    def is_up(self) -> bool:
        """Whether everything that was known before has been read."""
        return self._is_up

    async def readiness(self) -> Readiness:
        """Whether each thing the gateway depends on answers and has room."""
        s3 = True
        try:
            await asyncio.wait_for(self.here.store.ping(), 5)
        except (ServiceError, TimeoutError):
            s3 = False
        return Readiness(
            nats=self._bus is not None and self._bus.connected,
            s3=s3,
            started=self._is_up,
            tasks=not self.here.supervisor.down,
            room=not self.room.is_short,
            set_aside=aside.count(),
            storage=self.room.troubles(),
        )

    async def _stop(self) -> None:
        """Goes down, remembering how far events were read."""
        here, services = self.here, self._services
        await here.supervisor.stop()
        if services is not None and services.bus.connected and self._is_all_written():
            with contextlib.suppress(Unavailable, TimeoutError):
                await asyncio.wait_for(save_position(services.bus, services.reader.place), 1)
        if services is not None:
            await services.live.close()
        await here.news.close()
        if self._bus is not None:
            await self._bus.close()
        await here.library.close()
        here.store.close()

    async def _come_up(self) -> None:
        here = self.here
        # What it writes itself, which it knows, would come back from every bucket that it follows for other gateways.
        bus = self._bus = self._bus or await connect_patiently(here.settings.nats, "gateway", hears_itself=False)
        if self._services is None:
            self._services = await self._patiently("nats", partial(open_services, bus, here, self.room))
        services, keep = self._services, here.supervisor.keep
        self._assets_are_known = self._assets_are_known or services.has_assets
        store, reader = services.jobs.store, services.reader
        keep("events", reader.run)
        reconciling = partial(
            repeat, _RECONCILE_S, jobs=store.reconcile, follow_ups=services.follow_ups.reconcile,
            models=here.models.write_missing, live=services.live.tidy,
        )  # fmt: skip
        keep("reconciling", reconciling)
        keep("line", partial(store.feeder.run, store))
        keep("debts", partial(repeat, _PAY_DEBTS_S, jobs=store.pay_all_debts))
        keep("advisories", partial(watch_advisories, bus))
        keep("position", partial(keep_position, bus, reader, self._is_all_written))
        keep("batches", services.batch_runner.run)
        keep("sessions", here.sessions.keep_tidy)
        for slips in here.slips:
            keep(slips.kind, slips.keep_tidy)
        keep("room", partial(self.room.watch, bus))
        keep("clocks", partial(repeat, _COMPARE_CLOCKS_S, clocks=partial(here.clocks.look, bus)))
        await self._patiently("s3", partial(self._hold_against_storage, services))
        services.hooks.publisher.tell_again(here.assets)
        keep("webhooks", services.hooks.delivery.run)
        keep("figures", partial(repeat, _FIGURES_S, figures=services.retention.keeper.read_figures))
        pauses = partial(store.feeder.pauses.look, lanes())
        queue, dead = partial(tell_queue, here.jobs), partial(tell_dead, bus)
        keep("queue", partial(repeat, _QUEUE_S, queue=queue, dead=dead, pauses=pauses))
        keep("retention", services.retention.keeper.run)
        if services.automation is not None:
            services.automation.keep_going(keep)
        keep("temporary files", keep_clean)
        await self._patiently("nats", partial(_until_caught_up, reader))
        keep("library", partial(look_at_library, here.library, here.library_problems, here.library_remarks))
        self._on_up()
        self._is_up = True
        log.info("ready", jobs=len(here.jobs), library=here.library.kind)

    async def _patiently(self, waits_for: str, step: Callable[[], Awaitable[T]]) -> T:
        """Takes a step of coming up, waiting for what it needs as long as it takes."""
        self._waits_for = waits_for
        return await until_up(step, f"the gateway waits for {waits_for}", outage=(ServiceError,), seen=self.room.heard)

    async def _hold_against_storage(self, services: Services) -> None:
        await self.here.store.ensure_bucket()
        await hold_against_storage(self.here.store, self.here.assets, services.assets.keeper)
        self._assets_are_known = self._storage_is_open = True

    def _is_all_written(self) -> bool:
        return self._services is not None and self._services.all_written and self.here.models.all_written

    def _hears_of_jobs(self) -> bool:
        return self._bus is not None and self._bus.connected

    def _is_busy(self) -> bool:
        return any(not record.state.terminal for record in self.here.jobs)

    async def _go_on(self) -> None:
        if self._services is not None:
            await go_on_with_what_had_no_room(self._services.jobs)


async def _until_caught_up(reader: EventReader) -> None:
    """Waits until what happened while no gateway was there is known; not for ever where events pour in."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CATCH_UP_S):
            while not await reader.is_caught_up():  # noqa: ASYNC110  # the server tells nobody
                await asyncio.sleep(0.02)
