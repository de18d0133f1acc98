"""A service that no code of ours knows: a folder, a message, rows of the catalogue and a planner are all it takes."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import socketio
from playwright.async_api import Page, expect

from .conftest import FILM, Stack, in_one_loop

PATIENCE_S = 120


@pytest.fixture
def toys(extended: Stack) -> str:
    """The address of a stack with the service in it, over a folder with a video and photos."""
    return extended.address


@in_one_loop
async def api(toys: str) -> AsyncIterator[httpx.AsyncClient]:
    """The stack's HTTP API."""
    async with httpx.AsyncClient(base_url=toys, timeout=60) as client:
        yield client


@asynccontextmanager
async def listening(address: str) -> AsyncIterator[asyncio.Queue[tuple[str, Any]]]:
    """What a client of the socket hears meanwhile."""
    heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
    client = socketio.AsyncClient()
    client.on("*", lambda event, payload: heard.put_nowait((event, payload)))
    await client.connect(address, socketio_path="/api/socket.io", transports=["websocket"], wait_timeout=PATIENCE_S)
    yield heard
    await client.disconnect()


async def ask(api: httpx.AsyncClient, kind: str, source_id: str, **params: str) -> httpx.Response:
    wanted = {"kind": "play", "source": {"kind": kind, "id": source_id}, "params": params}
    return await api.post("/api/jobs", json=wanted)


async def once_ended(api: httpx.AsyncClient, source_id: str) -> dict[str, Any]:
    """The only job of a video, once it has ended."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = await api.get("/api/jobs", params={"source_kind": "video", "source_id": source_id})
            [job] = answer.json()["items"]
            if job["state"] not in ("queued", "running"):
                return dict(job)
            await asyncio.sleep(0.1)


async def test_it_makes_a_toy_of_a_video_that_everybody_who_listens_hears_of(toys: str, api: httpx.AsyncClient) -> None:
    [video] = (await api.get("/api/videos")).json()["items"]
    assert (video["name"], video["badges"]) == (
        "walk.mp4",
        {"depth": False, "splat": False, "depth-video": False, "motion": False, "points": False, "toy": False},
    )
    async with listening(toys) as heard:
        asked = await ask(api, "video", video["id"], colour="green")
        assert asked.status_code == 202, asked.text
        job = await once_ended(api, video["id"])
        assert (job["id"], job["kind"], job["state"]) == (asked.json()["job"]["id"], "play", "succeeded"), job["error"]
        assert (job["source"], job["photo_id"]) == ({"kind": "video", "id": video["id"]}, "")
        assert (job["params"], job["outputs"]) == ({"colour": "green"}, ["toy-wooden"])
        assert "carved" in [step["stage"] for step in job["timeline"]]
        async with asyncio.timeout(PATIENCE_S):
            while (news := await heard.get())[0] != "asset:created":
                pass
        assert (news[1]["source"], news[1]["asset"]["kind"]) == (job["source"], "toy")
    [asset] = (await api.get(f"/api/videos/{video['id']}/assets")).json()["assets"]
    assert (asset["key"], asset["kind"], asset["outdated"]) == ("toy-wooden", "toy", False)
    [file] = asset["files"]
    assert file["download_name"] == "walk_wooden.txt"
    digest = hashlib.sha256(FILM).hexdigest()
    assert (await api.get(file["url"])).text == f"a green toy of the video walk.mp4: {digest}"
    again = await ask(api, "video", video["id"], colour="green")
    assert (again.status_code, again.json()["job"]["id"]) == (200, job["id"])
    [video] = (await api.get("/api/videos")).json()["items"]
    assert video["badges"]["toy"] is True


async def test_what_its_planner_does_not_take_is_refused_in_words(api: httpx.AsyncClient) -> None:
    [video] = (await api.get("/api/videos")).json()["items"]
    refused = await ask(api, "video", video["id"], colour="loud")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_colour")
    assert "'loud' is not one of: red, green" in refused.json()["detail"]


@pytest.mark.browser
async def test_its_asset_shows_in_the_viewer_by_its_own_name(
    extended: Stack, toys: str, api: httpx.AsyncClient, page: Page, until
) -> None:
    photo_id = extended.photo_id("coffee.jpg")
    await page.goto(toys)
    await until(lambda state: state.get("view") == "gallery" and state.get("socket") == "connected", PATIENCE_S)
    assert (await ask(api, "photo", photo_id)).status_code == 202
    tile = page.get_by_role("link", name=re.compile(r"^coffee\.jpg.*toy ready"))
    await expect(tile.locator("[data-badge=toy]")).to_have_text("toy", timeout=PATIENCE_S * 1000)
    await expect(page.get_by_text("play is done for coffee.jpg")).to_be_attached()
    await page.goto(f"{toys}/#/photo/{photo_id}")
    await until(lambda state: state.get("view") == "photo" and state.get("mode") == "flat", PATIENCE_S)
    await page.keyboard.press("i")
    about = page.get_by_role("complementary", name="About this photo")
    await expect(about.get_by_role("heading", name="toy")).to_be_visible(timeout=PATIENCE_S * 1000)
    await expect(about).to_contain_text("toy.txt")
