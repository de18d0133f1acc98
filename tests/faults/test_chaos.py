"""Any process killed at any moment of many jobs: each ends once, and what succeeded is there, whole, and once.

`make test` does it in short. CHAOS_PHOTOS, CHAOS_SECONDS and CHAOS_SEEDS say how many photos (four of them make five
jobs), for how long and which seeds for `make test-long` and `make test-chaos`.
"""

import asyncio
import hashlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import httpx
import psutil
import pytest
from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_SUCCEEDED,
    JobEvent,
)
from immichvr_common.logs import get_log
from immichvr_common.manifests import read_manifest
from immichvr_common.testing.fixtures import ACK_WAIT_S
from PIL import Image

log = get_log(__name__)

IN_SHORT = pytest.param(2, 14, 6.0, id="in short")
LONG = [
    pytest.param(
        int(seed),
        int(os.environ.get("CHAOS_PHOTOS", "48")),
        float(os.environ.get("CHAOS_SECONDS", "15")),
        id=f"seed {seed}",
        marks=pytest.mark.long,
    )
    for seed in os.environ.get("CHAOS_SEEDS", "1").split()
]
CAPABLE = {
    "PYTHONPATH": str(Path(__file__).parent),
    "IMMICHVR_AI_PHOTO__MIN_SIDE": "6",
    "IMMICHVR_AI_WORK__PREFETCH": "2",
}
ENDS = (JOB_STATE_SUCCEEDED, JOB_STATE_FAILED, JOB_STATE_CANCELLED)
MAY_FAIL = {"worker_crashed", "poison"}
"""What ends a job that was worked on each time something was killed."""
_ENDS = ("succeeded", "failed", "cancelled")
_PATIENCE_S = 240.0


class Server(Protocol):
    """nats-server or SeaweedFS, embedded."""

    def kill(self) -> None: ...

    def start(self) -> Any: ...


class Part(Protocol):
    """A service as a process."""

    popen: Any

    def kill(self) -> None: ...

    def stop(self) -> None: ...


class Chaos:
    """Does things to the parts until it is told to stop. told: how often it did what to whom."""

    def __init__(self, seed: int, lease_s: float) -> None:
        self._random, self._lease_s = random.Random(seed), lease_s
        self._servers: dict[str, Server] = {}
        self._parts: dict[str, tuple[Part, Callable[[], Part]]] = {}
        self.told: Counter[str] = Counter()

    def server(self, name: str, server: Server) -> None:
        """Takes in a server."""
        self._servers[name] = server

    def part(self, name: str, start: Callable[[], Part]) -> Part:
        """Starts a service, again each time it has ended."""
        part = start()
        self._parts[name] = (part, start)
        return part

    def now(self, name: str) -> Part:
        """A service as it runs now."""
        return self._parts[name][0]

    async def rage(self, seconds: float) -> None:
        """Strikes for so long, at several parts at once too; then all of them run."""
        end = time.monotonic() + seconds
        under_way: dict[str, asyncio.Task[None]] = {}
        while time.monotonic() < end:
            await asyncio.sleep(self._random.uniform(0.1, 0.9))
            name = self._random.choice([*self._servers, *self._parts, "child", "child"])
            if name == "child":
                self._strike_child()
            elif name not in under_way or under_way[name].done():
                strike = self._strike_server if name in self._servers else self._strike_part
                under_way[name] = asyncio.create_task(strike(name))
        await asyncio.gather(*under_way.values())
        await self._mend()

    async def _strike_server(self, name: str) -> None:
        self.told[f"kill {name}"] += 1
        server = self._servers[name]
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(self._random.uniform(0, 1.5))
        await asyncio.to_thread(server.start)

    async def _strike_part(self, name: str) -> None:
        part, start = self._parts[name]
        way = self._random.choice(["kill", "kill", "end", "pause"])
        self.told[f"{way} {name}"] += 1
        family = _family(part)
        if way == "pause":
            for process in family:
                _signal(process, signal.SIGSTOP)
            await asyncio.sleep(self._random.uniform(0.2, 2 * self._lease_s))
            for process in family:
                _signal(process, signal.SIGCONT)
            return
        if way == "end":
            part.popen.terminate()
            await asyncio.sleep(self._random.uniform(0, 1))
        await asyncio.to_thread(part.stop)
        await asyncio.sleep(self._random.uniform(0, 0.5))
        self._parts[name] = (await asyncio.to_thread(start), start)

    def _strike_child(self) -> None:
        children = [process for part, _ in self._parts.values() for process in _family(part)[1:]]
        if children:
            self.told["kill a child"] += 1
            _signal(self._random.choice(children), signal.SIGKILL)

    def end(self) -> None:
        """Ends all services."""
        for part, _ in self._parts.values():
            part.stop()

    async def _mend(self) -> None:
        for name, (part, start) in list(self._parts.items()):
            if part.popen.poll() is not None:
                self._parts[name] = (await asyncio.to_thread(start), start)


def _family(part: Part) -> list[psutil.Process]:
    try:
        parent = psutil.Process(part.popen.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


class Person:
    """Somebody who asks until it is granted, and looks until it is done; whichever gateway is there.

    address: of the gateway that runs now.
    """

    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address
        self._client = httpx.AsyncClient(timeout=5)

    async def close(self) -> None:
        """Leaves."""
        await self._client.aclose()

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """An answer that is none of a gateway that is away, starting or without what it needs."""
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                try:
                    answer = await self._client.request(method, f"{self._address()}{path}", **more)
                except httpx.TransportError:
                    answer = None
                if answer is not None and answer.status_code < 500:
                    return answer
                await asyncio.sleep(0.2)

    async def wish(self, photo_id: str, what: str, how: dict[str, object]) -> str:
        """The id of the job that makes it."""
        answer = await self.ask("POST", f"/api/photos/{photo_id}/{what}", json=how)
        assert answer.status_code in (200, 202), answer.text
        return str(answer.json()["job"]["id"])

    async def all_ended(self, job_ids: list[str]) -> dict[str, dict[str, Any]]:
        """These jobs once every one has ended; it may take long, but not long without another one's end."""
        ended: dict[str, dict[str, Any]] = {}
        end = time.monotonic() + _PATIENCE_S
        while len(ended) < len(job_ids):
            for job_id in job_ids:
                if job_id not in ended:
                    job = (await self.ask("GET", f"/api/jobs/{job_id}")).json()
                    if job.get("state") in _ENDS:
                        ended[job_id] = job
                        end = time.monotonic() + _PATIENCE_S
                    else:
                        assert time.monotonic() < end, (
                            f"{job['state']} {job['run']} {job['attempts']} {job['progress']}"
                        )
                        await asyncio.sleep(0.1)
                        break
        return ended


def photos(folder: Path, count: int, seed: int) -> list[str]:
    """Names of photos that differ, in the folder; of every fortieth a splat is really made."""
    names = [f"{'real' if number % 40 == 0 else 'chaos'}-{seed}-{number:03}.jpg" for number in range(count)]
    for number, name in enumerate(names):
        size = (96, 72) if name.startswith("real") else (8, 6)
        Image.new("RGB", size, (number % 256, number // 256, seed % 256)).save(folder / name)
    return names


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("seed", "count", "seconds"), [IN_SHORT, *LONG])
async def test_whatever_is_killed_every_job_ends_once_and_what_succeeded_is_there_whole_and_once(
    tmp_path: Path, start_gateway, start_worker, bus_server, object_server, store, bus, seed, count, seconds
) -> None:
    (tmp_path / "photos").mkdir()
    names = photos(tmp_path / "photos", count, seed)
    chaos = Chaos(seed, ACK_WAIT_S)

    def gateway():
        return start_gateway(IMMICHVR_GATEWAY_PHOTOS=str(tmp_path / "photos"), IMMICHVR_GATEWAY_CACHE=str(tmp_path))

    chaos.part("gateway", gateway).wait_until_ready()
    script = str(Path(__file__).with_name("chaos_worker.py"))
    for name, service in (("ai-1", "ai"), ("ai-2", "ai"), ("converter", "converter")):
        chaos.part(name, lambda name=name, service=service: start_worker(name, script, service, **CAPABLE))
    ids = chaos.now("gateway").ids
    person = Person(lambda: chaos.now("gateway").url)
    chaos.server("nats", bus_server)
    chaos.server("seaweedfs", object_server)
    asked = asyncio.create_task(_ask(person, [ids[name] for name in names]))
    raging = asyncio.create_task(chaos.rage(seconds))
    jobs = await asked
    await raging
    ended = await person.all_ended(list(jobs))
    told = Counter(job["state"] if job["state"] != "failed" else job["error"]["code"] for job in ended.values())
    log.info("all jobs have ended", seed=seed, ends=dict(told), strikes=dict(chaos.told))
    assert set(told) <= {"succeeded", *MAY_FAIL}, [job["error"] for job in ended.values() if job["error"]]
    # Of few jobs, two that were struck each time they were tried are many.
    assert told["succeeded"] >= 0.8 * len(jobs) - 2, told
    for job_id, job in ended.items():
        if job["state"] == "failed":
            assert job["error"]["retriable"], job
            assert (await person.ask("POST", f"/api/jobs/{job_id}/retry")).status_code in (202, 409)
    real = await _check(store, await person.all_ended(list(jobs)), jobs)
    assert real == sum(name.startswith("real") for name in names)
    await _check_ends(bus, list(jobs))
    await person.close()
    chaos.end()


async def _ask(person: Person, ids: list[str]) -> dict[str, str]:
    """The jobs, and which of them also make a light variant; several are asked for at a time."""
    jobs = {}
    wishes = iter(enumerate(ids))

    async def one_after_another() -> None:
        for number, photo_id in wishes:
            if number % 4 == 0:
                jobs[await person.wish(photo_id, "splat", {"quality": "light"})] = "light"
            else:
                jobs[await person.wish(photo_id, "splat" if number % 4 == 1 else "depth", {})] = ""

    await asyncio.gather(*(one_after_another() for _ in range(8)))
    return jobs


async def _check(store, ended, jobs) -> int:
    """Every file is what its manifest says, and light variants are there; how many splats were really made."""
    real = 0
    for job_id, job in ended.items():
        assert job["state"] == "succeeded", job
        assert job["outputs"], job
        keys = [
            key
            for root in ("splats/", "depth/")
            for key in await store.list_keys(f"{root}{job['photo_id']}_")
            if key.endswith("/manifest.json")
        ]
        manifests = [(await read_manifest(store, key))[0] for key in keys]
        names = [manifest.asset_key for manifest in manifests]
        assert len(set(names)) == len(names), names
        assert set(job["outputs"]) <= set(names), (job, names)
        for file in [file for manifest in manifests for file in manifest.files]:
            data = (await store.get_bytes(file.key)).data
            assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size, file.sha256), file
            real += file.variant == "light" and not data.startswith(b"splat.")
        if jobs[job_id] == "light":
            variants = {file.variant for manifest in manifests for file in manifest.files}
            assert "light" in variants, (job, variants)
    return real


async def _check_ends(bus, job_ids: list[str]) -> None:
    """No run of a job has told two ends."""
    ends: Counter[tuple[str, int]] = Counter()
    subscription = await bus.js.subscribe("events.*.job.*", ordered_consumer=True)
    last = (await bus.js.stream_info("EVENTS")).state.last_seq
    while (pending := await subscription.next_msg(timeout=10)).metadata.sequence.stream < last:
        event = json_format.Parse(pending.data, JobEvent(), ignore_unknown_fields=True)
        if event.state in ENDS:
            ends[event.job_id, event.run] += 1
        if pending.metadata.num_pending == 0:
            break
    await subscription.unsubscribe()
    assert not {one: count for one, count in ends.items() if one[0] in set(job_ids) and count > 1}
