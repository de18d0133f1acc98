"""HTTP connections that end when the other side is too slow, so that nobody can hold many of them for long.

uvicorn ends a connection that is idle between two requests; it waits for ever for the rest of a request's head, and
for a reader to take what was written.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import h11
from immichvr_common.logs import get_log
from uvicorn.protocols.http.h11_impl import H11Protocol

log = get_log(__name__)

_LEAST = 16 * 1024
"""Bytes a reader must have taken within `write_s` to count as reading."""


@dataclass(frozen=True)
class Patience:
    """head_s: for a request's line and headers. write_s: for a reader that takes nothing, or next to nothing.

    waiting: connections that may wait for a head at once; beyond it the one that has waited longest is ended.
    """

    head_s: float = 15
    write_s: float = 30
    waiting: int = 512


@dataclass
class _Marks:
    """head_since: when the wait for a head began. unread, since: bytes not yet taken, and when they last shrank."""

    head_since: float | None
    unread: int = 0
    since: float = 0


class Watch:
    """Looks at every connection now and then, as long as there are any."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._period_s = min(patience.head_s, patience.write_s) / 5
        self._marks: dict[WatchedProtocol, _Marks] = {}
        self._waiting: dict[WatchedProtocol, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def protocol(self, **arguments: Any) -> WatchedProtocol:
        """The protocol of one connection; what uvicorn's `http` setting takes."""
        return WatchedProtocol(self, **arguments)

    def begin(self, connection: WatchedProtocol) -> None:
        """A connection was made."""
        self._marks[connection] = _Marks(None)
        self.awaits_head(connection, True)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._period_s, self._look)

    def end(self, connection: WatchedProtocol) -> None:
        """A connection is over, or speaks WebSocket from now on."""
        self._marks.pop(connection, None)
        self._waiting.pop(connection, None)

    def awaits_head(self, connection: WatchedProtocol, awaits: bool) -> None:
        """Whether the head of a request is what comes next, or comes in."""
        marks = self._marks.get(connection)
        if marks is None:
            return
        if not awaits:
            marks.head_since = None
            self._waiting.pop(connection, None)
        elif marks.head_since is None:
            marks.head_since = time.monotonic()
            self._waiting[connection] = None
            if len(self._waiting) > self._patience.waiting:
                self._drop(next(iter(self._waiting)), "others wait for a place")

    def reads(self, connection: WatchedProtocol) -> None:
        """The other side has taken what was written."""
        if marks := self._marks.get(connection):
            marks.unread = 0

    def _look(self) -> None:
        now = time.monotonic()
        for connection, marks in list(self._marks.items()):
            unread = connection.transport.get_write_buffer_size()
            if unread == 0 or marks.unread == 0 or unread <= marks.unread - _LEAST:
                marks.unread, marks.since = unread, now
            if marks.head_since is not None and now - marks.head_since > self._patience.head_s:
                self._drop(connection, "its request did not come")
            elif unread and now - marks.since > self._patience.write_s:
                self._drop(connection, "it does not read its answer")
        self._timer = asyncio.get_running_loop().call_later(self._period_s, self._look) if self._marks else None

    def _drop(self, connection: WatchedProtocol, why: str) -> None:
        self.end(connection)
        log.info("a connection is dropped", why=why, client=connection.client and connection.client[0])
        # `close` would wait until everything that was written is read.
        connection.transport.abort()


class WatchedProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, telling a watch how far it is."""

    def __init__(self, watch: Watch, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._watch = watch

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._watch.begin(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.end(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch.awaits_head(self, self.cycle is None or self.cycle.response_complete)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._watch.end(self)
        super().handle_websocket_upgrade(event)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._watch.reads(self)
