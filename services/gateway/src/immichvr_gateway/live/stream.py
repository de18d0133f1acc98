"""The door /api/stream: a WebSocket whose messages go to a worker and back as they are.

Nothing is kept here: the next message is read when the one before has gone on, in either direction, so that a client
or a worker that does not read stops the other and fills no memory.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, WebSocket
from immichvr.ai.v1 import ai_pb2_grpc
from immichvr_common.logs import get_log
from immichvr_common.rpc_client import credential, open_channel
from immichvr_common.rpc_settings import RpcClientSettings
from immichvr_common.tracing import span, within
from starlette.websockets import WebSocketDisconnect

from immichvr_gateway.auth.sessions import admitted
from immichvr_gateway.http.problems import Problem, as_problem
from immichvr_gateway.library import Identity
from immichvr_gateway.live.messages import LARGEST_MESSAGE, WantedSplat, error, wanted_by
from immichvr_gateway.live.sessions import LiveJob, LiveSessions
from immichvr_gateway.live.worker_connections import (
    AttachedConnection,
    ConnectionLost,
    DialledConnection,
    WorkerConnection,
)
from immichvr_gateway.resources import Resources
from immichvr_gateway.startup import Startup

log = get_log(__name__)

PATH = "/api/stream"
_HELLO_S = 20.0
_CONNECT_S = 10.0
_LARGEST_RESULT = 16 * 1024 * 1024
_NORMAL, _REFUSED, _TRY_LATER = 1000, 1008, 1013


class Gone(Exception):
    """The client has closed its socket, or was dropped."""


class ClientSocket:
    """A client's socket. What is being received is not lost when whoever waits for it gives up."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._receiving: asyncio.Task[Any] | None = None

    async def receive(self) -> bytes:
        """The next message. Raises Gone; Problem for what is none of the protocol."""
        self._receiving = self._receiving or asyncio.create_task(self._websocket.receive())
        await asyncio.wait((self._receiving,))
        event, self._receiving = self._receiving.result(), None
        if event["type"] == "websocket.disconnect":
            raise Gone
        data: bytes | None = event.get("bytes")
        if data is None:
            raise Problem(422, "invalid_message", "messages are binary: msgpack")
        if len(data) > LARGEST_MESSAGE:
            raise Problem(413, "too_large", f"a message has at most {LARGEST_MESSAGE} bytes")
        return data

    async def send(self, message: bytes) -> None:
        """Sends a message, as soon as the client takes it. Raises Gone."""
        try:
            await self._websocket.send_bytes(message)
        except (WebSocketDisconnect, OSError, RuntimeError) as error:
            # Starlette raises RuntimeError for what comes after the end.
            raise Gone from error

    async def close(self, code: int) -> None:
        """Closes the socket."""
        with contextlib.suppress(WebSocketDisconnect, OSError, RuntimeError):
            await self._websocket.close(code)

    def forget(self) -> None:
        """Waits for nothing any more."""
        if self._receiving is not None:
            self._receiving.cancel()


def install(app: FastAPI) -> None:
    """Adds the door to an application."""

    @app.websocket(PATH)
    async def stream(websocket: WebSocket) -> None:
        startup: Startup = websocket.app.state.startup
        here = startup.here
        try:
            visitor = await admitted(here.sessions, websocket.scope)
        except Problem as refusal:
            await websocket.close(_close_code(refusal))
            return
        await websocket.accept()
        socket = ClientSocket(websocket)
        code = _NORMAL
        ending = Ending()
        presence = here.presences.enter(visitor, ending.tell)
        try:
            live = startup.services.live
            with live.place(visitor.who):
                await _serve_until(ending, _serve(here, live, socket, visitor.who, ending))
        except Gone:
            return
        except Exception as failure:  # noqa: BLE001  # the one place where a session's failures become words
            problem = as_problem(failure)
            code = _close_code(problem)
            with contextlib.suppress(Gone):
                await socket.send(error(problem.code, problem.detail))
        finally:
            here.presences.leave(presence)
            socket.forget()
        await socket.close(code)


def traced() -> tuple[tuple[str, str], ...]:
    """The metadata by which a call says within what it is made."""
    return (("traceparent", within()),) if within() else ()


def _close_code(problem: Problem) -> int:
    return _TRY_LATER if problem.status in (429, 503) else _REFUSED


class Ending:
    """Why a session may not go on; the first word counts."""

    def __init__(self) -> None:
        self.told: asyncio.Future[Problem] = asyncio.get_running_loop().create_future()

    def tell(self, problem: Problem) -> None:
        """Ends it."""
        if not self.told.done():
            self.told.set_result(problem)


async def _serve_until(ending: Ending, serving: Coroutine[Any, Any, None]) -> None:
    """Serves until that is over, or the person behind it may not any more: then raises Problem."""
    task = asyncio.create_task(serving)
    try:
        await asyncio.wait((task, ending.told), return_when=asyncio.FIRST_COMPLETED)
        if ending.told.done() and not task.done():
            raise ending.told.result()
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _serve(here: Resources, sessions: LiveSessions, socket: ClientSocket, who: Identity, ending: Ending) -> None:
    """One session, from its hello to its end. Raises Gone, Problem, Unavailable."""
    with span("live session", kind="server"):
        await _served(here, sessions, socket, who, ending)


async def _served(here: Resources, sessions: LiveSessions, socket: ClientSocket, who: Identity, ending: Ending) -> None:
    try:
        hello = await asyncio.wait_for(socket.receive(), _HELLO_S)
    except TimeoutError as late:
        raise Problem(408, "idle", "no hello came") from late
    wanted = wanted_by(hello)
    live = await sessions.begin(who, wanted)
    try:
        async with _watched(sessions, who, wanted, ending):
            served, newest = await _until_served(sessions, socket, live)
            async with _connected(served, here.settings.ai, live.token) as worker:
                await _pass_through(worker, socket, live, [hello, *newest], sessions.settings.idle_s)
    finally:
        sessions.end(live)


@asynccontextmanager
async def _watched(
    sessions: LiveSessions, who: Identity, wanted: str | WantedSplat, ending: Ending
) -> AsyncIterator[None]:
    """Ends the session when the person may not see any more what is drawn for them."""
    if isinstance(wanted, str):
        yield
        return
    watching = asyncio.create_task(sessions.drawing.watch(who, wanted, ending.tell))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


@asynccontextmanager
async def _connected(
    served: str | AttachedConnection, settings: RpcClientSettings, token: str
) -> AsyncIterator[WorkerConnection]:
    """The connection to a session's worker: its own, or a call at its address."""
    if isinstance(served, AttachedConnection):
        yield served
        return
    options = [
        ("grpc.max_receive_message_length", _LARGEST_RESULT),
        ("grpc.max_send_message_length", LARGEST_MESSAGE + 1024),
    ]
    shown = (*credential(settings), ("session-token", token), *traced())
    async with open_channel(served, settings, options) as channel:
        yield DialledConnection(ai_pb2_grpc.AiServiceStub(channel).StreamFrames(metadata=shown))


async def _until_served(
    sessions: LiveSessions, socket: ClientSocket, live: LiveJob
) -> tuple[str | AttachedConnection, list[bytes]]:
    """Where the session is served, or its connection, and the newest message that came meanwhile: the newest wins."""
    newest: list[bytes] = []
    waiting = asyncio.create_task(sessions.served(live))
    try:
        while not waiting.done():
            receiving = asyncio.create_task(socket.receive())
            await asyncio.wait((waiting, receiving), return_when=asyncio.FIRST_COMPLETED)
            if receiving.done():
                newest = [receiving.result()]
            else:
                receiving.cancel()
                await asyncio.gather(receiving, return_exceptions=True)
        return waiting.result(), newest
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def _pass_through(
    worker: WorkerConnection, socket: ClientSocket, live: LiveJob, first: list[bytes], idle_s: float
) -> None:
    up = asyncio.create_task(_up(socket, worker, first, idle_s))
    down = asyncio.create_task(_down(socket, worker))
    try:
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        if up.done() and not down.done() and isinstance(up.exception(), ConnectionLost):
            # The worker has ended the session: its last words are on their way down.
            await asyncio.wait((down,), timeout=_CONNECT_S)
        (down if down.done() else up).result()
    except ConnectionLost as failure:
        log.warning("a live session lost its worker", job_id=live.job_id, error=str(failure)[:300])
        raise Problem(503, "worker_gone", "the worker of this session has gone; begin anew") from failure
    finally:
        worker.close()
        for task in (up, down):
            task.cancel()
        await asyncio.gather(up, down, return_exceptions=True)


async def _up(socket: ClientSocket, worker: WorkerConnection, first: list[bytes], idle_s: float) -> None:
    for message in first:
        await worker.write(message)
    while True:
        try:
            message = await asyncio.wait_for(socket.receive(), idle_s)
        except TimeoutError as silent:
            raise Problem(408, "idle", f"nothing came for {idle_s:.0f} s") from silent
        await worker.write(message)


async def _down(socket: ClientSocket, worker: WorkerConnection) -> None:
    while (message := await worker.read()) is not None:
        await socket.send(message)
