"""Live news over Socket.IO: each person hears of what they asked for, a few times a second at most."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

import socketio
from engineio import packet as engine_packet
from immichvr_common.logs import get_log
from immichvr_common.sources import Source
from immichvr_common.supervision import spawn
from starlette.types import Receive, Scope, Send

from immichvr_gateway.auth.presences import Presence, Presences
from immichvr_gateway.auth.visitors import Visitor
from immichvr_gateway.events.hearing import Hearing, Payload
from immichvr_gateway.events.hearing import Send as SendEvent
from immichvr_gateway.events.ledger import Ledger
from immichvr_gateway.http.lines import LINE, DroppableConnection
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.jobs.records import JobRecord
from immichvr_gateway.library import Identity
from immichvr_gateway.sources.visibility import Visibility

log = get_log(__name__)

PATH = "/api/socket.io"
_PERIOD_S = 0.25
_JOIN_S = 5.0
"""How long a connection may be open without having been let in."""
_LAST_WORDS_S = 1.0
_MARK_S = 1.0
"""How often sockets are told up to where they have heard everything, where that has changed."""
_EVERYBODY = "*"
"""The room of all who have signed in."""
_TRIES = "immichvr.tries"

Authenticate = Callable[[Scope], Awaitable[Visitor]]
Follow = Callable[[Identity, SendEvent], Coroutine[Any, Any, None]]


@dataclass(eq=False)
class _Socket:
    """One client that was let in."""

    sid: str
    line: DroppableConnection
    engine: Any
    room: str
    user_id: str
    at: str = ""
    presence: Presence | None = None


@dataclass(eq=False)
class _Listener:
    """One person's sockets with the same credential; what one credential may see says nothing about another."""

    hearing: Hearing
    following: asyncio.Task[None]
    sids: set[str] = field(default_factory=set)


class ClientEvents:
    """The Socket.IO door at /api/socket.io.

    authenticate: who is behind a handshake's ASGI scope; raises Problem. follow: tells somebody of their library until
    it is cancelled. ledger: what those missed who come back. Sockets come in by WebSocket only. clock: in seconds;
    pause: how to wait between one telling of progress and the next.
    """

    def __init__(
        self,
        authenticate: Authenticate,
        visibility: Visibility,
        presences: Presences,
        follow: Follow,
        ledger: Ledger,
        unread_limit: int,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        # The gateway checks Origin itself, for every door alike.
        self.server = socketio.AsyncServer(
            async_mode="asgi", cors_allowed_origins=[], transports=["websocket"], max_http_buffer_size=64 * 1024
        )
        self.server.eio.cors_allowed_origins = "*"
        self._authenticate, self._unread_limit = authenticate, unread_limit
        self._visibility, self._presences, self._follow = visibility, presences, follow
        self._ledger, self._clock, self._pause = ledger, clock, pause
        self._marker: asyncio.Task[None] | None = None
        # By room and job; by everybody and model for what everybody may know.
        self._latest: dict[tuple[str, str], tuple[JobRecord | None, dict[str, Any]]] = {}
        self._told: dict[tuple[str, str], float] = {}
        self._flusher: asyncio.Task[None] | None = None
        self._sockets: dict[str, _Socket] = {}
        # By person, and there by room: one for each credential.
        self._listeners: dict[str, dict[str, _Listener]] = {}
        self.server.on("connect", self._on_connect)
        self.server.on("disconnect", self._on_disconnect)

    async def door(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What is served below PATH, as ASGI has it; a connection that is not let in soon is closed."""
        if scope["type"] == "websocket":
            scope[_TRIES] = 0
            asyncio.get_running_loop().call_later(_JOIN_S, _drop_unless, scope, 1)
        await self.server.handle_request(scope, receive, send)

    async def _on_connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        scope = environ["asgi.scope"]
        line: DroppableConnection = scope[LINE]
        scope[_TRIES] += 1
        try:
            visitor = await self._authenticate(scope)
        except Problem as problem:
            # The refusal goes out first; who tries again on the same connection is not waited for.
            asyncio.get_running_loop().call_later(_LAST_WORDS_S, line.drop)
            raise socketio.exceptions.ConnectionRefusedError(problem.code) from problem
        engine_id = self.server.manager.eio_sid_from_sid(sid, "/")
        engine = self.server.eio.sockets.get(engine_id)
        if engine is None:
            raise socketio.exceptions.ConnectionRefusedError("gone")
        room = visitor.who.credential.fingerprint
        socket = _Socket(sid, line, engine, room, visitor.who.user_id)
        socket.presence = self._presences.enter(visitor, lambda problem: self._end(socket, problem))
        self._sockets[sid] = socket
        self._listener(visitor.who, room).sids.add(sid)
        spawn("what was missed", self._catch_up(socket, auth))

    async def _catch_up(self, socket: _Socket, auth: object) -> None:
        """Tells who comes back what they missed, or to read everything anew; and from now on where they are."""
        if socket.sid not in self._sockets:  # it has left, or was ended, before this came to its turn
            return
        if self._marker is None or self._marker.done():
            self._marker = spawn("places of news", self._mark())
        since = auth.get("since") if isinstance(auth, dict) else None
        place = self._ledger.place
        if isinstance(since, str) and since:
            missed = self._ledger.missed(since[:100], socket.user_id)
            if missed is None:
                self._tell("news:reload", {}, [socket])
            for one in missed or ():
                listener = self._listeners.get(socket.user_id, {}).get(socket.room)
                if listener is not None:
                    listener.hearing.tell(one.event, one.about, one.news, one.source)
            if missed:
                return  # where they are is told once they have heard it
        if place and socket.sid in self._sockets:
            socket.at = place
            self._tell("news:at", {"id": place}, [socket])

    async def _mark(self) -> None:
        """Tells each socket now and then up to where it has heard everything, as long as there is one."""
        while self._sockets:
            await asyncio.sleep(_MARK_S)
            place = self._ledger.place
            rooms = {room for room, _ in self._latest}
            heard = [one for one in self._sockets.values() if one.at != place and self._has_heard(one, rooms)]
            if place:
                for socket in heard:
                    socket.at = place
                self._tell("news:at", {"id": place}, heard)

    def _has_heard(self, socket: _Socket, rooms: set[str]) -> bool:
        """Whether a socket was told everything. rooms: to which something is still to be told."""
        listener = self._listeners.get(socket.user_id, {}).get(socket.room)
        return listener is not None and listener.hearing.is_through and socket.room not in rooms

    async def _on_disconnect(self, sid: str, reason: object = None) -> None:
        self._forget(sid)

    def job_changed(self, record: JobRecord) -> None:
        """Tells those who asked for a job; the first change and the last at once, others when their turn comes."""
        self._ledger.note_job(record.id)
        now = self._clock()
        for user_id in record.requesters:
            for room, listener in list(self._listeners.get(user_id, {}).items()):
                key = (room, record.id)
                view = record.view(user_id).model_dump(mode="json")
                if record.state.terminal or now - self._told.get(key, 0) > _PERIOD_S:
                    self._latest.pop(key, None)
                    self._told[key] = now
                    if record.state.terminal:
                        self._told.pop(key, None)
                    listener.hearing.tell("job:update", record.id, view, record.source)
                else:
                    self._later(key, record, view)

    def asset_created(self, asset: dict[str, Any], source: Source, user_ids: set[str]) -> None:
        """Tells those who asked, and may see it, that a source has a new asset."""
        self._ledger.note_asset(source, str(asset["key"]))
        news = {**_named(source), "asset": asset}
        for user_id in user_ids:
            for listener in list(self._listeners.get(user_id, {}).values()):
                listener.hearing.tell("asset:created", str(asset["key"]), news, source)

    def asset_deleted(self, source: Source, asset_key: str, user_ids: set[str]) -> None:
        """Tells those who asked, and may see the source, that it has an asset no more."""
        self._ledger.note_asset(source, asset_key)
        news = {**_named(source), "key": asset_key}
        for user_id in user_ids:
            for listener in list(self._listeners.get(user_id, {}).values()):
                listener.hearing.tell("asset:deleted", asset_key, news, source)

    def model_changed(self, view: dict[str, Any], is_progress: bool) -> None:
        """Tells everybody of a model; a change of state at once, progress when its turn comes."""
        now, key = self._clock(), (_EVERYBODY, str(view["key"]))
        if is_progress and now - self._told.get(key, 0) <= _PERIOD_S:
            self._later(key, None, view)
            return
        self._latest.pop(key, None)
        self._told[key] = now
        self._tell("model:progress", view, self._sockets.values())

    async def close(self) -> None:
        """Says goodbye to everybody."""
        for task in (self._flusher, self._marker):
            if task is not None:
                task.cancel()
        for sid in list(self._sockets):
            self._forget(sid)
        await self.server.shutdown()

    def _listener(self, who: Identity, room: str) -> _Listener:
        rooms = self._listeners.setdefault(who.user_id, {})
        if room not in rooms:

            def send(event: str, news: Payload) -> None:
                if (listener := rooms.get(room)) is not None:
                    self._tell(event, news, [self._sockets[sid] for sid in listener.sids])

            following = spawn("news of the library", self._follow(who, send))
            rooms[room] = _Listener(Hearing(who, self._visibility, send), following)
        return rooms[room]

    def _end(self, socket: _Socket, problem: Problem) -> None:
        """Ends a socket from this side: it hears why, and nothing more."""
        self._forget(socket.sid)

        async def say_why() -> None:
            why = {"code": problem.code, "detail": problem.detail}
            try:
                async with asyncio.timeout(_LAST_WORDS_S):
                    await self.server.emit("session:ended", why, to=socket.sid)
                    await self.server.disconnect(socket.sid)
            except TimeoutError:
                pass
            finally:
                asyncio.get_running_loop().call_later(_LAST_WORDS_S, socket.line.drop)

        spawn("last words to a socket", say_why())

    def _forget(self, sid: str) -> None:
        socket = self._sockets.pop(sid, None)
        if socket is None:
            return
        if socket.presence is not None:
            self._presences.leave(socket.presence)
        rooms = self._listeners.get(socket.user_id, {})
        listener = rooms.get(socket.room)
        if listener is not None:
            listener.sids.discard(sid)
            if not listener.sids:
                listener.hearing.close()
                listener.following.cancel()
                del rooms[socket.room]
                for key in [key for key in {**self._told, **self._latest} if key[0] == socket.room]:
                    self._told.pop(key, None)
                    self._latest.pop(key, None)
        if not rooms:
            self._listeners.pop(socket.user_id, None)
        # Who has left the news need not stay connected.
        asyncio.get_running_loop().call_later(_JOIN_S, socket.line.drop)

    def _later(self, key: tuple[str, str], record: JobRecord | None, view: dict[str, Any]) -> None:
        self._latest[key] = (record, view)
        if self._flusher is None or self._flusher.done():
            self._flusher = spawn("news of progress", self._flush())

    async def _flush(self) -> None:
        await self._pause(_PERIOD_S)
        latest, self._latest = self._latest, {}
        now = self._clock()
        rooms = {room: one for listeners in self._listeners.values() for room, one in listeners.items()}
        for (room, name), (record, view) in latest.items():
            if record is None:
                self._told[(room, name)] = now
                self._tell("model:progress", view, self._sockets.values())
            elif room in rooms:
                self._told[(room, name)] = now
                rooms[room].hearing.tell("job:update", name, view, record.source)

    def _tell(self, event: str, payload: dict[str, Any], sockets: Iterable[_Socket]) -> None:
        """Lays a message before each of some sockets, written once: a task for each would be a third of the cost.

        One that leaves its events unread is closed, so that they do not pile up here.
        """
        if not (addressed := list(sockets)):
            return
        # News is JSON: nobody need look through it for bytes.
        packet = self.server.packet_class(socketio.packet.EVENT, data=[event, payload], namespace="/", binary=False)
        message = engine_packet.Packet(engine_packet.MESSAGE, packet.encode())
        for socket in addressed:
            if socket.engine.queue.qsize() > self._unread_limit:
                log.warning("a socket does not read and is dropped", sid=socket.sid)
                socket.line.drop()
                self._forget(socket.sid)
            else:
                socket.engine.queue.put_nowait(message)


def _named(source: Source) -> dict[str, Any]:
    return {"source": {"kind": source.kind, "id": source.id}, "photo_id": source.photo_id}


def _drop_unless(scope: Scope, tries: int) -> None:
    """Closes a connection on which nobody has tried to be let in."""
    if scope[_TRIES] < tries:
        scope[LINE].drop()
