"""Clients that send or read too slowly: they are dropped, and nobody else waits for them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from immichvr_gateway.events.connections import Patience
from immichvr_gateway.http import bodies

HALF = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nX-Half: "
LARGE = 24 * 1024 * 1024


@asynccontextmanager
async def half_requests(gateway: Any, count: int) -> AsyncIterator[list[asyncio.StreamReader]]:
    """So many connections whose request never ends."""
    url = httpx.URL(gateway.url)
    pairs = [await asyncio.open_connection(url.host, url.port) for _ in range(count)]
    for _, writer in pairs:
        writer.write(HALF)
    try:
        yield [reader for reader, _ in pairs]
    finally:
        for _, writer in pairs:
            writer.close()


async def ended(reader: asyncio.StreamReader) -> bool:
    """Whether a connection is ended by the other side, without an answer."""
    try:
        return await asyncio.wait_for(reader.read(), 10) == b""
    except ConnectionError:
        return True


async def test_a_request_that_does_not_come_to_an_end_is_dropped_whatever_trickles_in(serving, settings) -> None:
    async with serving(settings, patience=Patience(head_s=0.5)) as gateway:
        url = httpx.URL(gateway.url)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(HALF)

        async def trickle() -> None:
            while not writer.is_closing():
                writer.write(b"x")
                await asyncio.sleep(0.05)

        trickling = asyncio.create_task(trickle())
        async with half_requests(gateway, 20) as silent:
            assert all(await asyncio.gather(ended(reader), *(ended(one) for one in silent)))
        trickling.cancel()
        writer.close()
        # A whole request on a connection that lives on is none of that.
        for _ in range(3):
            assert (await gateway.get("/api/health")).status_code == 200
            await asyncio.sleep(0.3)


async def test_the_half_requests_of_one_client_take_nobody_elses_place(serving, settings) -> None:
    async with (
        serving(settings, patience=Patience(head_s=60, waiting=50)) as gateway,
        half_requests(gateway, 50) as first,
        half_requests(gateway, 50),
    ):
        assert all(await asyncio.gather(*(ended(one) for one in first)))
        assert (await gateway.get("/api/photos")).status_code == 200


async def test_a_body_that_does_not_come_is_answered_all_the_same(gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_BODY_S", 0.3)
    url = httpx.URL(gateway.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = f"POST /api/session HTTP/1.1\r\nHost: {url.netloc.decode()}\r\nContent-Type: application/json\r\n"
    writer.write((head + "Content-Length: 100\r\n\r\n{").encode())
    answer = await asyncio.wait_for(reader.readuntil(b"}"), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408"), answer
    assert b'"code":"too_slow"' in answer


async def test_who_stops_reading_is_dropped_and_who_reads_slowly_gets_everything(serving, settings, photos) -> None:
    with (photos / "beach.jpg").open("ab") as photo:
        photo.truncate(LARGE)
    async with serving(settings, patience=Patience(write_s=1)) as gateway:
        listed = (await gateway.get("/api/photos")).json()["items"]
        photo_id = next(one["id"] for one in listed if one["name"] == "beach.jpg")
        request = (
            f"GET /api/photos/{photo_id}/original HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )

        async def read(pause_s: float, most: int) -> int:
            url = httpx.URL(gateway.url)
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
            one.connect((url.host, url.port))
            one.setblocking(False)
            reader, writer = await asyncio.open_connection(sock=one, limit=64 * 1024)
            writer.write(request)
            size = 0
            try:
                while size < most and (chunk := await asyncio.wait_for(reader.read(256 * 1024), 20)):
                    size += len(chunk)
                    await asyncio.sleep(pause_s)
                if size >= most:
                    await asyncio.sleep(4)
                    while chunk := await asyncio.wait_for(reader.read(1 << 20), 20):
                        size += len(chunk)
            except ConnectionError:
                pass
            finally:
                writer.close()
            return size

        stopped, slow = await asyncio.gather(read(0, 1), read(0.01, 2 * LARGE))
        assert slow >= LARGE
        assert stopped < LARGE
