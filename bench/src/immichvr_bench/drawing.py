"""How a splat that the service draws follows who looks at it: 500,000 Gaussians, poses 60 times a second.

python -m immichvr_bench.drawing [--seconds 8]

The session is the service's own; its client is in the same process, so that what is measured is drawing, packing as
JPEG and waiting, not the network. Prints a table and writes bench/results/drawing.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import platform
import statistics
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgpack
from immichvr_ai.live.reading import Limits
from immichvr_ai.render.renderers import open_renderer
from immichvr_ai.render.session import converse
from immichvr_splats import Camera
from rich.console import Console
from rich.table import Table

from immichvr_bench.render import inputs

_RESULTS = Path("bench/results/drawing.json")
_POSES_PER_S = 60
_TURN_S, _LEAN_M = 4.0, 0.2
_REST_S = 1.5


class Onlooker:
    """Leans to and fro, acknowledges each picture at once, and rests at the end."""

    def __init__(self, camera: Camera, seconds: float) -> None:
        self._camera, self._seconds = camera, seconds
        self._up: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.pictures: list[dict[str, Any]] = []
        self._asked: dict[int, float] = {}

    async def incoming(self) -> AsyncIterator[bytes]:
        """What it says."""
        while (message := await self._up.get()) is not None:
            yield message

    async def hear(self, message: bytes) -> None:
        """Takes a picture in."""
        told = msgpack.unpackb(message)
        if told["type"] == "picture":
            told["latency"] = time.perf_counter() - self._asked[told["seq"]]
            told["bytes"] = len(message)
            self.pictures.append(told)
            self._say(type="ack", seq=told["seq"])

    async def look(self) -> None:
        """Leans for a while, then rests."""
        self._say(type="hello", version=1, output="picture")
        began, seq = time.perf_counter(), 0
        while (passed := time.perf_counter() - began) < self._seconds:
            seq += 1
            self._asked[seq] = time.perf_counter()
            aside = _LEAN_M * math.sin(2 * math.pi * passed / _TURN_S)
            self._say(type="pose", seq=seq, t=0, place=[1, 0, 0, -aside, 0, 1, 0, 0, 0, 0, 1, 0], **self._lens())
            await asyncio.sleep(1 / _POSES_PER_S)
        await asyncio.sleep(_REST_S)
        self._up.put_nowait(None)

    def _lens(self) -> dict[str, float]:
        return {name: getattr(self._camera, name) for name in ("fx", "fy", "cx", "cy", "width", "height")}

    def _say(self, **fields: object) -> None:
        self._up.put_nowait(msgpack.packb(fields))


def measure(seconds: float) -> dict[str, Any]:
    """Each cloud in turn."""
    found: dict[str, Any] = {}
    for name, (cloud, camera) in inputs().items():
        renderer = open_renderer(cloud, on_gpu=False)
        found[name] = asyncio.run(_watched(renderer, Onlooker(camera, seconds)))
    return found


async def _watched(renderer: Any, onlooker: Onlooker) -> dict[str, Any]:
    cpu, began = time.process_time(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        group.create_task(onlooker.look())
        group.create_task(converse(renderer, onlooker.incoming(), onlooker.hear, Limits()))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - began - _REST_S
    settled = onlooker.pictures[-1]
    moving = [one for one in onlooker.pictures if one["seq"] < settled["seq"]]
    latencies = sorted(one["latency"] for one in moving)
    return {
        "pictures_per_s": round(len(moving) / wall, 1),
        "latency_ms_p50": round(1000 * statistics.median(latencies)),
        "latency_ms_p95": round(1000 * latencies[int(0.95 * len(latencies))]),
        "render_ms_p50": round(1000 * statistics.median(one["timings"]["render"] for one in moving)),
        "encode_ms_p50": round(1000 * statistics.median(one["timings"]["encode"] for one in moving), 1),
        "width_p50": statistics.median(one["width"] for one in moving),
        "settled": [settled["width"], settled["height"], round(1000 * settled["timings"]["render"])],
        "kb_per_picture": round(statistics.median(one["bytes"] for one in moving) / 1000),
        "cpu_ms_per_picture": round(1000 * cpu / len(onlooker.pictures)),
        "dropped": settled["dropped"],
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8)
    results = measure(parser.parse_args().seconds)
    table = Table("figure", *results)
    for figure in next(iter(results.values())):
        table.add_row(figure, *(str(found[figure]) for found in results.values()))
    Console(width=120).print(table)
    about = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "results": results,
    }
    _RESULTS.write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
