"""The demo asks for every splat, counts what failed, and waits where the gateway is away."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import immichvr_local.demo.making as making
import pytest
from immichvr_local.demo.bars import Bars
from immichvr_local.demo.gallery import Gallery, Photo
from immichvr_local.demo.making import Tally, make_splats
from immichvr_local.demo.run import exit_code
from rich.console import Console

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "_ASKED_EVERY_S", 0.0)


def job(state: str, **more: Any) -> dict[str, Any]:
    progress = {"fraction": 0.5, "stage": "decoded", "message": ""}
    return {"id": "job", "state": state, "progress": progress, "error": None, "outputs": []} | more


def gallery(answer: Answer) -> Gallery:
    return Gallery("http://gallery", patience_s=0.0, transport=httpx.MockTransport(answer))


async def fared(answer: Answer, *names: str) -> tuple[str, str]:
    """The tally, and what was shown."""
    console = Console(record=True, soft_wrap=True, force_terminal=False, quiet=False)
    photos = [Photo(name, f"{name}.jpg") for name in names]
    async with gallery(answer) as asked:
        with Bars(console, len(photos)) as bars:
            tally = await make_splats(asked, photos, bars)
    return str(tally), console.export_text()


async def test_each_photo_is_asked_for_followed_and_counted() -> None:
    states = iter(["queued", "running"])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            assert json.loads(request.content) == {"model": "auto", "quality": "full"}
            return httpx.Response(202, json={"job": job("queued")})
        if request.url.path == "/api/jobs/job":
            state = next(states, "succeeded")
            return httpx.Response(200, json=job(state, outputs=["depth-heuristic", "splat-lift-heuristic"]))
        assets = [{"key": "splat-lift-heuristic", "reason": "da2-small: no network"}]
        return httpx.Response(200, json={"assets": assets})

    tally, shown = await fared(answer, "a", "b")
    assert tally == "demo: 2 photos, 2 splats, 0 failed"
    assert "a.jpg: lift-heuristic" in shown
    assert "(da2-small: no network)" in shown


async def test_what_fails_is_told_and_stops_nothing() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/photos/broken/splat":
            error = {"code": "invalid_image", "message": "cut off"}
            return httpx.Response(202, json={"job": job("failed", error=error)})
        if request.url.path == "/api/photos/unknown/splat":
            return httpx.Response(404, json={"code": "not_found", "title": "Not found", "detail": "no such photo"})
        if request.method == "POST":
            return httpx.Response(200, json={"job": job("succeeded", outputs=["splat-lift-embedded"])})
        return httpx.Response(200, json={"assets": []})

    tally, shown = await fared(answer, "broken", "unknown", "good")
    assert tally == "demo: 3 photos, 1 splats, 2 failed"
    assert "broken.jpg: failed, invalid_image: cut off" in shown
    assert "unknown.jpg: failed, not_found: no such photo" in shown


async def test_a_gateway_that_is_away_is_waited_for() -> None:
    troubles = iter([httpx.ConnectError("refused"), httpx.Response(503, json={}), httpx.Response(429, json={})])

    def answer(request: httpx.Request) -> httpx.Response:
        trouble = next(troubles, None)
        if isinstance(trouble, Exception):
            raise trouble
        return trouble or httpx.Response(200, json={"items": [{"id": "a", "name": "a.jpg"}], "next_cursor": None})

    async with gallery(answer) as asked:
        assert [photo async for photo in asked.photos()] == [Photo("a", "a.jpg")]


async def test_every_page_of_photos_is_read() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        cursor = request.url.params.get("cursor")
        item = {"id": cursor or "first", "name": "x.jpg"}
        return httpx.Response(200, json={"items": [item], "next_cursor": None if cursor else "second"})

    async with gallery(answer) as asked:
        assert [photo.id async for photo in asked.photos()] == ["first", "second"]


@pytest.mark.parametrize(
    ("tally", "code"), [(Tally(2, splats=2), 0), (Tally(2, splats=1, failed=1), 1), (None, 130)], ids=str
)
def test_the_exit_code_tells_how_it_went(tally: Tally | None, code: int) -> None:
    assert exit_code(tally) == code
