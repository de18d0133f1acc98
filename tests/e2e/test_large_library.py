"""A large library in the browser, through the real gateway: scrolled through, and leapt about in.

Tasks of the page's main thread are counted by what they take of a processor: the long tasks of an idle machine, which a
busy one does not make more.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from immichvr_bench.gateway import Amounts, House, running_house
from playwright.async_api import Browser, Page

pytestmark = [pytest.mark.browser]

_KEY = "k" * 43
_LONG_MS, _SHORT_MS = 100, 50
_MOST_LONG, _MOST_TILES = 3, 400
_TRACED = ["toplevel", "__metadata"]
_WATCH = """
    window.mostTiles = 0;
    const count = () => {
      window.mostTiles = Math.max(window.mostTiles, document.getElementsByClassName('tile').length);
      requestAnimationFrame(count);
    };
    requestAnimationFrame(count);
"""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(2_000, marks=pytest.mark.timeout(600)),
        pytest.param(100_000, marks=[pytest.mark.long, pytest.mark.timeout(1200)]),
    ],
)
def library(request: pytest.FixtureRequest) -> Iterator[tuple[House, int]]:
    """A gateway before an Immich of that many photos, each of which has a splat."""
    with running_house(Amounts(photos=request.param, file_bytes=1024)) as running:
        yield running, request.param


async def shown(page: Page) -> dict[str, float]:
    """What is seen, and what it took so far."""
    found: dict[str, float] = await page.evaluate(
        """() => ({
          at: Number(document.querySelector('.scrubber').ariaValueNow),
          months: Number(document.querySelector('.scrubber').ariaValueMax) + 1,
          loaded: [...document.querySelectorAll('.tile img')].filter(({ complete }) => complete).length,
          tiles: window.mostTiles,
        })"""
    )
    return found


async def has_pictures(page: Page) -> None:
    """Waits until what is in the window has come."""
    async with asyncio.timeout(120):
        while (await shown(page))["loaded"] < 8:  # noqa: ASYNC110  # the page forbids what would tell
            await asyncio.sleep(0.05)


def tasks_of(trace: bytes) -> list[float]:
    """What each task of the page's main thread took of a processor, in milliseconds."""
    events = json.loads(trace)["traceEvents"]
    main = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks = (event for event in events if event["name"].endswith("RunTask") and (event["pid"], event["tid"]) in main)
    return [event.get("tdur", 0) / 1000 for event in tasks]


async def test_it_is_scrolled_through_without_a_stutter_and_with_few_elements(
    library: tuple[House, int], browser: Browser
) -> None:
    house, photos = library
    wheels, leaps, window = (240, 25, (1280, 800)) if photos > 10_000 else (20, 4, (900, 600))
    viewport: Any = dict(zip(("width", "height"), window, strict=True))
    context = await browser.new_context(viewport=viewport, service_workers="block")
    await context.request.post(f"{house.gateway}/api/session", data={"api_key": _KEY})
    page = await context.new_page()
    await page.add_init_script(_WATCH)
    await page.goto(house.gateway)
    await has_pictures(page)
    months = (await shown(page))["months"]
    # Whoever has the page before them; what the first look costs is held elsewhere.
    await browser.start_tracing(page=page, categories=_TRACED)
    await page.mouse.move(600, 400)
    for _ in range(wheels):
        await page.mouse.wheel(0, 500)
        await asyncio.sleep(1 / 60)
    await has_pictures(page)
    scrolled = (await shown(page))["at"]
    slider = page.get_by_role("slider", name="Month")
    box = await slider.bounding_box()
    assert box is not None
    across = box["x"] + box["width"] / 2
    await page.mouse.move(across, box["y"] + 2)
    await page.mouse.down()
    for step in range(1, leaps + 1):
        await page.mouse.move(across, box["y"] + box["height"] * step / (leaps + 1))
        await asyncio.sleep(0.1)
    await page.mouse.up()
    await has_pictures(page)
    dragged = (await shown(page))["at"]
    await slider.focus()
    await page.keyboard.press("End")
    await has_pictures(page)
    end = (await shown(page))["at"]
    await page.keyboard.press("Home")
    await has_pictures(page)
    told = await shown(page)
    tasks = tasks_of(await browser.stop_tracing())
    await context.close()
    slow = [round(task) for task in tasks if task > _LONG_MS]
    figures = {
        "photos": photos, "months": int(months), "tasks": len(tasks), "tasks_above_50_ms": sum(
            task > _SHORT_MS for task in tasks
        ), "long_tasks": len(slow), "longest_ms": round(max(tasks)), "most_tiles": int(told["tiles"]),
        "load_1_min": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    print(json.dumps(figures))  # noqa: T201  # what a run took is worth more than that it passed
    assert scrolled > 0
    assert dragged > months * 0.6
    assert end == months - 1
    assert told["at"] == 0
    assert told["tiles"] <= _MOST_TILES
    assert len(tasks) > 100, "the trace has no tasks"
    assert max(tasks) > 0, "the trace does not say what they take of a processor"
    assert len(slow) <= _MOST_LONG, slow
