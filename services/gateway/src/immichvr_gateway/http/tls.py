"""TLS at the gateway's own port, where words in the clear are heard only to be sent to https."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from immichvr_common.logs import get_log
from immichvr_common.metrics import certificate_ends
from immichvr_common.supervision import spawn
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from immichvr_gateway.http.problems import Problem, answer

log = get_log(__name__)

_HELLO = b"\x16"
"""The first byte of TLS, and of nothing in HTTP."""
_LOOKED_AT_S = 30.0

MakeProtocol = Callable[..., Any]


class Certificate:
    """A server's certificate with its key, both in PEM, and read anew when the files change.

    Raises OSError, ssl.SSLError where they cannot be used.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = (certificate, key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.set_alpn_protocols(["http/1.1"])
        self._read_at = self._changed_at()
        self.context.load_cert_chain(*self._files)
        self._tell_end()

    def renew(self) -> bool:
        """Takes files that have changed, for connections from now on; keeps what it has where they are not whole."""
        try:
            changed_at = self._changed_at()
            if changed_at == self._read_at:
                return False
            # A context that takes a certificate whose key does not fit has lost the key that it had.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*self._files)
            self.context.load_cert_chain(*self._files)
        except (OSError, ssl.SSLError) as error:
            log.warning("the new certificate cannot be used yet", error=str(error))
            return False
        self._read_at = changed_at
        self._tell_end()
        return True

    async def watch(self) -> None:
        """Renews until cancelled."""
        while True:
            await asyncio.sleep(_LOOKED_AT_S)
            if self.renew():
                log.info("the certificate has been renewed")

    def _tell_end(self) -> None:
        certificate_ends("http", self._files[0].read_bytes())

    def _changed_at(self) -> tuple[int, ...]:
        return tuple(one.stat().st_mtime_ns for one in self._files)


def either(make: MakeProtocol, context: ssl.SSLContext, patience_s: float, at_most: int) -> MakeProtocol:
    """Protocols of connections that speak TLS or plain HTTP, which their first byte tells; `make` makes what serves.

    patience_s: until the first byte, and for the handshake. at_most: connections that may be that far at once; beyond
    it the one that has waited longest is ended.
    """
    hall = _Hall(context, patience_s, at_most)
    return lambda **arguments: _Either(lambda: make(**arguments), hall)


class _Hall:
    """Those that have come and not begun to ask."""

    def __init__(self, context: ssl.SSLContext, patience_s: float, at_most: int) -> None:
        self.context, self.patience_s, self._at_most = context, patience_s, at_most
        self._waiting: dict[asyncio.Transport, None] = {}

    @contextmanager
    def waiting(self, transport: asyncio.Transport) -> Iterator[None]:
        """Has one wait; whoever has waited longest goes where there are too many."""
        self._waiting[transport] = None
        if len(self._waiting) > self._at_most:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            oldest.abort()
        try:
            yield
        finally:
            self._waiting.pop(transport, None)


class _Either(asyncio.Protocol):
    """Waits for the first byte without reading it, and for the handshake where that is one; then steps aside."""

    def __init__(self, make: Callable[[], Any], hall: _Hall) -> None:
        self._make, self._hall = make, hall
        self._early = bytearray()
        self._beginning: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # as of every connection of TCP
        transport.pause_reading()
        self._beginning = spawn("a connection", self._begin(transport))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._beginning is not None:
            self._beginning.cancel()

    def data_received(self, data: bytes) -> None:
        # What came with the last of the handshake, before this side was told that it is over.
        self._early += data

    async def _begin(self, transport: asyncio.Transport) -> None:
        served: asyncio.Transport | None = transport
        hall = self._hall
        try:
            with hall.waiting(transport):
                async with asyncio.timeout(hall.patience_s):
                    first = await _first_byte(transport)
                if first == _HELLO:
                    served = await asyncio.get_running_loop().start_tls(
                        transport, self, hall.context, server_side=True, ssl_handshake_timeout=hall.patience_s
                    )
        except (OSError, TimeoutError):  # it went, stayed silent, or its handshake came to nothing
            transport.abort()
            return
        if served is None or served.is_closing():
            return
        serving = self._make()
        served.set_protocol(serving)
        serving.connection_made(served)
        if self._early:
            serving.data_received(bytes(self._early))
        if first != _HELLO:
            transport.resume_reading()


async def _first_byte(transport: asyncio.Transport) -> bytes:
    """What comes first, which stays there to be read; nothing where nothing comes. Raises OSError."""
    loop, come = asyncio.get_running_loop(), asyncio.Event()
    # Another descriptor of the same socket: asyncio keeps that of a transport to itself.
    with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as same:
        loop.add_reader(same, come.set)
        try:
            await come.wait()
        finally:
            loop.remove_reader(same)
        return same.recv(1, socket.MSG_PEEK)


def to_https(inner: ASGIApp) -> ASGIApp:
    """An application that sends whoever reads in the clear to https, and takes nothing in the clear."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"], scope.get("scheme"):
            case "http", "http":
                await _elsewhere(scope)(scope, receive, send)
            case "websocket", "ws":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            case _:
                await inner(scope, receive, send)

    return app


def _elsewhere(scope: Scope) -> Any:
    host = Headers(scope=scope).get("host", "")
    if scope["method"] not in ("GET", "HEAD") or not host:
        return answer(Problem(403, "refused", "this gateway speaks TLS: ask again with https://"))
    query = scope["query_string"].decode("latin-1")
    path = (scope.get("raw_path") or b"/").decode("latin-1")
    return RedirectResponse(f"https://{host}{scope.get('root_path', '')}{path}{'?' * bool(query)}{query}", 308)
