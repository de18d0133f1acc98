"""The flow of a session: the newest frame wins, nothing piles up, and no frame ends the stream."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgpack
import numpy as np
import pytest
from immichvr_ai.live.gaussians import Gaussians
from immichvr_ai.live.packing import Packed
from immichvr_ai.live.protocol import Hello
from immichvr_ai.live.reading import Limits
from immichvr_ai.live.session import Session
from immichvr_ai.live.talk import converse
from immichvr_inference.errors import DeviceFailed, ModelUnavailable, UnknownModel
from PIL import Image


def jpeg(width: int = 64, height: int = 48, shade: int = 0) -> bytes:
    """A picture with some depth cues."""
    rows = np.linspace(40, 220, height)[:, None, None] + np.zeros((height, width, 3))
    rows[height // 3 : height // 2, width // 3 : width // 2] = (200, shade % 256, 30)
    out = io.BytesIO()
    Image.fromarray(rows.astype(np.uint8)).save(out, "JPEG", quality=80)
    return out.getvalue()


class SlowModel:
    """Sees the same depth everywhere, once it is let go on; counts what it saw."""

    key, licence, reason = "trial", "Apache-2.0", ""
    makes: Any = ("gaussians", "points", "rgbd")

    def __init__(self) -> None:
        self.go_on = threading.Semaphore(0)
        self.is_free = False
        self.seen = 0
        self.outputs: list[str] = []
        self.fails: Exception | None = None
        self.began = threading.Semaphore(0)

    def see(self, picture, output, process_res, sh_degree):  # type: ignore[no-untyped-def]
        self.seen += 1
        self.outputs.append(output)
        self.began.release()
        if not self.is_free:
            assert self.go_on.acquire(timeout=20)
        if self.fails is not None:
            raise self.fails
        return np.full(picture.rgb.shape[:2], 2, np.float32)

    def capture(self, picture) -> Packed:  # type: ignore[no-untyped-def]
        return Packed(b"spz of %d pixels" % picture.rgb.shape[1], 5, 0)


class Client:
    """The other end of a session; it reads only when it is told to."""

    def __init__(self) -> None:
        self.up: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.down: asyncio.Queue[bytes] = asyncio.Queue(1)
        self.over: asyncio.Task[None] | None = None

    async def incoming(self) -> AsyncIterator[bytes]:
        while (message := await self.up.get()) is not None:
            yield message

    def say(self, **fields: object) -> None:
        """Sends a message."""
        self.up.put_nowait(msgpack.packb(fields))

    def frame(self, seq: int, **more: object) -> None:
        """Sends a frame."""
        self.say(**{"type": "frame", "seq": seq, "t": float(seq), "jpeg": jpeg(shade=seq), **more})

    async def hear(self, within_s: float = 10) -> dict[str, Any]:
        """The next message from the session."""
        async with asyncio.timeout(within_s):
            return dict(msgpack.unpackb(await self.down.get()))

    async def all_read(self) -> None:
        """Waits until the session has taken in everything that was sent."""
        while not self.up.empty():  # noqa: ASYNC110  # a queue tells nobody that it is empty
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)


def many_scans(count: int) -> bytes:
    """A small file of a large picture that is refined again and again, each time in a few bytes."""
    out = io.BytesIO()
    Image.new("L", (4096, 4096), 128).save(out, "JPEG", quality=50, progressive=True)
    whole = out.getvalue()
    last, end = whole.rindex(b"\xff\xda"), whole.rindex(b"\xff\xd9")
    return whole[:end] + whole[last:end] * count + whole[end:]


Talking = Callable[..., Any]


@pytest.fixture
def talking() -> Talking:
    """Opens a session with a model; wishes go into the hello."""

    @asynccontextmanager
    async def talk(model: Any, limits: Limits = Limits(), **wishes: object) -> AsyncIterator[Client]:  # noqa: B008
        client = Client()
        client.over = asyncio.create_task(converse(lambda _: model, client.incoming(), client.down.put, limits))
        client.say(**{"type": "hello", "version": 1, "model": "trial", **wishes})
        try:
            yield client
        finally:
            if hasattr(model, "go_on"):
                model.is_free = True
                model.go_on.release(100)
            client.up.put_nowait(None)
            while not client.over.done():
                while not client.down.empty():
                    client.down.get_nowait()
                await asyncio.sleep(0.001)
            await client.over

    return talk


async def test_a_frame_becomes_splats_with_its_number_its_time_and_what_it_took(talking) -> None:
    model = SlowModel()
    model.is_free = True
    async with talking(model) as client:
        ready = await client.hear()
        assert ready == {
            "type": "ready", "version": 1, "model": "trial", "licence": "Apache-2.0", "output": "gaussians",
            "format": "spark16",
        }  # fmt: skip
        client.frame(3, t=77.5, fov=60.0)
        result = await client.hear()
        assert (result["type"], result["seq"], result["t"], result["format"]) == ("gaussians", 3, 77.5, "spark16")
        assert result["n"] == 64 * 48 and len(result["data"]) == 16 * result["n"]
        assert set(result["timings"]) == {"decode", "infer", "pack"}
        assert (result["dropped"], result["invalid"]) == (0, 0)
        assert result["fov"] == pytest.approx(60)


async def test_of_a_flood_of_frames_the_newest_is_next_and_the_others_are_counted(talking) -> None:
    model = SlowModel()
    async with talking(model) as client:
        await client.hear()
        client.frame(0)
        await asyncio.to_thread(model.began.acquire)
        for seq in range(1, 200):
            client.frame(seq)
        await client.all_read()
        model.is_free = True
        model.go_on.release(1)
        seqs = []
        while not seqs or seqs[-1] != 199:
            result = await client.hear()
            seqs.append(result["seq"])
            client.say(type="ack", seq=result["seq"])
        # The one under way, what was decoded meanwhile, and the newest.
        assert len(seqs) <= 4
        assert result["dropped"] == 200 - len(seqs)
        assert model.seen <= 4


async def test_without_an_ack_one_result_comes_and_no_more_frames_are_worked_on(talking) -> None:
    model = SlowModel()
    model.is_free = True
    async with talking(model) as client:
        await client.hear()
        client.frame(0)
        assert (await client.hear())["seq"] == 0
        seen = -1
        while seen < model.seen:  # until what was under way has come to its end
            seen = model.seen
            client.frame(1)
            await client.all_read()
            with pytest.raises(TimeoutError):
                await client.hear(0.3)
        for seq in range(2, 300):
            client.frame(seq)
            await client.all_read()
        with pytest.raises(TimeoutError):
            await client.hear(0.3)
        assert model.seen == seen <= 5
        client.say(type="ack", seq=0)
        assert (await client.hear())["seq"] >= 1


@pytest.mark.parametrize(("waited_s", "next_seq"), [(0.2, 2), (0.4, 3)])
async def test_a_result_that_waited_too_long_gives_way_to_a_newer_frame(waited_s: float, next_seq: int) -> None:
    model, client, now = SlowModel(), Client(), 0.0
    model.is_free = True
    hello = Hello(type="hello", version=1, model="trial")
    session = Session(hello, model, client.down.put, Limits(), lambda: now)
    over = asyncio.create_task(session.run(client.incoming()))
    client.frame(0)
    assert (await client.hear())["seq"] == 0
    # The second of these takes the other's place as the result that waits, and is the last that is decoded meanwhile.
    for seq, is_there in ((1, lambda: session._packed.is_full), (2, lambda: session.dropped == 1)):
        client.frame(seq)
        async with asyncio.timeout(20):
            while not is_there():  # noqa: ASYNC110  # a session tells nobody that a result waits for an ack
                await asyncio.sleep(0.001)
    now += waited_s
    client.frame(3)
    client.say(type="ack", seq=0)
    assert (await client.hear())["seq"] == next_seq
    client.up.put_nowait(None)
    await over


async def test_more_credit_lets_more_results_go_out_unacknowledged_and_false_acks_give_none(talking) -> None:
    model = SlowModel()
    model.is_free = True
    async with talking(model, credit=3) as client:
        await client.hear()
        for seq in range(3):
            client.say(type="ack", seq=seq)
        for seq in range(3):
            client.frame(seq)
            assert (await client.hear())["seq"] == seq
        client.frame(3)
        with pytest.raises(TimeoutError):
            await client.hear(0.2)
        client.say(type="ack", seq=1)
        assert (await client.hear())["seq"] == 3


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (b"no picture", "invalid_image"),
        (jpeg(600, 400)[:2000], "invalid_image"),
        (jpeg(5000, 20), "image_too_large"),
        (jpeg(8, 8), "image_too_small"),
        (many_scans(100_000), "invalid_image"),
    ],
)
async def test_a_corrupt_frame_is_told_with_its_number_and_on_it_goes(talking, picture: bytes, code: str) -> None:
    model = SlowModel()
    model.is_free = True
    async with talking(model) as client:
        await client.hear()
        client.frame(1, jpeg=picture)
        error = await client.hear()
        assert (error["type"], error["seq"], error["code"]) == ("error", 1, code)
        client.frame(2)
        assert (await client.hear())["seq"] == 2


async def test_messages_that_are_none_are_told_and_on_it_goes(talking) -> None:
    model = SlowModel()
    model.is_free = True
    async with talking(model) as client:
        await client.hear()
        for wrong in (b"\xc1", b"", b"\x80"):
            client.up.put_nowait(wrong)
            assert (await client.hear())["code"] == "invalid_message"
        client.say(type="hello", version=1)
        assert (await client.hear())["code"] == "invalid_message"
        client.frame(2)
        assert (await client.hear())["seq"] == 2


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (ModelUnavailable("trial", "out_of_memory", "too little"), "out_of_memory"),
        (MemoryError(), "out_of_memory"),
        (RuntimeError("secret detail"), "internal"),
        (AssertionError("secret detail"), "internal"),
        (TypeError("secret detail"), "internal"),
    ],
)
async def test_a_failing_model_costs_a_frame_and_shows_no_inner_detail(talking, failure, code) -> None:
    model = SlowModel()
    model.is_free = True
    async with talking(model) as client:
        await client.hear()
        model.fails = failure
        client.frame(1)
        error = await client.hear()
        assert (error["code"], error["seq"]) == (code, 1)
        assert "secret" not in error["message"]
        model.fails = None
        client.frame(2)
        assert (await client.hear())["seq"] == 2


async def test_a_failed_device_ends_the_session_as_no_frame_can_do_better(talking) -> None:
    model = SlowModel()
    model.is_free = True
    model.fails = DeviceFailed("trial: the device failed: an illegal memory access")
    with pytest.raises(DeviceFailed):
        async with talking(model) as client:
            await client.hear()
            client.frame(1)
            error = await client.hear()
            assert (error["code"], error["seq"]) == ("worker_crashed", 1)
            await asyncio.wait({client.over}, timeout=10)
            assert client.over.done()


async def test_points_flow_and_splats_come_on_demand_with_the_newest_frame(talking) -> None:
    model = SlowModel()
    async with talking(model, output="points") as client:
        assert (await client.hear())["format"] == "points"
        client.frame(0)
        await asyncio.to_thread(model.began.acquire)
        client.frame(1)
        client.frame(2, output="gaussians")
        client.frame(3)
        client.frame(4)
        await client.all_read()
        model.is_free = True
        model.go_on.release(1)
        kinds = {}
        while 4 not in kinds:
            result = await client.hear()
            kinds[result["seq"]] = result["type"]
            client.say(type="ack", seq=result["seq"])
            per_splat = 15 if result["type"] == "points" else 16
            assert len(result["data"]) == per_splat * result["n"]
        assert kinds[0] == "points"
        assert "gaussians" in kinds.values()


async def test_rgbd_is_the_frame_with_disparity(talking) -> None:
    model = SlowModel()
    model.is_free = True
    async with talking(model, output="rgbd") as client:
        await client.hear()
        client.frame(0, fov=50.0)
        result = await client.hear()
        assert result["data"] == jpeg(shade=0)
        assert len(result["disparity"]) == result["width"] * result["height"] == result["n"]
        assert 0 < result["near"] < result["far"]


async def test_a_capture_comes_as_a_file_of_its_own_at_full_resolution(talking) -> None:
    model = SlowModel()
    model.is_free = True
    async with talking(model, process_res=64) as client:
        await client.hear()
        client.say(type="capture", seq=9, t=1.0, jpeg=jpeg(640, 480))
        result = await client.hear()
        assert (result["type"], result["seq"], result["format"]) == ("capture", 9, "spz")
        assert result["data"] == b"spz of 640 pixels"


async def test_decoding_goes_on_while_the_model_works(talking) -> None:
    model = SlowModel()
    async with talking(model) as client:
        await client.hear()
        client.frame(0)
        await asyncio.to_thread(model.began.acquire)
        client.frame(1, jpeg=b"no picture")
        assert (await client.hear())["code"] == "invalid_image"


async def test_nothing_that_is_not_finite_leaves(talking) -> None:
    class Broken(SlowModel):
        def see(self, picture, output, process_res, sh_degree):  # type: ignore[no-untyped-def]
            ones = np.ones((100, 4), np.float32)
            made = Gaussians(ones[:, :3].copy(), ones[:, :3], ones, ones[:, :3], ones[:, 0])
            made.means[:7] = np.nan
            return made

    async with talking(Broken(), format="fp32") as client:
        await client.hear()
        client.frame(0)
        result = await client.hear()
        assert result["invalid"] == 7
        assert np.isfinite(np.frombuffer(result["data"], "<f4")).all()


async def test_a_client_that_never_reads_holds_a_bounded_number_of_messages(talking) -> None:
    model = SlowModel()
    model.is_free = True
    async with talking(model) as client:
        await client.hear()
        for seq in range(500):
            client.frame(seq, jpeg=b"no picture" if seq % 2 else jpeg(shade=seq))
            client.say(type="ack", seq=seq)
        for _ in range(50):
            await asyncio.sleep(0.002)
        # One waits in the client's line and one behind it; the session has stopped taking in more.
        assert client.down.qsize() == 1
        assert model.seen < 20


async def test_silence_and_a_full_term_end_a_session_in_words(talking) -> None:
    model = SlowModel()
    async with talking(model, Limits(idle_s=0.1, max_s=60)) as client:
        await client.hear()
        assert (await client.hear())["code"] == "idle"
        await asyncio.wait_for(client.over, 5)
    async with talking(model, Limits(idle_s=60, max_s=0.1)) as client:
        await client.hear()
        assert (await client.hear())["code"] == "session_over"
        await asyncio.wait_for(client.over, 5)


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        ({"type": "frame", "seq": 1, "t": 0.0, "jpeg": b"x"}, "invalid_message"),
        ({"type": "hello", "version": 3}, "unsupported_version"),
        ({"type": "hello", "version": 1, "model": "nothing"}, "unknown_model"),
        ({"type": "hello", "version": 1, "model": "broken"}, "internal"),
        ({"type": "hello", "version": 1, "output": "rgbd"}, "output_unavailable"),
    ],
)
async def test_a_session_that_cannot_begin_says_why_and_ends(hello, code) -> None:
    heard: list[dict[str, object]] = []

    class GaussiansOnly(SlowModel):
        makes = ("gaussians",)

    async def incoming():  # type: ignore[no-untyped-def]
        yield msgpack.packb(hello)

    async def send(message: bytes) -> None:
        heard.append(msgpack.unpackb(message))

    def open_model(name: str) -> SlowModel:
        if name == "nothing":
            raise UnknownModel("there is no model 'nothing'")
        if name == "broken":
            raise RuntimeError("secret detail")
        return GaussiansOnly()

    await converse(open_model, incoming(), send, Limits())
    assert [one["code"] for one in heard] == [code]
    assert "secret" not in str(heard)
