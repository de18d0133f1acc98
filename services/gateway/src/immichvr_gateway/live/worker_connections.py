"""What a session and the worker that serves it say to each other, whoever of the two has opened the connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Protocol

import grpc
from immichvr.ai.v1 import ai_pb2


class ConnectionLost(Exception):
    """The worker, or the connection to it, has gone."""


class WorkerConnection(Protocol):
    """Messages to the worker and back, as they are. Raises ConnectionLost where it is no more."""

    async def write(self, message: bytes) -> None:
        """Gives a message to the worker, as soon as it takes it."""

    async def read(self) -> bytes | None:
        """The worker's next message; None once it has ended the session."""

    def close(self) -> None:
        """Ends the session at the worker."""


class DialledConnection:
    """A call that the gateway makes at the worker's own server."""

    def __init__(self, call: Any) -> None:
        self._call = call

    async def write(self, message: bytes) -> None:
        try:
            await self._call.write(ai_pb2.StreamFramesRequest(message=message))
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as failure:
            raise ConnectionLost(str(failure)) from failure

    async def read(self) -> bytes | None:
        try:
            response = await self._call.read()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as failure:
            raise ConnectionLost(str(failure)) from failure
        return None if response is grpc.aio.EOF else bytes(response.message)

    def close(self) -> None:
        self._call.cancel()


class AttachedConnection:
    """A call that the worker makes at the gateway's door, seen from the session; `serve` is the door's side of it."""

    def __init__(self) -> None:
        self._to_worker, self._from_worker = Handoff(), Handoff()
        self._is_ended = False

    @property
    def is_lost(self) -> bool:
        """Once `serve` is over: whether neither end had ended the session."""
        return not self._is_ended

    async def write(self, message: bytes) -> None:
        await self._to_worker.put(message)

    async def read(self) -> bytes | None:
        return await self._from_worker.take()

    def close(self) -> None:
        self._is_ended |= self._to_worker.close()

    async def serve(self, said: AsyncIterator[bytes | None]) -> AsyncGenerator[bytes]:
        """What the worker is to hear, until the session ends. said: what comes from it; None where it ends that."""
        hearing = asyncio.create_task(self._hear(said))
        try:
            while (message := await self._to_worker.take()) is not None:
                yield message
        except ConnectionLost:
            return  # the worker has ended the session
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)
            lost = ConnectionLost("the worker's call has ended")
            self._from_worker.close(lost)
            self._to_worker.close(lost)

    async def _hear(self, said: AsyncIterator[bytes | None]) -> None:
        try:
            async for message in said:
                if message is None:
                    self._from_worker.close()
                    self._is_ended = True
                    break
                await self._from_worker.put(message)
        finally:
            # However it ended: `serve` waits for nothing else.
            self._to_worker.close(ConnectionLost("the worker has ended the session"))


class Handoff:
    """A place for one message on its way from one task to another; who brings the next waits until it is taken."""

    def __init__(self) -> None:
        self._message: bytes | None = None
        self._is_closed = False
        self._lost: ConnectionLost | None = None
        self._filled, self._empty = asyncio.Event(), asyncio.Event()
        self._empty.set()

    async def put(self, message: bytes) -> None:
        """Raises ConnectionLost where nobody takes any more."""
        await self._empty.wait()
        if self._is_closed:
            raise self._lost or ConnectionLost("the session has ended")
        self._message = message
        self._empty.clear()
        self._filled.set()

    async def take(self) -> bytes | None:
        """The next message; None once there will be none. Raises ConnectionLost where it was closed with one."""
        await self._filled.wait()
        message, self._message = self._message, None
        if message is None and self._lost is not None:
            raise self._lost
        if not self._is_closed:
            self._filled.clear()
            self._empty.set()
        return message

    def close(self, lost: ConnectionLost | None = None) -> bool:
        """Ends it, after what lies in it; the first word counts. Whether this was it."""
        if self._is_closed:
            return False
        self._is_closed, self._lost = True, lost
        self._filled.set()
        self._empty.set()
        return True
