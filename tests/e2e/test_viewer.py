"""What a person sees: the gallery, a photo becoming a place, and words when it does not."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.async_api import Page, expect

pytestmark = pytest.mark.browser

BUDGET = 4000


async def pixels(page: Page) -> np.ndarray:
    """What the window shows, (h, w, 3)."""
    picture = Image.open(io.BytesIO(await page.screenshot(timeout=60_000)))
    return np.asarray(picture.convert("RGB"), np.float64)


async def still(page: Page) -> np.ndarray:
    """What the window shows once it has stopped changing."""
    before = await pixels(page)
    for _ in range(40):
        await page.wait_for_timeout(150)
        now = await pixels(page)
        if np.array_equal(now, before):
            return now
        before = now
    raise TimeoutError("the window does not come to rest")


async def at_rest(page: Page, until: Any) -> str:
    """How many frames were drawn, once none is any more: what is slow to come may still have one drawn."""
    async with asyncio.timeout(60):
        while True:
            frames = (await until(lambda state: True))["frames"]
            await page.wait_for_timeout(700)
            if (await until(lambda state: True))["frames"] == frames:
                return str(frames)


async def test_the_gallery_shows_every_photo_and_opens_one_by_keyboard(stack, page, until) -> None:
    await page.goto(stack.address)
    await until(lambda state: state.get("view") == "gallery" and state.get("socket") == "connected")
    for name in ("coffee.jpg", "cat.jpg", "broken.jpg"):
        await expect(page.get_by_role("link", name=name)).to_be_visible()
    await page.get_by_role("link", name="cat.jpg").focus()
    await page.keyboard.press("Enter")
    await until(lambda state: state.get("view") == "photo" and state.get("mode") == "flat")
    await page.keyboard.press("Escape")
    await until(lambda state: state.get("view") == "gallery")
    await expect(page.get_by_role("link", name="cat.jpg")).to_be_focused()


async def test_a_photo_becomes_a_splat_that_looks_like_it_and_gets_a_badge(stack, page, until) -> None:
    await page.goto(f"{stack.address}/?budget={BUDGET}#/photo/{stack.photo_id('astronaut.jpg')}")
    await until(lambda state: state.get("mode") == "flat")
    await page.wait_for_load_state("networkidle")
    flat = await still(page)
    await page.get_by_role("button", name="Make it 3D").click()
    await expect(page.get_by_role("progressbar")).to_be_visible()
    state = await until(lambda state: state.get("mode") == "splat" and int(state.get("splats", 0)) > 1000)
    assert int(state["splats"]) <= BUDGET
    await until(lambda state: int(state.get("frames", 0)) > 0)
    await expect(page.get_by_role("progressbar")).to_be_hidden(timeout=60_000)
    splat = await still(page)
    # The middle, clear of buttons: drawn, and the same picture as the flat one, if coarser.
    middle = np.s_[80:240, 100:380]
    assert splat[middle].std() > 15
    coarse = [
        np.asarray(Image.fromarray(one[middle].astype(np.uint8)).resize((14, 8), Image.BOX)) for one in (flat, splat)
    ]
    assert np.corrcoef(coarse[0].ravel(), coarse[1].ravel())[0, 1] > 0.7
    await page.keyboard.press("Escape")
    await until(lambda state: state.get("view") == "gallery")
    await expect(page.get_by_role("link", name="astronaut.jpg")).to_contain_text("3D")


async def test_nothing_is_drawn_while_nothing_moves_and_dragging_turns_the_view(stack, page, until, api) -> None:
    photo_id = stack.photo_id("cat.jpg")
    await api.post(f"/api/photos/{photo_id}/splat", json={"model": "lift-heuristic"})
    await page.goto(f"{stack.address}/?budget={BUDGET}#/photo/{photo_id}")
    await until(lambda state: state.get("mode") == "splat" and int(state.get("splats", 0)) > 1000)
    resting = await at_rest(page, until)
    before = await still(page)
    await page.mouse.move(240, 160)
    await page.mouse.down()
    await page.mouse.move(330, 160, steps=3)
    await until(lambda state: int(state["frames"]) > int(resting))
    turned = await still(page)
    await page.mouse.up()
    assert np.abs(turned - before)[80:240, 100:380].mean() > 2


async def test_a_file_that_is_no_picture_is_told_in_words_and_not_offered_as_3d(stack, page, until) -> None:
    await page.goto(f"{stack.address}/#/photo/{stack.photo_id('broken.jpg')}")
    await until(lambda state: state.get("view") == "photo")
    await expect(page.get_by_role("alert").first).to_contain_text("The picture could not be loaded", timeout=20_000)
    await expect(page.get_by_role("button", name="Make it 3D")).to_have_count(0)


async def test_modes_switch_by_key_and_the_flat_picture_stays_at_hand(
    stack, page, until, api: httpx.AsyncClient
) -> None:
    photo_id = stack.photo_id("coffee.jpg")
    await api.post(f"/api/photos/{photo_id}/splat", json={"model": "auto"})
    await page.goto(f"{stack.address}/?budget={BUDGET}#/photo/{photo_id}")
    state = await until(lambda state: state.get("mode") == "splat" and int(state.get("splats", 0)) > 1000)
    await page.keyboard.press("2")
    # The mode changes with the key; its first frame follows.
    await until(lambda now: now.get("mode") == "depth" and int(now["frames"]) > int(state["frames"]))
    parallax = await still(page)
    await page.keyboard.press("1")
    await until(lambda state: state.get("mode") == "flat")
    flat = await still(page)
    middle = np.s_[80:240, 100:380]
    assert np.abs(parallax - flat)[middle].mean() < 25
    await page.keyboard.press("3")
    await until(lambda state: state.get("mode") == "splat")
