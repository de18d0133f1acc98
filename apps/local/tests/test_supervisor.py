"""Processes are kept running, started again, and ended in order."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from immichvr_common.embedded import free_ports
from immichvr_local.stack import supervisor as supervisor_module
from immichvr_local.stack.leftovers import MARK, end_leftovers
from immichvr_local.stack.part import GATEWAY, SERVERS, SERVICES, Part, greets
from immichvr_local.stack.patience import Patience
from immichvr_local.stack.supervisor import Event, StartFailed, Supervisor

QUICK = Patience(start_s=20, tries=2, first_delay_s=0.01, longest_delay_s=0.02)
IDLE = "import signal; open('{name}.up', 'w').close(); signal.pause()"

MakePart = Callable[..., Part]


@pytest.fixture
def part(tmp_path: Path) -> MakePart:
    """Makes a part that runs Python code and is ready when it has made the file `<name>.up` beside its log."""

    def make(name: str, code: str = IDLE, tier: int = SERVICES, grace_s: float = 10) -> Part:
        flag = tmp_path / f"{name}.up"

        async def ready() -> bool:
            return flag.exists()

        command = [sys.executable, "-c", textwrap.dedent(code).format(name=name)]
        return Part(name, command, {**os.environ, MARK: str(tmp_path)}, tmp_path / f"{name}.log", ready, tier, grace_s)

    return make


class Heard:
    """Collects events, and lets a test wait for one."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Condition()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        asyncio.get_running_loop().create_task(self._notify())

    async def _notify(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def until(self, kinds: list[str]) -> None:
        async with self._news, asyncio.timeout(20):
            await self._news.wait_for(lambda: [event.kind for event in self.events] == kinds)


def gone(pid: int) -> bool:
    """Whether a process ends within some seconds."""
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return True
    _, alive = psutil.wait_procs([process], timeout=10)
    return not alive or alive[0].status() == psutil.STATUS_ZOMBIE


async def test_start_waits_until_every_part_is_ready(part: MakePart) -> None:
    heard = Heard()
    supervisor = Supervisor([part("one"), part("two")], heard, QUICK)
    await supervisor.start()
    assert {event.part.name for event in heard.events if event.kind == "ready"} == {"one", "two"}
    pids = [supervisor.pid("one"), supervisor.pid("two")]
    await supervisor.stop()
    assert all(gone(pid) for pid in pids if pid)


async def test_what_dies_is_started_again_and_told(part: MakePart) -> None:
    heard = Heard()
    supervisor = Supervisor([part("one")], heard, QUICK)
    await supervisor.start()
    first = supervisor.pid("one")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await heard.until(["ready", "died", "ready"])
    assert supervisor.pid("one") not in (first, None)
    assert "signal 9" in heard.events[1].why
    await supervisor.stop()


async def test_a_part_that_the_system_lets_not_begin_is_tried_again(
    part: MakePart, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, begin, refused = Heard(), supervisor_module._spawn, list[str]()
    supervisor = Supervisor([part("one")], heard, QUICK)
    await supervisor.start()

    async def refuse_once(one: Part) -> object:
        if not refused:
            refused.append(one.name)
            raise OSError(errno.EMFILE, "Too many open files")
        return await begin(one)

    monkeypatch.setattr(supervisor_module, "_spawn", refuse_once)
    supervisor.restart("one", "was asked to")
    await heard.until(["ready", "died", "died", "ready"])
    assert "Too many open files" in heard.events[2].why
    await supervisor.stop()


async def test_a_part_that_never_gets_ready_is_given_up_with_the_end_of_its_log(part: MakePart) -> None:
    running = part("running")
    supervisor = Supervisor([running, part("broken", "raise SystemExit('no such setting: COLOUR')")], Heard(), QUICK)
    with pytest.raises(StartFailed, match=r"broken ended with status 1 2 times[\s\S]*no such setting: COLOUR"):
        await supervisor.start()
    assert supervisor.pid("running") is None


async def test_a_part_that_is_never_ready_in_time_is_named(part: MakePart) -> None:
    supervisor = Supervisor([part("slow", "import signal; signal.pause()")], Heard(), Patience(start_s=0.3))
    with pytest.raises(StartFailed, match=r"slow was not ready after"):
        await supervisor.start()
    assert supervisor.pid("slow") is None


async def test_workers_end_before_the_gateway_and_servers_last(part: MakePart, tmp_path: Path) -> None:
    code = """
        import signal, sys
        def end(*_):
            open('order', 'a').write('{name} ')
            sys.exit()
        signal.signal(signal.SIGTERM, end)
        open('{name}.up', 'w').close()
        while True: signal.pause()
    """
    parts = [part("server", code, SERVERS), part("gateway", code, GATEWAY), part("worker", code, SERVICES)]
    supervisor = Supervisor(parts, Heard(), QUICK)
    await supervisor.start()
    await supervisor.stop()
    assert (tmp_path / "order").read_text() == "worker gateway server "


DEAF = """
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open('{name}.up', 'w').close()
    while True: signal.pause()
"""


async def test_a_deaf_process_is_ended_after_its_grace(part: MakePart) -> None:
    supervisor = Supervisor([part("deaf", DEAF, grace_s=0.2)], Heard(), QUICK)
    await supervisor.start()
    pid = supervisor.pid("deaf")
    await supervisor.stop()
    assert pid is not None
    assert gone(pid)


async def test_a_second_signal_waits_for_nobody(part: MakePart) -> None:
    supervisor = Supervisor([part("deaf", DEAF, grace_s=1000)], Heard(), QUICK)
    await supervisor.start()
    hurry = asyncio.Event()
    hurry.set()
    async with asyncio.timeout(10):
        await supervisor.stop(hurry)


PARENT = """
    import subprocess, sys, signal
    child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])
    open('child', 'w').write(str(child.pid))
    open('{name}.up', 'w').close()
    signal.pause()
"""


async def test_what_a_dead_part_had_started_goes_too(part: MakePart, tmp_path: Path) -> None:
    heard = Heard()
    supervisor = Supervisor([part("parent", PARENT)], heard, QUICK)
    await supervisor.start()
    child, pid = int((tmp_path / "child").read_text()), supervisor.pid("parent")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await heard.until(["ready", "died", "ready"])
    assert gone(child)
    await supervisor.stop()


SUPERVISING = """
import asyncio, os, sys
from pathlib import Path
from immichvr_local.stack.part import Part
from immichvr_local.stack.supervisor import Supervisor

async def ready():
    return True

async def main():
    command = [sys.executable, "-c", "import signal; signal.pause()"]
    part = Part("one", command, dict(os.environ), Path(sys.argv[1]), ready)
    supervisor = Supervisor([part], lambda event: None)
    await supervisor.start()
    print(supervisor.pid("one"), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent; see the next test")
def test_parts_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SUPERVISING, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        assert psutil.pid_exists(pid)
        supervisor.kill()
    assert gone(pid)


def test_leftovers_of_this_directory_are_ended_and_no_others(tmp_path: Path) -> None:
    idle = [sys.executable, "-c", "print(flush=True); import signal; signal.pause()"]
    started = [
        subprocess.Popen(idle, env={**os.environ, MARK: str(tmp_path / name)}, stdout=subprocess.PIPE)
        for name in ("ours", "theirs")
    ]
    try:
        for process in started:
            assert process.stdout is not None
            process.stdout.readline()
        assert end_leftovers(tmp_path / "ours") == 1
        assert started[0].poll() is not None
        assert started[1].poll() is None
    finally:
        for process in started:
            process.kill()
            process.communicate()


GREETING = """
    import socket
    server = socket.create_server(("127.0.0.1", {port}))
    open('{{name}}.up', 'w').close()
    while True:
        connection, _ = server.accept()
        connection.sendall(b"hello")
        connection.close()
"""
ATTENTIVE = Patience(start_s=20, first_delay_s=0.01, asked_every_s=0.02, answer_s=0.3, misses=3)


class Asked:
    """Whether something greets, and how often that was asked."""

    def __init__(self, port: int) -> None:
        self.times = 0
        self._greets = greets(port)
        self._news = asyncio.Condition()

    async def __call__(self) -> bool:
        try:
            return await self._greets()
        finally:
            self.times += 1
            async with self._news:
                self._news.notify_all()

    async def again(self, times: int) -> None:
        """Waits until it was asked so often."""
        wanted = self.times + times
        async with self._news, asyncio.timeout(20):
            await self._news.wait_for(lambda: self.times >= wanted)


@pytest.fixture
async def greeting(part: MakePart) -> tuple[list[Part], list[Asked]]:
    """Two parts that greet whoever connects, and who asks them."""
    ports = free_ports(2)
    asked = [Asked(port) for port in ports]
    parts = [
        replace(part(f"greeter-{port}", GREETING.format(port=port)), healthy=one)
        for port, one in zip(ports, asked, strict=True)
    ]
    return parts, asked


async def test_what_hangs_is_started_again_and_told(greeting: tuple[list[Part], list[Asked]]) -> None:
    parts, _ = greeting
    heard = Heard()
    supervisor = Supervisor(parts, heard, ATTENTIVE)
    await supervisor.start()
    hung, well = (supervisor.pid(part.name) for part in parts)
    assert hung
    os.kill(hung, signal.SIGSTOP)
    await heard.until(["ready", "ready", "died", "ready"])
    assert "did not answer 3 times in a row" in heard.events[2].why
    assert supervisor.pid(parts[0].name) not in (hung, None)
    assert supervisor.pid(parts[1].name) == well
    await supervisor.stop()


async def test_what_is_paused_together_is_left_alone(greeting: tuple[list[Part], list[Asked]]) -> None:
    parts, asked = greeting
    supervisor = Supervisor(parts, Heard(), ATTENTIVE)
    await supervisor.start()
    pids = [supervisor.pid(part.name) for part in parts]
    for pid in pids:
        os.kill(pid or 0, signal.SIGSTOP)
    await asked[0].again(2 * ATTENTIVE.misses)
    for pid in pids:
        os.kill(pid or 0, signal.SIGCONT)
    await asked[0].again(2 * ATTENTIVE.misses)
    assert [supervisor.pid(part.name) for part in parts] == pids
    await supervisor.stop()
