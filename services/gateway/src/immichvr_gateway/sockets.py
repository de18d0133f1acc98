"""Live news over Socket.IO: each person hears of what they asked for, a few times a second at most."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import socketio
from immichvr_common.logs import get_log

from immichvr_gateway.jobs.records import JobRecord
from immichvr_gateway.lines import LINE, Line

log = get_log(__name__)

_PERIOD_S = 0.25
_EVERYBODY = "*"
"""The room of all who have signed in. Without one, news would reach those too whose key is still being looked at."""

Authenticate = Callable[[dict[str, Any]], Awaitable[str | None]]


class News:
    """The Socket.IO door at /api/socket.io.

    authenticate: the user id behind a handshake's ASGI scope, or None. Sockets come in by WebSocket only.
    """

    def __init__(self, authenticate: Authenticate, unread_limit: int) -> None:
        # The gateway checks Origin itself, for every door alike.
        self.server = socketio.AsyncServer(
            async_mode="asgi", cors_allowed_origins=[], transports=["websocket"], max_http_buffer_size=64 * 1024
        )
        self.server.eio.cors_allowed_origins = "*"
        self._authenticate, self._unread_limit = authenticate, unread_limit
        # By person and job; by nobody and model for what everybody may know.
        self._latest: dict[tuple[str, str], dict[str, Any]] = {}
        self._told: dict[tuple[str, str], float] = {}
        self._flusher: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._lines: dict[str, tuple[Line, Any]] = {}
        self.server.on("connect", self._on_connect)
        self.server.on("disconnect", self._on_disconnect)

    async def _on_connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        user_id = await self._authenticate(environ["asgi.scope"])
        if user_id is None:
            raise socketio.exceptions.ConnectionRefusedError("unauthorized")
        socket = self.server.eio.sockets[self.server.manager.eio_sid_from_sid(sid, "/")]
        self._lines[sid] = (environ["asgi.scope"][LINE], socket)
        await self.server.enter_room(sid, user_id)
        await self.server.enter_room(sid, _EVERYBODY)

    async def _on_disconnect(self, sid: str, reason: object = None) -> None:
        self._lines.pop(sid, None)

    def job_changed(self, record: JobRecord) -> None:
        """Tells those who asked for a job; the first change and the last at once, others when their turn comes."""
        now = asyncio.get_running_loop().time()
        view: dict[str, Any] | None = None
        for user_id in record.requesters:
            key = (user_id, record.id)
            view = view or record.view().model_dump(mode="json")
            if record.state.terminal or now - self._told.get(key, 0) > _PERIOD_S:
                self._latest.pop(key, None)
                self._told[key] = now
                if record.state.terminal:
                    self._told.pop(key, None)
                self._send("job:update", view, user_id)
            else:
                self._latest[key] = view
                if self._flusher is None or self._flusher.done():
                    self._flusher = asyncio.create_task(self._flush())

    def asset_created(self, asset: dict[str, Any], photo_id: str, user_ids: set[str]) -> None:
        """Tells those who asked that a photo has a new asset."""
        for user_id in user_ids:
            self._send("asset:created", {"photo_id": photo_id, "asset": asset}, user_id)

    def asset_deleted(self, photo_id: str, asset_key: str, user_ids: set[str]) -> None:
        """Tells those who asked that a photo has an asset no more."""
        for user_id in user_ids:
            self._send("asset:deleted", {"photo_id": photo_id, "key": asset_key}, user_id)

    def model_changed(self, view: dict[str, Any], is_progress: bool) -> None:
        """Tells everybody of a model; a change of state at once, progress when its turn comes."""
        now, key = asyncio.get_running_loop().time(), ("", str(view["key"]))
        if is_progress and now - self._told.get(key, 0) <= _PERIOD_S:
            self._latest[key] = view
            if self._flusher is None or self._flusher.done():
                self._flusher = asyncio.create_task(self._flush())
            return
        self._latest.pop(key, None)
        self._told[key] = now
        self._send("model:progress", view, _EVERYBODY)

    async def close(self) -> None:
        """Says goodbye to everybody."""
        if self._flusher is not None:
            self._flusher.cancel()
        await self.server.shutdown()

    async def _flush(self) -> None:
        await asyncio.sleep(_PERIOD_S)
        latest, self._latest = self._latest, {}
        now = asyncio.get_running_loop().time()
        for (user_id, job_id), view in latest.items():
            self._told[(user_id, job_id)] = now
            self._send("job:update" if user_id else "model:progress", view, user_id or _EVERYBODY)

    def _send(self, event: str, payload: dict[str, Any], room: str) -> None:
        """To one person, or to everybody who has signed in."""
        self._drop_the_deaf()
        task = asyncio.create_task(self.server.emit(event, payload, room=room))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def _drop_the_deaf(self) -> None:
        """A socket that leaves its events unread is closed, so that they do not pile up here."""
        for sid, (line, socket) in list(self._lines.items()):
            if socket.queue.qsize() > self._unread_limit:
                log.warning("a socket does not read and is dropped", sid=sid)
                del self._lines[sid]
                line.drop()
