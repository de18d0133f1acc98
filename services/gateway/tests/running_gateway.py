"""A gateway that serves, and the clients that speak to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from socket import socket
from typing import Any

import httpx
import socketio
import uvicorn


class Live:
    """What one Socket.IO client hears."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._news = asyncio.Event()
        for event in (
            "job:update",
            "asset:created",
            "asset:deleted",
            "model:progress",
            "library:changed",
            "session:ended",
        ):
            self.client.on(event, self._hears(event))

    def _hears(self, event: str) -> Callable[[dict[str, Any]], Awaitable[None]]:
        async def hear(payload: dict[str, Any]) -> None:
            self.heard.append((event, payload))
            self._news.set()

        return hear

    def updates(self, job_id: str) -> list[dict[str, Any]]:
        """Every state of a job so far."""
        return [job for event, job in self.heard if event == "job:update" and job["id"] == job_id]

    async def first(self, event: str, wanted: Callable[[dict[str, Any]], bool], within_s: float = 20) -> dict[str, Any]:
        """The first news of a kind that is wanted, heard already or to come."""
        async with asyncio.timeout(within_s):
            while True:
                for kind, payload in self.heard:
                    if kind == event and wanted(payload):
                        return payload
                self._news.clear()
                await self._news.wait()

    async def job(self, job_id: str, *states: str, run: int = 1, within_s: float = 20) -> dict[str, Any]:
        """A job once it is in one of these states; by default, once it has ended."""
        states = states or ("succeeded", "failed", "cancelled")
        return await self.first(
            "job:update", lambda job: (job["id"], job["run"]) == (job_id, run) and job["state"] in states, within_s
        )


class Running:
    """A gateway that serves, and a client that speaks to it."""

    def __init__(self, url: str, client: httpx.AsyncClient, library: Any) -> None:
        self.url, self.client, self.library = url, client, library
        self.ids: dict[str, str] = {}

    @asynccontextmanager
    async def listening(self, headers: dict[str, str] | None = None) -> AsyncIterator[Live]:
        """A Socket.IO client, connected."""
        live = Live()
        await live.client.connect(
            self.url, headers=dict(headers or {}), transports=["websocket"], socketio_path="/api/socket.io", retry=False
        )
        try:
            yield live
        finally:
            await live.client.disconnect()

    async def post(self, name: str, what: str, as_user: str = "", **wish: object) -> httpx.Response:
        """Asks for something to be made of the photo of that name."""
        headers = {"x-api-key": f"{as_user}-key"} if as_user else {}
        return await self.client.post(f"/api/photos/{self.ids[name]}/{what}", json=wish, headers=headers)

    async def get(self, path: str, as_user: str = "", **headers: str) -> httpx.Response:
        """Reads something."""
        return await self.client.get(path, headers={**headers, **({"x-api-key": f"{as_user}-key"} if as_user else {})})

    async def make(self, live: Live, name: str, what: str, **wish: object) -> dict[str, Any]:
        """Has something made, and waits for the job to end."""
        answer = await self.post(name, what, **wish)
        assert answer.status_code == 202, answer.text
        job = answer.json()["job"]
        return await live.job(job["id"], run=job["run"])


class QuietServer(uvicorn.Server):
    """Leaves signals to pytest, and ends when it is told to: uvicorn looks ten times a second, twice in a row."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Any:  # type: ignore[override]
        with nullcontext():
            yield

    def end(self) -> None:
        """Has it end, letting requests finish for as long as its settings say."""
        self.should_exit = True
        self._told.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._told.wait()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110  # they tell nobody
                    await asyncio.sleep(0.005)
        for task in self.server_state.tasks:
            task.cancel()
        await self.lifespan.shutdown()
