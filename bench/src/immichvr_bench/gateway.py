"""What the gateway adds to a library of 50,000 photos: pages, badges, timeline, thumbnails, files, news, memory.

Immich is a stand-in whose answers cost next to nothing, so that what is measured beside it is the gateway's own time.
Prints a table and writes bench/results/gateway.json, of what went wrong as `null` with the reason in the table.
`--quick`: smaller and shorter, to see that it runs. `--only`: one part, of which nothing is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import platform
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import httpx
import numpy as np
import psutil
from immichvr.events.v1.events_pb2 import ModelEvent
from immichvr_catalog import SPLAT
from immichvr_common.bus import Bus, connect
from immichvr_common.bus.subjects import event_subject
from immichvr_common.embedded import NatsServer, SeaweedServer, free_ports, stop_process
from immichvr_common.manifests import AssetFile, Manifest, asset_prefix
from immichvr_common.reporting import encode
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_socket

from immichvr_bench.gateway_filled import MODEL, RECIPE
from immichvr_bench.gateway_immich import newest_month, photo_id
from immichvr_bench.stack import await_ready, environment, start

RESULTS = Path("bench/results/gateway.json")
_KEY = {"x-api-key": "k" * 43}
_PAGE = 60
_RANGE = 8 * 1024 * 1024
_TOGETHER = 16
_READY_S = 120.0
_LIMITS = {
    "map_50k_ms_p50": "≤ 150", "page_ms_p50": "≤ the stand-in's + 60", "asset_mb_per_s": "≥ 400",
    "fanout_p99_ms": "≤ 200", "soak_growth_mb": "< 20 in ten minutes",
}  # fmt: skip
FIGURES = (
    "map_50k_ms_p50", "page_ms_p50", "stub_page_ms_p50", "timeline_ms_p50", "month_ms_p50", "thumbnails_per_s",
    "thumbnail_cpu_ms", "asset_mb_per_s", "asset_cpu_ms_per_mb", "fanout_p99_ms", "soak_growth_mb",
)  # fmt: skip


@dataclass(frozen=True)
class Amounts:
    """How much is done of each."""

    photos: int = 50_000
    rounds: int = 40
    thumbnails: int = 4000
    file_bytes: int = 64 * 1024 * 1024
    ranges: int = 128
    sockets: int = 500
    news: int = 30
    warm_s: float = 60
    soak_s: float = 300


QUICK = Amounts(2000, 5, 200, 16 * 1024 * 1024, 16, 20, 5, 2, 5)


@dataclass(frozen=True)
class House:
    """What runs: addresses, NATS, and the gateway's process."""

    gateway: str
    immich: str
    nats: NatsServer
    pid: int

    def cpu_seconds(self) -> float:
        """What the gateway has used so far, which means something on a busy machine, too."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)


@contextmanager
def running_house(amounts: Amounts) -> Iterator[House]:
    """NATS, S3 with one splat in it, the stand-in for Immich, and a gateway that knows of one splat of each photo."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        nats, weed = NatsServer(Path(folder, "nats")).start(), SeaweedServer(Path(folder, "weed")).start()
        gateway_port, immich_port = free_ports(2)
        gateway, immich = f"http://127.0.0.1:{gateway_port}", f"http://127.0.0.1:{immich_port}"
        asyncio.run(_store_splat(ObjectStore(weed.settings(service="gateway")), amounts.file_bytes))
        own = {
            "IMMICHVR_GATEWAY_PORT": str(gateway_port),
            "IMMICH_URL": immich,
            # A person does not ask that often; what is measured is not the refusal.
            "IMMICHVR_GATEWAY_LIMITS__REQUESTS_PER_MINUTE": "100000000",
        }
        processes = [
            start("immichvr_bench.gateway_immich", {}, str(immich_port), str(amounts.photos)),
            start("immichvr_bench.gateway_filled", environment("GATEWAY", nats, weed) | own, str(amounts.photos)),
        ]
        try:
            await_ready(gateway, 180)
            yield House(gateway, immich, nats, processes[1].pid)
        finally:
            for process in reversed(processes):
                stop_process(process)
            weed.stop()
            nats.stop()


async def _store_splat(store: ObjectStore, size: int) -> None:
    await store.ensure_bucket()
    source, now = Source.photo(photo_id(0)), datetime.now(UTC)
    data = np.random.default_rng(0).bytes(size)
    key = f"{asset_prefix(SPLAT, source, MODEL, RECIPE)}/splat.spz"
    await store.put_bytes(key, data, "application/octet-stream")
    file = AssetFile(
        name="splat.spz", role="splat", format="spz", key=key, size=size, sha256=hashlib.sha256(data).hexdigest(),
        media_type="application/octet-stream",
    )  # fmt: skip
    manifest = Manifest(
        kind=SPLAT, source=source, source_version="0" * 16, model_key=MODEL, recipe=RECIPE, files=[file],
        job_id="bench", run=1, attempt=1, requested_at=now,
    )  # fmt: skip
    await store.put_bytes(manifest.key, manifest.encode(), "application/json")
    store.close()


@dataclass
class Findings:
    """What came of it. figures: None where it went wrong; told: what else there is to say, and what went wrong."""

    figures: dict[str, float | None]
    told: dict[str, str]


async def measure(house: House, amounts: Amounts, only: str = "") -> Findings:
    """The figures, or those of one part. One part that goes wrong costs none of the others."""
    found = Findings(dict.fromkeys(FIGURES), {})
    for name, part in PARTS.items():
        if only not in ("", name):
            continue
        try:
            found.figures |= await part(house, amounts, found.told)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is shown, and the others are measured
            found.told[f"{name} went wrong"] = f"{type(error).__name__}: {error}"
    return found


async def _lists(house: House, amounts: Amounts, told: dict[str, str]) -> dict[str, float]:
    page, months = f"{house.gateway}/api/photos?limit={_PAGE}", f"{house.gateway}/api/timeline"
    the_map, month = f"{house.gateway}/api/assets/map", f"{months}/{newest_month()}?limit=200"
    limits = httpx.Limits(max_connections=_TOGETHER)
    async with httpx.AsyncClient(timeout=120, trust_env=False, headers=_KEY, limits=limits) as http:
        told["first page"] = f"{await _seconds(lambda: _get(http, page)) * 1000:.0f} ms"
        first_map = await _seconds(lambda: _get(http, the_map))
        told["first map"] = f"{first_map * 1000:.0f} ms, Immich's timeline read whole"
        count = (await _get(http, the_map)).json()["count"]
        if count != amounts.photos:
            raise RuntimeError(f"the map tells of {count} photos and not of {amounts.photos}")
        asked = {
            "page": lambda: _get(http, page), "stub_page": lambda: _stub_page(http, house.immich),
            "map_50k": lambda: _get(http, the_map), "timeline": lambda: _get(http, months),
            "month": lambda: _get(http, month),
        }  # fmt: skip
        took: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(amounts.rounds):  # in turns, so that a busy machine is busy for all of them
            for name, ask in asked.items():
                took[name].append(await _seconds(ask))
    return {f"{name}_ms_p50": _milliseconds(seconds, 50) for name, seconds in took.items()}


async def _get(http: httpx.AsyncClient, url: str, **headers: str) -> httpx.Response:
    answer = await http.get(url, headers=headers)
    answer.raise_for_status()
    return answer


async def _stub_page(http: httpx.AsyncClient, immich: str) -> None:
    query = {"type": "IMAGE", "visibility": "timeline", "withExif": True, "page": 1, "size": _PAGE}
    (await http.post(f"{immich}/api/search/metadata", json=query)).raise_for_status()


async def _seconds(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


class _Answers(asyncio.BufferedProtocol):
    """Answers that come over one connection, of which nothing is kept: next to no work, so that little is taken from
    what is measured."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._room = memoryview(bytearray(1024 * 1024))
        self._head, self._left, self._length = bytearray(), 0, 0
        self._done: asyncio.Future[int] | None = None

    async def ask(self, question: str) -> int:
        """Sends a request; the bytes of its answer's body, once all came."""
        self._head.clear()
        self._left, self._done = -1, asyncio.get_running_loop().create_future()
        self.transport.write(question.encode())
        return await self._done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio, as those below."""
        self.transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to write what comes."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes came."""
        if self._left >= 0:
            self._left -= nbytes
        else:
            self._head += self._room[:nbytes]
            head, end, body = bytes(self._head).partition(b"\r\n\r\n")
            if not end:
                return
            lines = head.decode("latin-1").lower()
            if int(lines.split()[1]) not in (200, 206):
                self._fail(RuntimeError(f"the answer was {lines.splitlines()[0]}"))
                return
            self._length = int(lines.partition("content-length:")[2].split()[0])
            self._left = self._length - len(body)
        if self._left == 0 and self._done is not None:
            self._done.set_result(self._length)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more comes."""
        self._fail(exc or ConnectionError("the connection ended in the middle"))

    def _fail(self, why: Exception) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(why)


async def _together(address: str, wishes: list[tuple[str, str]]) -> tuple[float, list[float], int]:
    """Asks for paths, each with a range or none, over some connections at once.

    Returns the seconds it took, those of each answer, and the bytes of all.
    """
    url, remaining, loop = httpx.URL(address), iter(wishes), asyncio.get_running_loop()
    host = f"host: {url.host}:{url.port}\r\nx-api-key: {_KEY['x-api-key']}\r\n"
    seconds: list[float] = []

    async def one_after_another() -> int:
        _, answers = await loop.create_connection(_Answers, url.host, url.port or 80)
        read = 0
        for path, part in remaining:
            began = time.perf_counter()
            ranged = f"range: bytes={part}\r\n" if part else ""
            read += await answers.ask(f"GET {path} HTTP/1.1\r\n{host}{ranged}\r\n")
            seconds.append(time.perf_counter() - began)
        answers.transport.close()
        return read

    began = time.perf_counter()
    read = sum(await asyncio.gather(*(one_after_another() for _ in range(min(_TOGETHER, len(wishes))))))
    return time.perf_counter() - began, seconds, read


async def _thumbnails(house: House, amounts: Amounts, told: dict[str, str]) -> dict[str, float]:
    """Thumbnails a second, of photos that a page has shown, beside the stand-in's own; and the gateway's CPU."""
    ids, before = [photo_id(number % _PAGE) for number in range(amounts.thumbnails)], house.cpu_seconds()
    took, seconds, _ = await _together(house.gateway, [(f"/api/photos/{one}/thumbnail", "") for one in ids])
    cpu = house.cpu_seconds() - before
    stub_took, stub_seconds, _ = await _together(house.immich, [(f"/api/assets/{one}/thumbnail", "") for one in ids])
    told["thumbnails, p99"] = f"{_milliseconds(seconds, 99):.1f} ms"
    told["thumbnails of the stand-in"] = f"{len(ids) / stub_took:.0f} /s, p99 {_milliseconds(stub_seconds, 99):.1f} ms"
    return {"thumbnails_per_s": round(len(ids) / took, 1), "thumbnail_cpu_ms": round(cpu / len(ids) * 1000, 2)}


async def _ranges(house: House, amounts: Amounts, told: dict[str, str]) -> dict[str, float]:
    """Bytes a second of one splat's file, in ranges; and the gateway's CPU."""
    path = f"/api/photos/{photo_id(0)}/assets/{SPLAT}-{MODEL}/splat.spz"
    starts, before = [number * _RANGE % amounts.file_bytes for number in range(amounts.ranges)], house.cpu_seconds()
    took, _, read = await _together(house.gateway, [(path, f"{start}-{start + _RANGE - 1}") for start in starts])
    cpu = house.cpu_seconds() - before
    return {"asset_mb_per_s": round(read / took / 1e6, 1), "asset_cpu_ms_per_mb": round(cpu / read * 1e9, 2)}


@asynccontextmanager
async def _socket(gateway: str) -> AsyncIterator[ClientConnection]:
    """A Socket.IO client with no more around it than it takes."""
    url = f"{gateway.replace('http', 'ws')}/api/socket.io/?EIO=4&transport=websocket"
    async with connect_socket(url, additional_headers=_KEY, proxy=None, compression=None) as socket:
        await socket.recv()
        await socket.send("40")
        while not str(await socket.recv()).startswith("40"):
            pass
        yield socket


async def _fan_out(house: House, amounts: Amounts, told: dict[str, str]) -> dict[str, float]:
    """From an event on the bus to each client."""
    bus: Bus = await connect(house.nats.settings("ai"), "bench")
    seconds: list[float] = []
    sent_at: dict[str, float] = {}
    heard = asyncio.Semaphore(0)
    ready = asyncio.Semaphore(0)

    async def listen() -> None:
        async with _socket(house.gateway) as socket:
            ready.release()
            async for message in socket:
                now, text = time.perf_counter(), str(message)
                if text == "2":
                    await socket.send("3")
                elif text.startswith('42["model:progress"'):
                    view = json.loads(text[2:])[1]
                    seconds.append(now - sent_at[str(view["key"])])
                    heard.release()

    clients = [asyncio.create_task(listen()) for _ in range(amounts.sockets)]
    try:
        async with asyncio.timeout(_READY_S):
            for _ in clients:
                await ready.acquire()
        await _tell(bus, sent_at, heard, amounts)
    finally:
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await bus.close()
    told["news, p50"] = f"{_milliseconds(seconds, 50)} ms"
    return {"fanout_p99_ms": _milliseconds(seconds, 99)}


async def _tell(bus: Bus, sent_at: dict[str, float], heard: asyncio.Semaphore, amounts: Amounts) -> None:
    """Publishes one piece of news after the other, each once all have heard the one before."""
    for number in range(amounts.news):
        key, state = "da2-small", ("loading", "unloaded")[number % 2]
        sent_at[key] = time.perf_counter()
        event = ModelEvent(key=key, state=state, worker="bench")
        event.at.GetCurrentTime()
        await bus.publish(event_subject("ai", "model", key), encode(event))
        async with asyncio.timeout(30):
            for _ in range(amounts.sockets):
                await heard.acquire()


async def _soak(house: House, amounts: Amounts, told: dict[str, str]) -> dict[str, float]:
    """By how much the gateway has grown while people came, looked and went."""
    process = psutil.Process(house.pid)
    async with httpx.AsyncClient(timeout=120, trust_env=False, headers=_KEY) as http:
        await _use(http, house, amounts.warm_s)
        before = process.memory_info().rss
        await _use(http, house, amounts.soak_s)
        grown = process.memory_info().rss - before
    told["memory"] = f"watched for {amounts.soak_s:.0f} s after {amounts.warm_s:.0f} s of warming up"
    return {"soak_growth_mb": round(grown / 1e6, 2)}


async def _use(http: httpx.AsyncClient, house: House, seconds: float) -> None:
    until, cursor, turn = time.monotonic() + seconds, "", 0
    while time.monotonic() < until:
        async with _socket(house.gateway):
            page = (await _get(http, f"{house.gateway}/api/photos?limit={_PAGE}{cursor}")).json()
            cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else ""
            shown = [photo["thumbnail"] for photo in page["items"]]
            await asyncio.gather(*(_get(http, f"{house.gateway}{one}") for one in shown[:12]))
            if turn % 20 == 0:
                await _get(http, f"{house.gateway}/api/assets/map")
        turn += 1
        await asyncio.sleep(0.05)


PARTS: dict[str, Callable[[House, Amounts, dict[str, str]], Awaitable[dict[str, float]]]] = {
    "lists": _lists, "thumbnails": _thumbnails, "ranges": _ranges, "fan-out": _fan_out, "soak": _soak,
}  # fmt: skip


def _milliseconds(seconds: list[float], percentile: float) -> float:
    return round(float(np.percentile(seconds, percentile)) * 1000, 2)


def main(arguments: list[str] | None = None, results: Path = RESULTS) -> dict[str, float | None]:
    """Measures and shows; writes the figures of a whole run. Exits with 1 where a part of it went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and short, to see that it runs; nothing is kept")
    parser.add_argument("--only", choices=PARTS, default="", help="one part alone; nothing is kept")
    parser.add_argument("--soak-s", type=float, help="how long memory is watched, after a minute of warming up")
    wanted = parser.parse_args(arguments)
    amounts = QUICK if wanted.quick else Amounts()
    if wanted.soak_s is not None:
        amounts = Amounts(**{**amounts.__dict__, "soak_s": wanted.soak_s})
    with running_house(amounts) as house:
        found = asyncio.run(measure(house, amounts, wanted.only))
        _show(found, amounts)
        if not wanted.quick and not wanted.only:
            results.parent.mkdir(parents=True, exist_ok=True)
            results.write_text(json.dumps(found.figures, indent=2) + "\n")
    if None in found.figures.values() and not wanted.only:
        raise SystemExit(1)
    return found.figures


def _show(found: Findings, amounts: Amounts) -> None:
    table = Table("figure", "measured", "limit", title=f"The gateway before {amounts.photos} photos")
    for name, value in found.figures.items():
        table.add_row(name, str(value), _LIMITS.get(name, ""))
    for name, words in found.told.items():
        table.add_row(f"  {name}", words, "")
    console = Console()
    console.print(table)
    console.print(f"{platform.machine()}, {psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
