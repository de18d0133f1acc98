"""What a person sees of a video: flat, then with depth that moves as it should, and everywhere the right frame."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import av
import httpx
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.async_api import Page, expect

from .conftest import in_one_loop

pytestmark = pytest.mark.browser

_WIDTH, _HEIGHT, _FPS, _FRAMES = 192, 128, 10, 25
_ZOOM = 2.5
"""So many pixels of the window for each of the clip, which has its shape."""
_BITS, _BIT = 6, 32
_NUMBER = slice(40, 52)
"""The rows in which the frame's number is drawn, clear of the player's controls."""
_SQUARE = 24
_DRAWN_S = 30
Picture = npt.NDArray[np.float64]


def _frame(number: int) -> npt.NDArray[np.uint8]:
    """Columns of greys that lie nowhere twice, a square that moves over them, and the number in black and white."""
    columns = np.random.default_rng(7).integers(60, 190, _WIDTH // 4).repeat(4)
    picture = np.broadcast_to(columns[None, :, None], (_HEIGHT, _WIDTH, 3)).astype(np.uint8)
    left = 20 + 5 * number
    picture[56 : 56 + _SQUARE, left : left + _SQUARE] = (225, 110, 40)
    for bit in range(_BITS):
        picture[_NUMBER, bit * _BIT : (bit + 1) * _BIT] = 235 if number >> bit & 1 else 20
    return picture


def _write(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=_FPS, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
        for number in range(_FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(_frame(number), format="rgb24")))
        container.mux(stream.encode())


@in_one_loop
async def video(stack, api: httpx.AsyncClient, page: Page) -> str:
    """The id of a clip in the library's folder."""
    if not (stack.photos / "square.mp4").exists():
        _write(stack.photos / "square.mp4")
    for _ in range(200):
        items = (await api.get("/api/videos")).json()["items"]
        if items and items[0]["duration_s"]:
            return str(items[0]["id"])
        await page.wait_for_timeout(100)
    raise TimeoutError("the clip does not come into the library")


async def _seen(page: Page) -> Picture:
    """What the window shows, of the size of the clip, (h, w, 3)."""
    picture = Image.open(io.BytesIO(await page.screenshot(timeout=60_000))).convert("RGB")
    return np.asarray(picture.resize((_WIDTH, _HEIGHT), Image.Resampling.BOX), np.float64)


def _number(picture: Picture) -> int:
    """The frame's number as it is drawn in the picture."""
    middle = picture[_NUMBER, _BIT // 2 :: _BIT].mean(axis=(0, 2))
    return sum(1 << bit for bit in range(_BITS) if middle[bit] > 128)


async def _shows(page: Page, number: int) -> None:
    """Waits until the window shows a frame, as it does once the browser has drawn it."""
    seen = None
    try:
        async with asyncio.timeout(_DRAWN_S):
            while (seen := _number(await _seen(page))) != number:
                await page.wait_for_timeout(100)
    except TimeoutError:
        pytest.fail(f"frame {seen} is shown instead of {number}")


def _moved(before: Picture, after: Picture, rows: slice) -> float:
    """How far what is in these rows went to the right, in pixels of the clip."""
    fine = []
    for picture in (before, after):
        line = picture[rows, 24:-24].mean(axis=(0, 2))
        fine.append(np.interp(np.arange(0, len(line) - 1, 0.1), np.arange(len(line)), line - line.mean()))
    reach = 120
    inner = fine[0][reach:-reach]
    ahead = range(2 * reach + 1)
    errors = [np.abs(fine[1][by : by + len(inner)] - inner).mean() for by in ahead]
    return (int(np.argmin(errors)) - reach) / 10


async def _leaning(page: Page, key: str) -> Picture:
    """What the window shows from as far to one side as one may lean."""
    await page.keyboard.press("r")
    for _ in range(6):
        await page.keyboard.press(key)
    await page.wait_for_timeout(2500)
    return await _seen(page)


async def _depth_in(api: httpx.AsyncClient, video: str, moment_s: float) -> Picture:
    """The depth that the player's film has at a moment, 0 to 255."""
    assets = (await api.get(f"/api/videos/{video}/assets")).json()["assets"]
    film = next(file for file in assets[0]["files"] if file["role"] == "rgbd")
    x, y, width, height = assets[0]["details"]["rgbd"]["depth"]
    data = io.BytesIO((await api.get(film["url"])).content)
    with av.open(data) as container:
        frame = next(one for one in container.decode(video=0) if one.time is not None and one.time > moment_s - 0.01)
    return frame.to_ndarray(format="rgb24")[y : y + height, x : x + width].astype(np.float64)


# On busy machines the browser draws a frame of depth in seconds.
@pytest.mark.timeout(400)
async def test_a_video_becomes_one_with_depth_that_moves_by_it_and_shows_the_right_frame_wherever_one_goes(
    stack, page, until, api, video
) -> None:
    await page.goto(f"{stack.address}/?budget=4000&motion=0#/video/{video}")
    await until(lambda state: state.get("mode") == "flat" and state.get("moment") == "0")
    await page.get_by_role("button", name="Make 3D").click()
    # Watched as far as it is made, or once it is: never shown where there is nothing yet.
    await until(lambda state: state.get("mode") == "depth", seconds=120)
    await page.locator(".video [data-card=progress]").wait_for(state="hidden", timeout=120_000)

    line = await page.locator(".timeline-line").bounding_box()
    for part in (0.6, 0.25, 0.9):
        await page.mouse.click(line["x"] + part * line["width"], line["y"] + line["height"] / 2)
        wanted = int(part * _FRAMES)
        state = await until(lambda state, ms=wanted * 1000 // _FPS: abs(int(state.get("moment", -1)) - ms) <= 101)
        assert state["mode"] == "depth"
        await _shows(page, round(int(state["moment"]) * _FPS / 1000))

    await page.keyboard.press("Home")
    for number in range(1, 4):
        await page.keyboard.press(".")
        await until(lambda state, ms=number * 1000 // _FPS: state.get("moment") == str(ms))
    await _shows(page, 3)

    depth = await _depth_in(api, video, 0.3)
    far_rows, near_rows = sorted((slice(20, 36), slice(86, 104)), key=lambda rows: float(depth[rows].mean()))
    await page.add_style_tag(content=".photo > :not(.stage) { visibility: hidden !important }")
    left, right = [await _leaning(page, key) for key in "ad"]
    # From a place further to the left (a) to one further to the right (d), what is near goes left before what is far.
    near, far = (_moved(left, right, rows) for rows in (near_rows, far_rows))
    assert near < far - 1, f"near moved by {near}, far by {far}"


@pytest.mark.timeout(400)
async def test_stereo_of_a_video_is_made_where_it_is_asked_for_and_saved_under_a_name_that_players_read(
    stack, page, until, api, video, ended, tmp_path
) -> None:
    asked = await api.post(f"/api/videos/{video}/depth", json={"model": "auto"})
    assert (await ended(api, asked.json()["job"], 120))["state"] == "succeeded"
    await page.goto(f"{stack.address}/?motion=0#/video/{video}")
    await until(lambda state: state.get("mode") in ("flat", "depth"))
    await page.get_by_role("button", name="More", exact=True).click()
    assets = (await api.get(f"/api/videos/{video}/assets")).json()["assets"]
    # No network is here: depth was guessed, and that is said.
    await expect(page.get_by_text(assets[0]["reason"])).to_be_visible()
    await page.get_by_role("button", name="Download", exact=True).click()
    panel = page.locator("#popup-download-video")
    async with page.expect_download(timeout=120_000) as coming:
        await panel.get_by_role("button").filter(has_text="For headsets").click()
        await expect(panel.get_by_role("progressbar", name="Making stereo, side by side")).to_be_visible()
    download = await coming.value
    assert download.suggested_filename.startswith("square_")
    assert download.suggested_filename.endswith("_LRF_Full_SBS.mp4")
    await download.save_as(tmp_path / "stereo.mp4")
    assert b"st3d" in (tmp_path / "stereo.mp4").read_bytes()
    with av.open(str(tmp_path / "stereo.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.frames) == (2 * _WIDTH, _HEIGHT, _FRAMES)
    await expect(panel.get_by_role("link").filter(has_text="Side by side").last).to_be_visible()
