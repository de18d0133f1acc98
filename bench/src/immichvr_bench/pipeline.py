"""What the pipeline adds to a job: from the POST to `succeeded` as a Socket.IO client sees it.

Trivial model, source staged, one small object and its manifest written. Prints a table and writes
bench/results/pipeline.json.
"""

from __future__ import annotations

import asyncio
import json
import platform
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import socketio
from PIL import Image
from rich.console import Console
from rich.table import Table

from immichvr_bench.stack import Stack, running_stack

_PHOTOS = 64
_ONE_BY_ONE = 200
_TOGETHER = 32
_TOGETHER_JOBS = 600
_RESULTS = Path("bench/results/pipeline.json")
_LIMITS = {"overhead_ms_p50": 25, "overhead_ms_p99": 150, "jobs_per_s": 60}


class Client:
    """Asks for jobs over HTTP and hears of their end over Socket.IO."""

    def __init__(self, http: httpx.AsyncClient, photo_ids: list[str]) -> None:
        self.http, self.photo_ids = http, photo_ids
        self.sockets = socketio.AsyncClient()
        self.jobs: list[dict[str, Any]] = []
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self.sockets.on("job:update", self._on_update)

    async def _on_update(self, job: dict[str, Any]) -> None:
        future = self._waiting.get(job["photo_id"])
        if future is not None and not future.done() and job["state"] in ("succeeded", "failed"):
            future.set_result(job)

    async def remake(self, photo_id: str) -> float:
        """Seconds from the POST to the end of a job that makes a photo's depth anew."""
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[photo_id] = future
        start = time.perf_counter()
        answer = await self.http.post(f"/api/photos/{photo_id}/depth", json={"model": "heuristic", "force": True})
        answer.raise_for_status()
        job = await asyncio.wait_for(future, 30)
        seconds = time.perf_counter() - start
        if job["state"] != "succeeded":
            raise RuntimeError(f"a job failed: {job['error']}")
        self.jobs.append(job)
        return seconds


async def measure(stack: Stack) -> dict[str, Any]:
    """Runs both measurements against a gateway."""
    async with httpx.AsyncClient(base_url=stack.address, timeout=30, trust_env=False) as http:
        page = (await http.get("/api/photos", params={"limit": _PHOTOS})).json()
        client = Client(http, [photo["id"] for photo in page["items"]])
        await client.sockets.connect(stack.address, socketio_path="/api/socket.io", transports=["websocket"])
        for photo_id in client.photo_ids:
            await client.remake(photo_id)
        client.jobs.clear()
        seconds = [await client.remake(client.photo_ids[i % _PHOTOS]) for i in range(_ONE_BY_ONE)]
        phases = _phases(client.jobs)
        before, own = stack.cpu_seconds(), time.process_time()
        start = time.perf_counter()
        await _together(client)
        rate = _TOGETHER_JOBS / (time.perf_counter() - start)
        cpu = {name: used - before[name] for name, used in stack.cpu_seconds().items()}
        cpu["this client"] = time.process_time() - own
        await client.sockets.disconnect()
    milliseconds = np.array(seconds) * 1000
    return {
        "overhead_ms_p50": round(float(np.percentile(milliseconds, 50)), 2),
        "overhead_ms_p99": round(float(np.percentile(milliseconds, 99)), 2),
        "jobs_per_s": round(rate, 1),
        "phases_ms": phases,
        "cpu_ms_per_job": {name: round(used / _TOGETHER_JOBS * 1000, 2) for name, used in cpu.items()},
        "one_by_one_jobs": _ONE_BY_ONE,
        "in_flight": _TOGETHER,
        "machine": f"{platform.machine()}, {_cores()} cores, Python {platform.python_version()}",
        "date": datetime.now(UTC).date().isoformat(),
    }


async def _together(client: Client) -> None:
    remaining = iter(range(_TOGETHER_JOBS))

    async def one_after_another(photo_id: str) -> None:
        for _ in remaining:
            await client.remake(photo_id)

    await asyncio.gather(*(one_after_another(photo_id) for photo_id in client.photo_ids[:_TOGETHER]))


def _phases(jobs: list[dict[str, Any]]) -> dict[str, float]:
    """Median milliseconds of each step that jobs themselves tell of."""
    seconds: dict[str, list[float]] = {}
    for job in jobs:
        for step in job["timeline"]:
            seconds.setdefault(step["stage"], []).append(step["seconds"])
    return {stage: round(statistics.median(values) * 1000, 2) for stage, values in seconds.items()}


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0


def _make_photos(folder: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(_PHOTOS):
        pixels = random.integers(0, 255, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03}.jpg")


def main() -> None:
    """Measures and shows."""
    with tempfile.TemporaryDirectory() as folder:
        _make_photos(Path(folder))
        with running_stack(Path(folder), "immichvr_bench.trivial") as stack:
            results = asyncio.run(measure(stack))
    table = Table("figure", "measured", "limit", title="Pipeline overhead")
    for name, limit in _LIMITS.items():
        table.add_row(name, str(results[name]), f"{'≥' if name == 'jobs_per_s' else '≤'} {limit}")
    for name, value in results["phases_ms"].items():
        table.add_row(f"  median ms: {name}", str(value), "")
    for name, value in results["cpu_ms_per_job"].items():
        table.add_row(f"  CPU ms per job: {name}", str(value), "")
    Console().print(table)
    _RESULTS.parent.mkdir(parents=True, exist_ok=True)
    _RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
