"""What transport and packing of live splats cost: real NATS, gateway and worker, a model that answers at once.

python -m immichvr_bench.live [--seconds N]; everything, this client too, runs on one core. CPU times hold on a busy
machine too, frames per second of the clock do not.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import platform
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
from immichvr_ai.live.packing import Format, pack
from PIL import Image
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import connect

from immichvr_bench.live_worker import SPLATS, ReadyMade
from immichvr_bench.stack import Stack, running_stack

_RESULTS = Path("bench/results/live.json")
_FORMATS: tuple[Format, ...] = ("spark16", "fp16", "fp32", "spz")
_IN_FLIGHT = 2
_WARM_FRAMES = 20
_PACKINGS = 40
_SERVERS = ("gateway", "worker")
_LIMITS = {"frames_per_s_of_one_core": 60, "bytes_per_frame": 350_000}


def packing_ms(output_format: Format) -> float:
    """Median CPU milliseconds of packing one frame."""
    gaussians = ReadyMade().gaussians
    pack(gaussians, output_format, 0.02, SPLATS)
    seconds = []
    for _ in range(_PACKINGS):
        start = time.thread_time()
        pack(gaussians, output_format, 0.02, SPLATS)
        seconds.append(time.thread_time() - start)
    return statistics.median(seconds) * 1000


async def stream(stack: Stack, output_format: Format, seconds: float) -> dict[str, Any]:
    """Streams frames for so long, two under way at a time."""
    picture = _jpeg()
    address = stack.address.replace("http", "ws") + "/api/stream"
    async with connect(address, max_size=None, compression=None) as socket:
        hello = {"type": "hello", "version": 1, "model": "heuristic", "max_gaussians": SPLATS, "format": output_format}
        await socket.send(msgpack.packb(hello))
        ready = msgpack.unpackb(await socket.recv())
        if ready["type"] != "ready":
            raise RuntimeError(f"the session did not begin: {ready}")
        seq, size, latencies = 0, 0, []

        async def send() -> None:
            nonlocal seq
            seq += 1
            frame = {"type": "frame", "seq": seq, "t": time.perf_counter(), "jpeg": picture}
            await socket.send(msgpack.packb(frame))

        for _ in range(_IN_FLIGHT):
            await send()
        frames = -_WARM_FRAMES
        before, own, start = stack.cpu_seconds(), time.process_time(), time.perf_counter()
        while frames <= 0 or time.perf_counter() - start < seconds:
            message = await socket.recv()
            result = msgpack.unpackb(message)
            if result["n"] != SPLATS:
                raise RuntimeError(f"{result['n']} splats came where {SPLATS} were sent")
            await socket.send(msgpack.packb({"type": "ack", "seq": result["seq"]}))
            await send()
            frames += 1
            if frames == 0:
                before, own, start = stack.cpu_seconds(), time.process_time(), time.perf_counter()
            elif frames > 0:
                size = len(message)
                latencies.append(time.perf_counter() - result["t"])
        wall, used, ours = time.perf_counter() - start, stack.cpu_seconds(), time.process_time() - own
    cpu = {name: (used[name] - before[name]) / frames * 1000 for name in before} | {"this client": ours / frames * 1000}
    servers = sum(cpu[name] for name in _SERVERS)
    return {
        "frames_per_s_of_one_core": round(1000 / servers, 1),
        "frames_per_s_by_the_clock": round(frames / wall, 1),
        "bytes_per_frame": size,
        "latency_ms_p50": round(statistics.median(latencies) * 1000, 2),
        "packing_ms": round(packing_ms(output_format), 2),
        "cpu_ms_per_frame": {name: round(value, 2) for name, value in cpu.items()},
        "frames": frames,
    }


def _jpeg() -> bytes:
    """A frame of 512 × 384 as a webcam gives it, in about 40 kB."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 255, (96, 128, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(coarse).resize((512, 384), Image.Resampling.BICUBIC).save(out, "JPEG", quality=80)
    return out.getvalue()


async def measure(stack: Stack, seconds: float) -> dict[str, Any]:
    """Every format in turn."""
    formats = {name: await stream(stack, name, seconds) for name in _FORMATS}
    return {
        "formats": formats,
        "splats": SPLATS,
        "frame_bytes_up": len(_jpeg()),
        "machine": f"{platform.machine()}, one core, Python {platform.python_version()}",
        "load_1_min": round(os.getloadavg()[0], 1),
        "date": datetime.now(UTC).date().isoformat(),
    }


def main() -> None:
    """Measures and shows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="of streaming, for each format")
    seconds = parser.parse_args().seconds
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder), "immichvr_bench.live_worker") as stack:
        results = asyncio.run(measure(stack, seconds))
    table = Table(title=f"Live: transport and packing of {SPLATS:,} splats")
    for name in ("figure", *_FORMATS, "limit (spark16)"):
        table.add_column(name)
    rows = [name for name in results["formats"]["spark16"] if name != "cpu_ms_per_frame"]
    for row in rows:
        values = [str(results["formats"][name][row]) for name in _FORMATS]
        limit = _LIMITS.get(row)
        bound = "" if limit is None else f"{'≥' if row.startswith('frames') else '≤'} {limit:,}"
        table.add_row(row, *values, bound)
    for part in results["formats"]["spark16"]["cpu_ms_per_frame"]:
        values = [str(results["formats"][name]["cpu_ms_per_frame"][part]) for name in _FORMATS]
        table.add_row(f"  CPU ms: {part}", *values, "")
    Console().print(table)
    _RESULTS.parent.mkdir(parents=True, exist_ok=True)
    _RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
