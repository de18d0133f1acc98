"""The flow of a session that draws: the newest pose wins, who rests gets it whole, and no pose ends the stream."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgpack
import numpy as np
import pytest
from immichvr_ai.live.reading import Limits
from immichvr_ai.render.reach import Reach
from immichvr_ai.render.session import converse
from immichvr_inference.errors import DeviceFailed
from immichvr_splats import Camera
from PIL import Image

HELLO = {"type": "hello", "version": 1, "output": "picture", "credit": 1}
PLACE = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]


class Trial:
    """Draws grey when it is let go on, and tells what it drew."""

    name, gaussians, reach, reason = "trial", 5, Reach(2.0, 1.0), ""

    def __init__(self, is_free: bool = True) -> None:
        self.is_free = is_free
        self.fails: Exception | None = None
        self.go_on, self.began = threading.Semaphore(0), threading.Semaphore(0)
        self.drawn: list[tuple[int, int]] = []

    def draw(self, camera: Camera) -> np.ndarray:
        self.drawn.append((camera.width, camera.height))
        self.began.release()
        if not self.is_free:
            assert self.go_on.acquire(timeout=20)
        if self.fails is not None:
            raise self.fails
        return np.full((camera.height, camera.width, 3), 128, np.uint8)


class Client:
    """The other end of a session."""

    def __init__(self) -> None:
        self.up: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.down: asyncio.Queue[bytes] = asyncio.Queue()

    async def incoming(self) -> AsyncIterator[bytes]:
        while (message := await self.up.get()) is not None:
            yield message

    def say(self, **fields: object) -> None:
        self.up.put_nowait(msgpack.packb(fields))

    def pose(self, seq: int, **more: object) -> None:
        lens = {"fx": 60, "fy": 60, "cx": 40, "cy": 30, "width": 80, "height": 60}
        self.say(**{"type": "pose", "seq": seq, "t": 0, "place": PLACE, **lens, **more})

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            return dict(msgpack.unpackb(await self.down.get()))


@asynccontextmanager
async def talking(renderer: Trial, limits: Limits = Limits(), **hello: object) -> AsyncIterator[Client]:  # noqa: B008
    client = Client()
    over = asyncio.create_task(converse(renderer, client.incoming(), client.down.put, limits))
    client.say(**{**HELLO, **hello})
    try:
        yield client
    finally:
        renderer.is_free = True
        renderer.go_on.release(100)
        client.up.put_nowait(None)
        await asyncio.wait_for(asyncio.gather(over, return_exceptions=True), 10)


async def test_a_pose_is_answered_with_its_picture() -> None:
    async with talking(Trial()) as client:
        ready = await client.hear()
        assert (ready["type"], ready["renderer"], ready["gaussians"], ready["focus"]) == ("ready", "trial", 5, 2.0)
        client.pose(7, t=12.5)
        answer = await client.hear()
        assert (answer["type"], answer["seq"], answer["t"], answer["settled"]) == ("picture", 7, 12.5, True)
        assert Image.open(io.BytesIO(answer["data"])).size == (80, 60)
        assert set(answer["timings"]) == {"wait", "render", "encode"}


async def test_the_newest_pose_wins_and_the_others_are_counted() -> None:
    renderer = Trial(is_free=False)
    async with talking(renderer) as client:
        await client.hear()
        client.pose(0)
        await asyncio.to_thread(renderer.began.acquire, timeout=10)
        for seq in range(1, 20):
            client.pose(seq)
        while not client.up.empty():  # noqa: ASYNC110  # a queue tells nobody that it is empty
            await asyncio.sleep(0.001)
        renderer.go_on.release()
        assert (await client.hear())["seq"] == 0
        assert len(renderer.drawn) == 1, "without an ack nothing is begun"
        client.say(type="ack", seq=0)
        renderer.go_on.release()
        last = await client.hear()
        assert (last["seq"], last["dropped"]) == (19, 18)


async def test_who_moves_gets_smaller_pictures_while_they_are_late_and_who_rests_gets_the_last_one_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("immichvr_ai.render.session.next_share", lambda share, _: 0.5)
    async with talking(Trial(), credit=4) as client:
        await client.hear()
        client.pose(1)
        assert (await client.hear())["settled"]
        client.pose(2)
        small = await client.hear()
        assert (small["seq"], small["width"], small["settled"]) == (2, 40, False)
        whole = await client.hear()
        assert (whole["seq"], whole["width"], whole["settled"]) == (2, 80, True)
        await asyncio.sleep(0.3)
        assert client.down.empty(), "nothing more is drawn for who rests"


async def test_what_goes_wrong_costs_one_picture_and_a_device_that_fails_the_session() -> None:
    renderer = Trial()
    async with talking(renderer) as client:
        await client.hear()
        client.pose(1, fx=-5)
        refused = await client.hear()
        assert (refused["code"], refused["seq"]) == ("invalid_message", 1)
        renderer.fails = MemoryError()
        client.pose(2)
        failed = await client.hear()
        assert (failed["code"], failed["seq"]) == ("out_of_memory", 2)
        renderer.fails = None
        client.pose(3)
        assert (await client.hear())["seq"] == 3
    broken = Trial()
    broken.fails = DeviceFailed("the device failed")
    client = Client()
    client.say(**HELLO)
    client.pose(1)
    with pytest.raises(DeviceFailed):
        await asyncio.wait_for(converse(broken, client.incoming(), client.down.put, Limits()), 10)
    assert [(await client.hear())["type"] for _ in range(2)] == ["ready", "error"]


async def test_a_session_begins_with_a_hello_and_ends_with_silence() -> None:
    client = Client()
    client.pose(1)
    await asyncio.wait_for(converse(Trial(), client.incoming(), client.down.put, Limits()), 10)
    assert (await client.hear())["code"] == "invalid_message"
    async with talking(Trial(), Limits(idle_s=0.1)) as quiet:
        await quiet.hear()
        assert (await quiet.hear())["code"] == "idle"


async def test_a_session_is_over_when_its_last_picture_is_drawn_though_nobody_is_there_for_it() -> None:
    renderer, client = Trial(is_free=False), Client()
    over = asyncio.create_task(converse(renderer, client.incoming(), client.down.put, Limits()))
    client.say(**HELLO)
    client.pose(1)
    await asyncio.to_thread(renderer.began.acquire, timeout=10)
    client.up.put_nowait(None)
    _, still = await asyncio.wait([over], timeout=0.2)
    assert still, "the processor is busy yet"
    renderer.go_on.release()
    await asyncio.wait_for(over, 5)


async def test_words_of_an_error_are_cut() -> None:
    broken, client = Trial(), Client()
    broken.fails = DeviceFailed("x" * 5000)
    client.say(**HELLO)
    client.pose(1)
    with pytest.raises(DeviceFailed):
        await asyncio.wait_for(converse(broken, client.incoming(), client.down.put, Limits()), 10)
    await client.hear()
    assert len((await client.hear())["message"]) == 500
