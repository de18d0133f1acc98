"""Downloads from storage over connections of the event loop: bytes go on as they come from the socket.

A thread and urllib3 cost three times as much for each of them. This takes the plain answer to a plain GET and nothing
else: whoever asks goes the other way where that is not given.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import ssl
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException, parse_headers
from typing import cast
from urllib.parse import SplitResult

from immichvr_common.errors import Unavailable
from immichvr_common.storage_answers import Trouble

_CONNECT_S, _READ_S = 3.0, 60.0
_HEAD = 64 * 1024
_HELD = 1024 * 1024
"""Bytes that wait for a reader; then the sender waits."""
_IDLE = 32
"""Connections that are kept for what comes next."""
_PORTS = {"http": 80, "https": 443}

Address = tuple[str, int]


class Unlike(Exception):
    """Not the plain answer; what it means is for another to find out."""


class BrokenOff(Exception):
    """The bytes ended before they were all there."""


class _Line(asyncio.Protocol):
    """One connection: what came in, in the pieces in which it did."""

    transport: asyncio.Transport

    def __init__(self, address: Address) -> None:
        self.address = address
        self.is_open = True
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._waiting: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio, as those below."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """More came."""
        self.put(data, last=True)
        if self._held > _HELD:
            self.transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more comes."""
        self.is_open = False
        self._wake()

    @property
    def is_idle(self) -> bool:
        """Whether it can take a question: it stands, and nothing came that nobody asked for."""
        return self.is_open and not self._pieces

    async def piece(self) -> bytes:
        """The next bytes. Raises BrokenOff where there are none any more, TimeoutError where none come."""
        if self.is_idle:
            self._waiting = asyncio.get_running_loop().create_future()
            async with asyncio.timeout(_READ_S):
                await self._waiting
        if not self._pieces:
            raise BrokenOff
        piece = self._pieces.popleft()
        held, self._held = self._held, self._held - len(piece)
        if held > _HELD >= self._held and self.is_open:
            self.transport.resume_reading()
        return piece

    def put(self, piece: bytes, *, last: bool = False) -> None:
        """Has these be the next bytes, or the last of those that are there."""
        if piece:
            (self._pieces.append if last else self._pieces.appendleft)(piece)
            self._held += len(piece)

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


@dataclass(frozen=True)
class Download:
    """An answer: `size` bytes."""

    size: int
    _line: _Line
    _lines: Lines

    async def pieces(self, key: str) -> AsyncGenerator[bytes]:
        """All of them, of at most 256 KiB each. key: of the object. Raises Trouble, Unavailable."""
        left = self.size
        try:
            while left:
                piece = await self._line.piece()
                if len(piece) > left:
                    self._line.put(piece[left:])
                    piece = piece[:left]
                left -= len(piece)
                yield piece
        except BrokenOff as error:
            words = f"storage broke off in the middle of {key}"
            raise Trouble(words, "it broke off", key, was_answered=False) from error
        except TimeoutError as error:
            raise Unavailable("storage does not answer (it stopped in the middle)", down="s3") from error
        finally:
            if left:
                self._line.transport.abort()
            else:
                self._lines.keep(self._line)


class Lines:
    """Connections to storage, kept open between questions. trust: whom to believe over TLS."""

    def __init__(self, trust: ssl.SSLContext | None) -> None:
        self._trust = trust
        self._idle: deque[_Line] = deque(maxlen=_IDLE)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def get(self, url: SplitResult, headers: Mapping[str, str]) -> Download:
        """Asks for an object. Raises Unlike where anything but its bytes is the answer, or none comes."""
        told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        question = f"GET {url.path} HTTP/1.1\r\n{told}\r\n".encode("latin-1")
        address = url.hostname or "", url.port or _PORTS[url.scheme]
        while (line := self._known(address)) is not None:
            # What storage closed meanwhile is no answer.
            with contextlib.suppress(BrokenOff):
                return await self._asked(line, question)
        try:
            return await self._asked(await self._new(url.scheme, address), question)
        except (BrokenOff, OSError) as error:
            raise Unlike from error

    def keep(self, line: _Line) -> None:
        """Keeps a connection whose answer was read to its end."""
        if line.is_idle and len(self._idle) < _IDLE:
            self._idle.append(line)
        else:
            line.transport.abort()

    def close(self) -> None:
        """Ends what is kept."""
        if self._loop is not None and not self._loop.is_closed():
            for line in self._idle:
                self._loop.call_soon_threadsafe(line.transport.abort)
        self._idle.clear()

    def _known(self, address: Address) -> _Line | None:
        if self._loop is not (loop := asyncio.get_running_loop()):
            self._loop = loop
            self._idle.clear()
        while self._idle:
            line = self._idle.pop()
            if line.is_idle and line.address == address:
                return line
            line.transport.abort()
        return None

    async def _new(self, scheme: str, address: Address) -> _Line:
        loop, trust = asyncio.get_running_loop(), self._trust if scheme == "https" else None
        async with asyncio.timeout(_CONNECT_S):
            _, line = await loop.create_connection(lambda: _Line(address), *address, ssl=trust)
        return line

    async def _asked(self, line: _Line, question: bytes) -> Download:
        """The answer to a question. Raises Unlike, BrokenOff, TimeoutError."""
        try:
            line.transport.write(question)
            status, headers = await _head(line)
            size = headers.get("content-length", "")
            if status not in (200, 206) or not size.isdecimal() or "transfer-encoding" in headers:
                raise Unlike
            if headers.get("content-encoding", "identity") != "identity":
                raise Unlike
        except BaseException:
            line.transport.abort()
            raise
        return Download(int(size), line, self)


async def _head(line: _Line) -> tuple[int, Message]:
    """Status and headers of an answer. Raises Unlike, BrokenOff, TimeoutError."""
    read = b""
    while (end := read.find(b"\r\n\r\n")) < 0:
        if len(read) > _HEAD:
            raise Unlike
        read += await line.piece()
    line.put(read[end + 4 :])
    first, _, rest = read[: end + 4].partition(b"\r\n")
    version, _, status = first.partition(b" ")
    if version != b"HTTP/1.1" or not status[:3].isdigit():
        raise Unlike
    try:
        return int(status[:3]), parse_headers(io.BytesIO(rest))
    except HTTPException as error:
        raise Unlike from error
