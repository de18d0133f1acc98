"""How long a worker takes to wake: from the start of its process until it has taken its first job, which waits already.

Starting a pod (scheduling, pulling its image) comes before that and is the cluster's. Caches of compiled kernels are
warm after the first round, which is not counted. Prints a table and writes bench/results/waking.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import JOB_STATE_FAILED, JOB_STATE_RUNNING, JOB_STATE_SUCCEEDED, JobEvent
from immichvr_catalog import DEPTH, KINDS, SERVICES, SPLAT
from immichvr_common.bus import Bus, BusMessage, connect
from immichvr_common.embedded import NatsServer, SeaweedServer, free_ports, stop_process
from rich.console import Console
from rich.table import Table

from immichvr_bench.gpu_photos import jpeg
from immichvr_bench.stack import await_ready, environment, start

CONVERT = "convert"
LIMITS = {KINDS[SPLAT].service: 12.0, KINDS[CONVERT].service: 6.0}
"""Seconds to the first job taken, by the services in the order in which they are measured."""
_FORMATS = ("splat", "ksplat", "compressed-ply", "sog", "glb")
_AGAIN = {DEPTH: {"force": True}}
_PATIENCE_S = 180
_RESULTS = Path("bench/results/waking.json")


@dataclass
class Round:
    """What one start of a worker came to, in seconds. cpu_s: of the process and its children, when the job was done."""

    taken_s: float
    done_s: float
    cpu_s: float


@dataclass
class Jobs:
    """A gateway that is asked for jobs, and what is told of them."""

    http: httpx.AsyncClient
    photo_id: str
    told: asyncio.Queue[tuple[float, JobEvent]] = field(default_factory=asyncio.Queue)

    async def listen(self, bus: Bus) -> None:
        """Hears of every job."""

        async def hear(message: BusMessage) -> None:
            event = json_format.Parse(message.data, JobEvent(), ignore_unknown_fields=True)
            self.told.put_nowait((time.perf_counter(), event))

        await bus.subscribe("events.*.job.*", hear)

    async def ask(self, service: str, number: int) -> str:
        """Has a job of a service wait; its id. Number 0 makes what the others need."""
        what, wish = SPLAT if number == 0 else DEPTH, {"model": "lift-heuristic" if number == 0 else "heuristic"}
        if service == KINDS[CONVERT].service:
            what, wish = f"{SPLAT}/{CONVERT}", {"format": _FORMATS[number % len(_FORMATS)]}
        answer = await self.http.post(f"/api/photos/{self.photo_id}/{what}", json={**wish, **_AGAIN.get(what, {})})
        answer.raise_for_status()
        if answer.status_code != httpx.codes.ACCEPTED:
            raise RuntimeError(f"{what} of {wish} is there already: no worker need wake for it")
        return str(answer.json()["job"]["id"])

    async def when(self, job_id: str, state: int) -> float:
        """When a state of a job was told. Raises RuntimeError where it failed."""
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                at, event = await self.told.get()
                if event.job_id == job_id and event.state == JOB_STATE_FAILED:
                    raise RuntimeError(f"a job failed: {event.error.message}")
                if event.job_id == job_id and event.state == state:
                    return at


async def wake(jobs: Jobs, service: str, number: int, settings: dict[str, str]) -> Round:
    """Has one job wait for a worker that is not there, starts it, and ends it after that job."""
    job_id = await jobs.ask(service, number)
    began = time.perf_counter()
    process = start(SERVICES[service].module, settings)
    try:
        taken = await jobs.when(job_id, JOB_STATE_RUNNING)
        done = await jobs.when(job_id, JOB_STATE_SUCCEEDED)
        return Round(taken - began, done - began, _cpu_seconds(process))
    finally:
        await asyncio.to_thread(stop_process, process)


def _cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    parent = psutil.Process(process.pid)
    times = [one.cpu_times() for one in (parent, *parent.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


async def measure(rounds: int, folder: Path) -> dict[str, list[Round]]:
    """Wakes the AI service, then the converter with what that made."""
    (folder / "photos").mkdir()
    (folder / "photos" / "photo.jpg").write_bytes(jpeg(1536, 1152))
    nats, weed = NatsServer(folder / "nats").start(), SeaweedServer(folder / "weed").start()
    port = free_ports(1)[0]
    address = f"http://127.0.0.1:{port}"
    own = {"IMMICHVR_GATEWAY_PORT": str(port), "IMMICHVR_GATEWAY_PHOTOS": str(folder / "photos")}
    gateway = start("immichvr_gateway", environment("GATEWAY", nats, weed) | own)
    try:
        await asyncio.to_thread(await_ready, address)
        bus = await connect(nats.settings("gateway"), "bench")
        async with httpx.AsyncClient(base_url=address, timeout=30, trust_env=False) as http:
            [photo] = (await http.get("/api/photos")).json()["items"]
            jobs = Jobs(http, photo["id"])
            await jobs.listen(bus)
            found = {}
            for service in LIMITS:
                settings = environment(service.upper(), nats, weed) | {"IMMICHVR_MODELS_OFFLINE": "1"}
                found[service] = [await wake(jobs, service, number, settings) for number in range(rounds + 1)][1:]
        await bus.close()
        return found
    finally:
        for stop in (lambda: stop_process(gateway), weed.stop, nats.stop):
            await asyncio.to_thread(stop)


def main(arguments: list[str] | None = None, results: Path = _RESULTS) -> dict[str, Any]:
    """Measures and shows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        found = asyncio.run(measure(options.rounds, Path(folder)))
    table = Table("service", "first job taken, s", "limit, s", "first job done, s", "CPU, s", title="Waking a worker")
    figures: dict[str, Any] = {}
    for service, rounds in found.items():
        of_service = {
            name: round(statistics.median(getattr(one, name) for one in rounds), 2)
            for name in ("taken_s", "done_s", "cpu_s")
        }
        figures[service] = {**of_service, "slowest_taken_s": round(max(one.taken_s for one in rounds), 2)}
        told = [str(of_service[name]) for name in ("taken_s", "done_s", "cpu_s")]
        table.add_row(service, told[0], f"≤ {LIMITS[service]:g}", *told[1:])
    Console().print(table)
    figures |= {
        "rounds": options.rounds,
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "date": datetime.now(UTC).date().isoformat(),
    }
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps(figures, indent=2) + "\n")
    return figures


if __name__ == "__main__":
    main()
