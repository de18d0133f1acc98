"""Downloads over the loop's own connections: kept for the next, in order, and given up where the answer is another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from immichvr_common.storage_answers import Trouble
from immichvr_common.storage_lines import Lines, Unlike

Answer = Callable[[asyncio.StreamWriter], None]


@asynccontextmanager
async def storage(answer: Answer) -> AsyncIterator[tuple[str, list[int]]]:
    """A server that answers each question so; its address, and for each question the number of its connection."""
    asked: list[int] = []
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        number = connections
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                asked.append(number)
                answer(writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a", asked


def gives(head: bytes, body: bytes = b"", *, ends: bool = False) -> Answer:
    def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head + b"\r\n\r\n" + body)
        if ends:
            writer.close()

    return answer


async def read(lines: Lines, url: str) -> bytes:
    download = await lines.get(urlsplit(url), {"Host": "a"})
    return b"".join([piece async for piece in download.pieces("a")])


async def test_one_connection_serves_one_question_after_the_other_and_another_those_at_once() -> None:
    body = bytes(range(256)) * 8000
    async with storage(gives(b"HTTP/1.1 200 OK\r\nContent-Length: %d" % len(body), body)) as (url, asked):
        lines = Lines(None)
        assert await read(lines, url) == body and await read(lines, url) == body
        assert asked == [1, 1]
        assert await asyncio.gather(read(lines, url), read(lines, url)) == [body, body]
        assert set(asked) == {1, 2}
        download = await lines.get(urlsplit(url), {"Host": "a"})
        async for _ in download.pieces("a"):
            break  # what is not read to its end serves nobody else
        lines.close()


async def test_a_connection_that_storage_closed_meanwhile_is_replaced() -> None:
    async with storage(gives(b"HTTP/1.1 200 OK\r\nContent-Length: 2", b"ok", ends=True)) as (url, asked):
        lines = Lines(None)
        assert await read(lines, url) == b"ok" and await read(lines, url) == b"ok"
        assert asked == [1, 2]


@pytest.mark.parametrize(
    "answer",
    [
        gives(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0"),
        gives(b"HTTP/1.1 307 Elsewhere\r\nContent-Length: 0"),
        gives(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", b"1\r\na\r\n0\r\n\r\n"),
        gives(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1", b"a"),
        gives(b"HTTP/1.1 200 OK\r\nContent-Length: -1"),
        gives(b"SSH-2.0 hello"),
        gives(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000),
        lambda writer: writer.close(),
    ],
)
async def test_any_other_answer_is_left_to_others(answer: Answer) -> None:
    async with storage(answer) as (url, _):
        with pytest.raises(Unlike):
            await read(Lines(None), url)


async def test_nobody_there_is_left_to_others_too() -> None:
    async with storage(gives(b"")) as (url, _):
        pass
    with pytest.raises(Unlike):
        await read(Lines(None), url)


async def test_an_answer_that_ends_before_its_length_is_said_to_be_broken_off() -> None:
    async with storage(gives(b"HTTP/1.1 200 OK\r\nContent-Length: 9", b"123", ends=True)) as (url, _):
        with pytest.raises(Trouble, match="broke off"):
            await read(Lines(None), url)
