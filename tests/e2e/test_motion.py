"""A photo that moves, on the whole stack: from the request to a clip that players play."""

from __future__ import annotations

import io

import av
import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.async_api import Locator, expect

_PATIENCE_S = 120
"""The first clip waits for its kernels to be compiled."""


# In short, what a clip shows is held by services/video-depth/tests/motion/test_clip.py, and that the stack makes one by
# the browser below.
@pytest.mark.long
async def test_a_photo_becomes_a_clip_that_begins_and_ends_at_the_photo(stack, api: httpx.AsyncClient, ended) -> None:
    photo = f"/api/photos/{stack.photo_id('coffee.jpg')}"
    asked = await api.post(f"{photo}/motion", json={"path": "orbit", "seconds": 2})
    assert asked.status_code == 202, asked.text
    job = await ended(api, asked.json()["job"], _PATIENCE_S)
    assert (job["kind"], job["state"]) == ("motion", "succeeded"), job["error"]
    [clip] = [one for one in (await api.get(f"{photo}/assets")).json()["assets"] if one["kind"] == "motion"]
    film = next(one for one in clip["files"] if one["media_type"] == "video/mp4")
    with av.open(io.BytesIO((await api.get(film["url"])).content)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        frames = [frame.to_ndarray(format="rgb24").astype(np.float32) for frame in container.decode(video=0)]
    preview = Image.open(io.BytesIO((await api.get(f"{photo}/original")).content)).convert("RGB")
    height, width, _ = frames[0].shape
    flat = np.asarray(preview.resize((width, height), Image.Resampling.LANCZOS), np.float32)
    apart = [float(np.abs(frame - flat).mean()) for frame in (frames[0], frames[len(frames) // 4], frames[-1])]
    assert max(apart[0], apart[2]) * 2 < apart[1], apart
    again = await api.post(f"{photo}/motion", json={"path": "orbit", "seconds": 2})
    assert (again.status_code, again.json()["job"]["id"]) == (200, job["id"])


async def press(button: Locator) -> None:
    """Moves the pointer first, as anybody does: the controls rest when it has been still for a while."""
    await button.page.mouse.move(300, 300)
    await button.page.mouse.move(310, 310)
    await button.click()


@pytest.mark.browser
@pytest.mark.timeout(300)
async def test_somebody_makes_a_photo_move_sees_how_far_it_is_and_takes_the_clip_along(
    stack, api: httpx.AsyncClient, page, until, ended, tmp_path
) -> None:
    photo_id = stack.photo_id("cat.jpg")
    await page.goto(f"{stack.address}/?budget=1000&motion=0#/photo/{photo_id}")
    await until(lambda state: state.get("mode") == "flat")
    await page.get_by_role("button", name="More", exact=True).click()
    await page.get_by_role("button", name="Make it move…").click()
    dialog = page.get_by_role("dialog", name="Make it move")
    await dialog.get_by_label("Orbit").check()
    await dialog.get_by_role("button", name="Make it").click()
    await expect(page.locator(".photo [data-card=progress]").first).to_be_visible(timeout=_PATIENCE_S * 1000)
    asked = (await api.get("/api/jobs", params={"kind": "motion"})).json()["items"]
    [job] = [one for one in asked if one["source"]["id"] == photo_id and one["params"]["path"] == "orbit"]
    assert (await ended(api, job, _PATIENCE_S))["state"] == "succeeded"
    # Whoever asked their system for less motion starts it by themselves.
    clip = page.get_by_role("button", name="Motion clip")
    await press(clip)
    await until(lambda state: state.get("clip") == "playing")
    await press(clip)
    await until(lambda state: "clip" not in state)
    await press(page.get_by_role("button", name="Download", exact=True))
    async with page.expect_download() as coming:
        await page.get_by_role("link", name="Motion clip").click()
    download = await coming.value
    assert download.suggested_filename == "cat_orbit.mp4"
    await download.save_as(tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert container.streams.video[0].frames == 90
