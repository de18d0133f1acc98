"""One process of the stack: how it is started, and when it counts as up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

Ready = Callable[[], Awaitable[bool]]

SERVERS, SERVICES = 0, 1


@dataclass(frozen=True)
class Part:
    """A process to keep running.

    tier: SERVERS or SERVICES; the higher one is stopped first. ready: asked until it says yes.
    grace_s: between being asked to end and being ended.
    """

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    ready: Ready
    tier: int = SERVICES
    grace_s: float = 15


def listens(port: int, host: str = "127.0.0.1") -> Ready:
    """Ready when something accepts connections there."""

    async def ready() -> bool:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 2)
        except OSError:  # TimeoutError is one
            return False
        writer.close()
        return True

    return ready


def answers(url: str) -> Ready:
    """Ready when a GET is answered with 200."""
    import httpx

    client = httpx.AsyncClient(timeout=5, trust_env=False)

    async def ready() -> bool:
        try:
            return (await client.get(url)).status_code == 200
        except httpx.HTTPError:
            return False

    return ready


def says_yes(question: Callable[[], bool]) -> Ready:
    """Ready when a function that blocks returns true."""

    async def ready() -> bool:
        return await asyncio.to_thread(question)

    return ready
