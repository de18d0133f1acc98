"""Messages between a worker and its children, over a socket: eight bytes of length, then a pickle."""

from __future__ import annotations

import asyncio
import pickle
import socket
import struct
from typing import Any

_HEAD = struct.Struct("!Q")
LARGEST = 1024**3
"""Bytes of the largest message; honest ones have a few thousand."""


def send(connection: socket.socket, message: Any) -> None:
    """Sends from a process that may wait for the other end."""
    data = pickle.dumps(message)
    connection.sendall(_HEAD.pack(len(data)) + data)


def receive(connection: socket.socket) -> Any:
    """The next message, waited for. Raises EOFError when the other end is gone."""
    [length] = _HEAD.unpack(_exactly(connection, _HEAD.size))
    return pickle.loads(_exactly(connection, length))  # noqa: S301  # from our own parent


async def send_from_loop(connection: socket.socket, message: Any) -> None:
    """Sends without holding up the loop. Raises OSError when the other end is gone."""
    data = pickle.dumps(message)
    await asyncio.get_running_loop().sock_sendall(connection, _HEAD.pack(len(data)) + data)


async def receive_in_loop(connection: socket.socket) -> Any:
    """The next message; one that comes slowly, or stops halfway, holds nobody up.

    Raises EOFError or OSError when the other end is gone, ValueError for a message beyond `LARGEST`, and whatever
    unpickling raises.
    """
    [length] = _HEAD.unpack(await _exactly_in_loop(connection, _HEAD.size))
    if length > LARGEST:
        raise ValueError(f"a message of {length} bytes; at most {LARGEST} are read")
    return pickle.loads(await _exactly_in_loop(connection, length))  # noqa: S301  # from our own child


def _exactly(connection: socket.socket, count: int) -> bytearray:
    data, got = bytearray(count), 0
    while got < count:
        part = connection.recv_into(memoryview(data)[got:])
        if not part:
            raise EOFError
        got += part
    return data


async def _exactly_in_loop(connection: socket.socket, count: int) -> bytearray:
    loop = asyncio.get_running_loop()
    data, got = bytearray(count), 0
    while got < count:
        part = await loop.sock_recv_into(connection, memoryview(data)[got:])
        if not part:
            raise EOFError
        got += part
    return data
