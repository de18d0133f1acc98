"""The gateway's API, as far as the demo needs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

_TRY_AGAIN = (429, 502, 503, 504)
_ENDED = ("succeeded", "failed", "cancelled")


class Refused(Exception):  # reads as what happened
    """The gateway does not make what was asked for; the message says why."""


@dataclass(frozen=True)
class Photo:
    """One photo of the library."""

    id: str
    name: str


@dataclass(frozen=True)
class Job:
    """How far a job is. stage: what was done last; message: about what is being done; error: why it failed."""

    id: str
    state: str
    fraction: float
    stage: str
    message: str
    error: str
    outputs: tuple[str, ...]

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in _ENDED


class Gallery:
    """A client that waits patiently where the gateway, or what it needs, is away for a moment.

    patience_s: between two tries.
    """

    def __init__(
        self, address: str, patience_s: float = 0.5, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._http = httpx.AsyncClient(base_url=address, timeout=60, trust_env=False, transport=transport)
        self._patience_s = patience_s

    async def __aenter__(self) -> Gallery:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def photos(self) -> AsyncIterator[Photo]:
        """Every photo, page by page."""
        cursor: str | None = None
        while True:
            query = {"limit": "200"} | ({"cursor": cursor} if cursor else {})
            page = await self._ask("GET", "/api/photos", params=query)
            for item in page["items"]:
                yield Photo(item["id"], item["name"])
            cursor = page["next_cursor"]
            if not cursor:
                return

    async def ask_for_splat(self, photo: Photo) -> Job:
        """The job that makes the photo's splat. Raises Refused."""
        order = {"model": "auto", "quality": "full"}
        return _job((await self._ask("POST", f"/api/photos/{photo.id}/splat", json=order))["job"])

    async def job(self, job_id: str) -> Job:
        """How far a job is. Raises Refused."""
        return _job(await self._ask("GET", f"/api/jobs/{job_id}"))

    async def reason(self, photo: Photo, asset_key: str) -> str:
        """Why the model that made an asset was chosen; empty if it was the first choice."""
        assets = (await self._ask("GET", f"/api/photos/{photo.id}/assets"))["assets"]
        return next((str(asset["reason"]) for asset in assets if asset["key"] == asset_key), "")

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        while True:
            try:
                answer = await self._http.request(method, path, **more)
            except httpx.TransportError:
                await asyncio.sleep(self._patience_s)
                continue
            if answer.status_code in _TRY_AGAIN:
                await asyncio.sleep(self._patience_s)
                continue
            if answer.is_error:
                raise Refused(_why(answer))
            return answer.json()


def _job(data: dict[str, Any]) -> Job:
    progress, error = data["progress"], data["error"]
    return Job(
        id=data["id"],
        state=data["state"],
        fraction=float(progress["fraction"]),
        stage=progress["stage"],
        message=progress["message"],
        error=f"{error['code']}: {error['message']}" if error else "",
        outputs=tuple(data["outputs"]),
    )


def _why(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        return f"{problem['code']}: {problem.get('detail') or problem['title']}"
    except (ValueError, KeyError, TypeError):
        return f"the gateway answered with status {answer.status_code}"
