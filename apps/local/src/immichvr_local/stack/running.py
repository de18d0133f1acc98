"""A stack from start to end, as one context: checks, ports, processes, signals."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from immichvr_catalog import GATEWAY, Service, workers
from immichvr_common.embedded import StartFailed as NotInstalled
from immichvr_common.seaweed import sweep_sockets
from immichvr_common.supervision import Supervisor as TaskSupervisor

from immichvr_local.errors import about
from immichvr_local.stack.data import DataDirectory
from immichvr_local.stack.floor import keep_free
from immichvr_local.stack.leftovers import end_leftovers
from immichvr_local.stack.part import Part
from immichvr_local.stack.parts import SOCKET_PORTS, Plan, inner_port_names, parts_of
from immichvr_local.stack.ports import gateway_port, inner_ports
from immichvr_local.stack.room import RoomWatch, check_room
from immichvr_local.stack.supervisor import Event, Supervisor
from immichvr_local.stack.tls import GalleryTls

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What was asked for. photos: None for Immich; port: None for the usual one; tls: whether the gallery speaks it.

    workers: the services that do jobs.
    """

    data: Path
    photos: Path | None
    host: str
    port: int | None
    tls: bool = False
    workers: Sequence[Service] = field(default_factory=workers)


class Signals:
    """Ctrl-C, SIGTERM and SIGHUP: the first asks for an end, the second for one without any grace."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()

    @contextmanager
    def caught(self) -> Iterator[None]:
        """While inside, signals set the events instead of ending this process."""
        loop = asyncio.get_running_loop()
        # Under nohup the end of the terminal is to be ignored.
        hung_up = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
        numbers = (signal.SIGINT, signal.SIGTERM, *hung_up)
        for number in numbers:
            loop.add_signal_handler(number, self._note)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _note(self) -> None:
        (self.hurry if self.stop.is_set() else self.stop).set()


@asynccontextmanager
async def running(
    options: Options, say: Say, tell: Callable[[Event], None], parts: Callable[[Plan], list[Part]] = parts_of
) -> AsyncIterator[tuple[Plan, Signals]]:
    """The stack, or some parts of it, from when every part is ready until it is stopped on leaving.

    say: told in a sentence what a person should know. Where a signal came during the start, `signals.stop` is set
    on entering. Raises CommandError.
    """
    data = DataDirectory(options.data)
    signals = Signals()
    with data.locked(), signals.caught():
        if ended := end_leftovers(data.root):
            say(f"ended {ended} processes that an earlier start had left behind")
        kept = keep_free()
        check_room(data, kept, say)
        plan = _plan(options, data, kept, say)
        with about("the servers", NotInstalled):
            supervisor = Supervisor(parts(plan), tell)
        try:
            await _start(supervisor, signals)
            beside = TaskSupervisor()
            beside.keep("room", RoomWatch(plan, supervisor, say).run)
            if plan.tls is not None:
                beside.keep("the certificate", partial(plan.tls.keep, say))
            try:
                yield plan, signals
            finally:
                await beside.stop()
        finally:
            await supervisor.stop(signals.hurry)
            sweep_sockets(plan.inner[name] for name in SOCKET_PORTS)


def plan_of_running(data: DataDirectory) -> Plan:
    """The plan of a stack that runs here, as far as it is needed to talk to its parts."""
    known = _known_ports(data)
    return Plan(data, None, "127.0.0.1", known.get(GATEWAY, 0), known)


def _known_ports(data: DataDirectory) -> dict[str, int]:
    ports = data.remembered().get("ports")
    return {name: port for name, port in ports.items() if isinstance(port, int)} if isinstance(ports, dict) else {}


def _plan(options: Options, data: DataDirectory, kept: int, say: Say) -> Plan:
    known = _known_ports(data)
    # These ports give files in the temporary directory their names: none that is known before it is there.
    sweep_sockets(known.pop(name) for name in SOCKET_PORTS if name in known)
    port = gateway_port(options.host, options.port, known.get(GATEWAY), say)
    inner = inner_ports(inner_port_names(), known, {port})
    tls = GalleryTls(data.tls, options.host) if options.tls else None
    if tls is not None and tls.ensure():
        say(f"a certificate for this machine's names and addresses was made in {data.tls}")
    data.remember({"ports": {GATEWAY: port, **inner}})
    return Plan(data, options.photos, options.host, port, inner, kept, tls, options.workers)


async def _start(supervisor: Supervisor, signals: Signals) -> None:
    starting = asyncio.create_task(supervisor.start())
    stopping = asyncio.create_task(signals.stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not starting.done():
        await supervisor.stop(signals.hurry)
    await starting
