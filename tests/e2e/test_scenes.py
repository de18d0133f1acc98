"""Photos of a room become a place that one walks in, and what is missing in it is filled, in a browser over a stack."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.async_api import Locator, Page, expect

from .conftest import Stack, in_one_loop

_FEW = 4
_PATIENCE_S = 600


@pytest.fixture
def house(extended: Stack) -> str:
    """The address of a stack over a folder in which photos of a walk through a room are."""
    return extended.address


@in_one_loop
async def api(house: str) -> AsyncIterator[httpx.AsyncClient]:
    """The stack's HTTP API."""
    async with httpx.AsyncClient(base_url=house, timeout=60) as client:
        yield client


@in_one_loop
async def walk(api: httpx.AsyncClient) -> list[str]:
    """The ids of the photos of the walk, in its order."""
    items = (await api.get("/api/photos")).json()["items"]
    return [one["id"] for one in sorted(items, key=lambda one: one["name"]) if one["name"].startswith("walk-")]


async def _seen(page: Page) -> Any:
    """What the scene's canvas shows, (h, w, 3)."""
    shot = await page.locator("canvas.scene-canvas").screenshot(timeout=60_000)
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"), np.float64)


@pytest.mark.browser
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("method", "count", "key", "drawn"),
    [
        ("points", _FEW, "points-points", "data-points"),
        pytest.param("gaussian_splatting", 8, "splat-gaussians", "data-splats", marks=pytest.mark.long),
    ],
)
async def test_photos_become_a_place_to_walk_in(
    house: str, api: httpx.AsyncClient, page: Page, walk: list[str], method: str, count: int, key: str, drawn: str
) -> None:
    await page.set_viewport_size({"width": 640, "height": 480})
    await page.goto(f"{house}/#/scenes")
    await page.get_by_role("button", name="Make a place").first.click()
    form = page.get_by_role("form", name="Make a place")
    chosen = walk[-count:]
    for photo in chosen:
        await form.locator(f'.scene-picks input[value="{photo}"]').check(timeout=60_000)
    await form.locator("select[name=method]").select_option(method)
    await form.get_by_label("Quality").select_option("draft")
    await form.get_by_role("button", name="Make a place").click()
    progress = page.get_by_role("region", name=re.compile("^Making (a place|points)"))
    await expect(progress.get_by_role("progressbar")).to_be_visible(timeout=60_000)

    canvas = page.locator("canvas.scene-canvas")
    await expect(canvas).to_have_attribute(drawn, re.compile("[1-9]"), timeout=_PATIENCE_S * 1000)
    await page.wait_for_timeout(500)
    seen = await _seen(page)
    assert seen.std() > 15, "the room is on the screen"
    await canvas.focus()
    stood = await canvas.get_attribute("data-at")
    await page.keyboard.down("w")
    await expect(canvas).not_to_have_attribute("data-at", stood or "", timeout=30_000)
    await page.keyboard.up("w")

    [scene] = [one for one in (await api.get("/api/scenes")).json()["items"] if one["id"] in page.url]
    details = (await api.get(f"/api/scenes/{scene['id']}")).json()
    assert set(scene["made_of"]["ids"]) == set(chosen)
    assert details["metrics"]["registered"] == len(chosen) == count
    assert len({one["photo_id"] for one in details["cameras"]} & {*chosen}) == len(details["cameras"]) > count / 2
    [asset] = details["assets"]
    assert asset["key"] == key


# In short, what is filled is held by test_jobs.py of services/inpaint, the page's versions by scenes.test.mjs of the
# viewer, and a line between two pictures by its seen.test.mjs.
@pytest.mark.long
@pytest.mark.browser
@pytest.mark.timeout(1800)
async def test_what_is_missing_in_a_draft_is_filled_and_compared_with_a_slider(
    house: str, api: httpx.AsyncClient, page: Page, walk: list[str], ended: Any
) -> None:
    wish = {"source": {"photo_ids": walk}, "quality": "draft"}
    job = await ended(api, (await api.post("/api/reconstruct", json=wish)).json()["job"], 900)
    assert job["state"] == "succeeded", job["error"]
    await page.goto(f"{house}/#/scene/{job['source']['id']}")
    await compared(page)
    details = (await api.get(f"/api/scenes/{job['source']['id']}")).json()
    assert details["completed"]
    assert {one["key"] for one in details["assets"]} == {"splat-gaussians", "splat-gaussians-inpainted-fill"}


async def compared(page: Page) -> None:
    """Has the scene that is open filled, and drags the line between before and after."""
    canvas = page.locator("canvas.scene-canvas")
    await page.get_by_label("How to fill").select_option("fill")
    await page.get_by_role("button", name="Fill missing regions").click()
    compare = page.get_by_role("region", name="Before and after")
    await expect(compare).to_be_visible(timeout=_PATIENCE_S * 1000)
    await expect(canvas).to_have_attribute("data-version", "splat-gaussians-inpainted-fill", timeout=60_000)
    await cut_by_the_line(compare)


async def cut_by_the_line(compare: Locator) -> None:
    """Left of the line is what was, right of it what is, seen by their pixels."""
    for name in ("Before", "After"):
        picture = compare.get_by_alt_text(name)
        await expect(picture).to_have_js_property("complete", True, timeout=60_000)
        assert await picture.evaluate("image => image.naturalWidth") > 0
    before, after, both = [await _cut(compare, at) for at in (100, 0, 40)]
    width = before.shape[1]
    left, right = slice(0, int(0.35 * width)), slice(int(0.45 * width), None)
    for side, like, unlike in ((left, before, after), (right, after, before)):
        assert np.abs(both - like)[:, side].mean() < 1, "either side of the line shows its own version"
        assert np.abs(both - unlike)[:, side].mean() > 5, "which the other one is not"


async def _cut(compare: Locator, share: int) -> Any:
    """The comparison with the line after so many hundredths, (h, w, 3), without the line's handle."""
    await compare.get_by_role("slider").fill(str(share))
    shot = await compare.get_by_alt_text("Before").screenshot(timeout=60_000)
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"), np.float64)


async def test_a_scene_is_converted_packed_and_deleted_by_the_api_while_its_photos_stay(
    api: httpx.AsyncClient, walk: list[str], ended: Any
) -> None:
    wish = {"source": {"photo_ids": walk[:_FEW]}, "quality": "draft", "method": "points"}
    job = (await api.post("/api/reconstruct", json=wish)).json()["job"]
    assert (await api.post(f"/api/inpaint/{job['id']}", json={})).json()["code"] == "not_succeeded"
    assert (await api.post("/api/inpaint/no-such-job", json={})).status_code == 404
    done = await ended(api, job, _PATIENCE_S)
    assert (done["state"], done["outputs"]) == ("succeeded", ["points-points"]), done["error"]
    again = await api.post("/api/reconstruct", json=wish)
    assert (again.status_code, again.json()["job"]["id"]) == (200, job["id"])
    scene = done["source"]
    assert (await api.post(f"/api/inpaint/{job['id']}", json={})).json()["code"] == "nothing_to_complete"
    details = (await api.get(f"/api/scenes/{scene['id']}")).json()
    files = {file["format"]: file for file in details["assets"][0]["files"] if file["role"] in ("points", "level")}
    assert {"ply", "glb"} <= set(files)
    assert (await api.get(files["ply"]["url"])).content.startswith(b"ply")
    deleted = await api.delete(f"/api/scenes/{scene['id']}")
    assert deleted.json() == {"deleted": 1, "left": 0}
    assert (await api.get("/api/photos")).json()["items"]
    assert scene["id"] not in [one["id"] for one in (await api.get("/api/scenes")).json()["items"]]


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"photo_ids": ["{0}"]}, 422, "too_few_photos"),
        ({"photo_ids": ["{0}", "{0}"]}, 422, "invalid_request"),
        ({"photo_ids": ["{0}", "gone"]}, 404, "not_found"),
        ({"photo_ids": [f"p{number}" for number in range(201)]}, 422, "too_many_photos"),
        ({"video_id": "gone"}, 404, "not_found"),
        ({"video_id": "gone", "set": "gone"}, 422, "invalid_request"),
    ],
)
async def test_what_is_no_place_is_refused_with_what_would_do(
    wish: dict[str, Any], status: int, code: str, api: httpx.AsyncClient
) -> None:
    [first, *_] = (await api.get("/api/photos")).json()["items"]
    named = {
        key: [one.format(first["id"]) for one in value] if key == "photo_ids" else value for key, value in wish.items()
    }
    refused = await api.post("/api/reconstruct", json={"source": named})
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text


async def test_nothing_can_be_sent_elsewhere_where_nothing_is_set_up(api: httpx.AsyncClient, walk: list[str]) -> None:
    ways = (await api.get("/api/reconstruct")).json()
    assert (ways["cloud"], "cloud" in ways["methods"]) == (None, False)
    refused = await api.post("/api/reconstruct", json={"source": {"photo_ids": walk}, "method": "cloud", "sends": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "cloud_off")
