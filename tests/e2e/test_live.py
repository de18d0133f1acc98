"""Live splats through the whole stack: a camera in a real browser, and clients of every kind at the socket."""

from __future__ import annotations

import asyncio
import base64
import io
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgpack
import numpy as np
import psutil
import pytest
from immichvr_ai.live.gaussians import Gaussians
from immichvr_ai.live.packing import pack
from immichvr_models import registry
from PIL import Image
from playwright.async_api import Page
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from .conftest import LIVE_MODEL, Stack, in_one_loop

BUDGET = 800
"""Without a graphics card each Gaussian costs a browser some 15 µs a frame."""


@pytest.fixture
def live_stack(extended: Stack) -> str:
    """The address of a stack where the weights of a model lie."""
    return extended.address


def jpeg(shade: int = 0, size: tuple[int, int] = (320, 240)) -> bytes:
    """A picture with something in it."""
    out = io.BytesIO()
    picture = Image.linear_gradient("L").resize(size).convert("RGB")
    picture.paste((200, shade % 256, 40), (size[0] // 3, size[1] // 3, size[0] // 2, size[1] // 2))
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()


class Client:
    """A client of the live socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, **fields: object) -> None:
        await self.socket.send(msgpack.packb(fields))

    async def hello(self, **wishes: object) -> dict[str, Any]:
        """Begins a session; the server's answer."""
        small = {"max_gaussians": 2000, "process_res": 160}
        await self.say(**{"type": "hello", "version": 1, "model": "heuristic", **small, **wishes})
        return await self.hear(60)

    async def frame(self, seq: int, picture: bytes | None = None, **more: object) -> None:
        await self.say(**{"type": "frame", "seq": seq, "t": 0.0, "jpeg": picture or jpeg(seq), **more})

    async def hear(self, within_s: float = 30) -> dict[str, Any]:
        return dict(msgpack.unpackb(await asyncio.wait_for(self.socket.recv(), within_s)))


@in_one_loop
async def client(live_stack: str) -> AsyncIterator[Client]:
    async with dialled(live_stack) as socket:
        yield Client(socket)


def dialled(address: str, **more: Any) -> Any:
    return connect(address.replace("http", "ws") + "/api/stream", max_size=None, **more)


def memory_mb() -> float:
    """What the stack's own processes hold, in MB: all Python below this process."""
    family = psutil.Process().children(recursive=True)
    ours = [one for one in family if "python" in one.name() and one.status() != psutil.STATUS_ZOMBIE]
    return sum(one.memory_info().rss for one in ours) / 1e6


async def test_a_splat_is_drawn_for_who_asks_for_it(extended: Stack, live_stack: str, ended: Any) -> None:
    photo_id = extended.photo_id("one.jpg")
    async with httpx.AsyncClient(base_url=live_stack, timeout=30) as api:
        asked = await api.post(f"/api/photos/{photo_id}/splat", json={"model": "lift-heuristic"})
        assert (await ended(api, asked.json()["job"]))["state"] == "succeeded"
        assets = (await api.get(f"/api/photos/{photo_id}/assets")).json()["assets"]
        seen_by = next(one for one in assets if one["kind"] == "splat")["camera"]
        async with dialled(live_stack) as socket:
            client = Client(socket)
            wish = {"type": "hello", "version": 1, "output": "picture", "place": "photos", "id": photo_id}
            await client.say(**wish)
            ready = await client.hear(60)
            assert (ready["type"], ready["renderer"]) == ("ready", "cpu"), ready
            lens = {name: seen_by[name] for name in ("fx", "fy", "cx", "cy", "width", "height")}
            await client.say(type="pose", seq=1, t=0, place=[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0], **lens)
            picture = await client.hear()
            drawn = np.asarray(Image.open(io.BytesIO(picture["data"])).convert("RGB"), np.int64)
            assert drawn.shape == (48, 64, 3)
            assert np.abs(drawn[12:-12, 16:-16].mean((0, 1)) - (200, 90, 30)).max() < 12
        jobs = (await api.get("/api/jobs")).json()["items"]
        assert next(job for job in jobs if job["kind"] == "render")["source"] is None
        shown = (await api.get(f"/api/photos/{photo_id}")).json()
        assert shown["job"] is None or shown["job"]["kind"] != "render"
        async with dialled(live_stack) as socket:
            await Client(socket).say(**{**wish, "id": "nobodys"})
            assert (await Client(socket).hear())["code"] == "not_found"


async def test_every_output_and_format_arrives_finite(live_stack: str) -> None:
    wishes = [
        {"output": "gaussians", "format": "spark16"},
        {"output": "gaussians", "format": "fp16"},
        {"output": "gaussians", "format": "fp32"},
        {"output": "gaussians", "format": "spz"},
        {"output": "points", "format": "spark16"},
        {"output": "rgbd", "format": "spark16"},
    ]
    for wish in wishes:
        async with dialled(live_stack) as socket:
            client = Client(socket)
            ready = await client.hello(**wish)
            assert (ready["type"], ready["model"], ready["output"]) == ("ready", "heuristic", wish["output"])
            await client.frame(1)
            result = await client.hear()
            assert (result["type"], result["seq"]) == (wish["output"], 1)
            assert result["n"] > 500
            if wish["format"] in ("fp16", "fp32") and wish["output"] == "gaussians":
                values = np.frombuffer(result["data"], "<f2" if wish["format"] == "fp16" else "<f4")
                assert values.size == 14 * result["n"] and np.isfinite(values).all()


# In short, that a task waits for one step at most of what is made ready ahead is held by test_children.py of
# packages/common, and that those steps hold all that a frame needs by test_warming.py of services/ai.
@pytest.mark.long
@pytest.mark.timeout(400)
async def test_a_session_is_served_while_a_new_machine_still_compiles_the_rest(tmp_path: Path, start_up: Any) -> None:
    (photos := tmp_path / "photos").mkdir()
    cache = tmp_path / "kernels"
    with start_up(tmp_path, "--photos", photos, NUMBA_CACHE_DIR=str(cache)) as address:
        async with dialled(address) as socket:
            client = Client(socket)
            await client.say(type="hello", version=1, model="heuristic", max_gaussians=2000, process_res=160)
            assert (await client.hear(200))["type"] == "ready"
            await client.frame(1)
            assert (await client.hear(60))["n"] > 500
        compiled = {file.name.partition("-")[0] for file in cache.rglob("*.nbi")}
    assert {"planes._pack", "fitting._compare_row"} - compiled, "it waited for all of a splat"


async def test_a_corrupt_frame_and_a_foreign_message_end_nothing(client: Client) -> None:
    await client.hello()
    for seq, broken in enumerate([b"no picture", jpeg()[:900], jpeg(size=(8, 8))], 1):
        await client.frame(seq, broken)
        error = await client.hear()
        assert (error["type"], error["seq"]) == ("error", seq)
        assert error["code"] in ("invalid_image", "image_too_small")
    await client.socket.send(b"\xc1")
    assert (await client.hear())["code"] == "invalid_message"
    await client.frame(9)
    assert (await client.hear())["seq"] == 9


async def test_a_flood_is_answered_with_its_newest_frame(client: Client) -> None:
    await client.hello()
    for seq in range(400):
        await client.frame(seq)
    last: dict[str, Any] = {"seq": -1}
    answers = 0
    while last["seq"] != 399:
        last = await client.hear()
        answers += 1
        await client.say(type="ack", seq=last["seq"])
    assert last["dropped"] == 400 - answers
    assert answers < 300


async def test_clients_that_never_acknowledge_or_never_read_cannot_grow_memory(live_stack: str) -> None:
    noise = random.Random(3).randbytes(1_000_000)
    async with dialled(live_stack) as socket:
        client = Client(socket)
        await client.hello(max_gaussians=20_000, format="fp32", credit=4)
        for seq in range(4):
            await client.frame(seq)
            await client.hear()
        before = memory_mb()
        socket.transport.pause_reading()
        for seq in range(10, 150):
            # One that acknowledges what it has not read, and sends a megabyte of nonsense with every frame.
            try:
                async with asyncio.timeout(0.5):
                    await client.frame(seq)
                    await client.frame(seq, noise)
                    await client.say(type="ack", seq=seq)
            except TimeoutError:
                break  # the server takes in no more, which is as good
        assert memory_mb() - before < 150
        socket.transport.abort()


async def test_a_page_elsewhere_and_an_unknown_model_are_refused(live_stack: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with dialled(live_stack, additional_headers={"Origin": "http://evil.example"}):
            pass
    assert refused.value.response.status_code == 403
    for model, code in (("nothing", "unknown_model"), ("da2-large", "licence_required")):
        async with dialled(live_stack) as socket:
            client = Client(socket)
            assert (await client.hello(model=model))["code"] == code
            with pytest.raises(ConnectionClosed):
                await client.hear()


async def test_the_job_of_a_session_ends_with_it_and_photos_go_on_beside_it(extended: Stack, live_stack: str) -> None:
    async def running(http: httpx.AsyncClient) -> dict[str, Any]:
        jobs = (await http.get("/api/jobs?state=running")).json()["items"]
        return {job["id"]: job for job in jobs if job["kind"] == "live"}

    async with httpx.AsyncClient(base_url=live_stack, timeout=60) as http:
        # Sessions of other tests may be about to end.
        others = await running(http)
        async with dialled(live_stack) as socket:
            client = Client(socket)
            await client.hello()
            [live] = [job for name, job in (await running(http)).items() if name not in others]
            assert live["params"] == {"model": "heuristic"}
            photo = extended.photo_id("one.jpg")
            job = (await http.post(f"/api/photos/{photo}/depth", json={"model": "heuristic"})).json()["job"]
            async with asyncio.timeout(60):
                while (await http.get(f"/api/jobs/{job['id']}")).json()["state"] != "succeeded":  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            await client.frame(1)
            assert (await client.hear())["seq"] == 1
            await socket.close()
            async with asyncio.timeout(20):
                while (await http.get(f"/api/jobs/{live['id']}")).json()["state"] == "running":  # noqa: ASYNC110
                    await asyncio.sleep(0.1)


def weights_of_live_model(stack: Stack) -> None:
    """Puts random weights of a small copy of its network where the stack finds them, and accepts its licence."""
    from immichvr_networks import NETWORKS

    assert all(file.sha256 is None for file in registry[LIVE_MODEL].files), "other weights than these are refused"
    network: Any = NETWORKS[LIVE_MODEL].tiny(5)
    assert stack.local is not None
    network.save_pretrained(stack.local / LIVE_MODEL)
    (stack.local / LIVE_MODEL / "preprocessor_config.json").write_text("{}")
    licence = {"licence": registry[LIVE_MODEL].licence.name}
    httpx.post(f"{stack.address}/api/models/{LIVE_MODEL}/accept", json=licence).raise_for_status()


async def reached(page: Page, wanted: Any, seconds: float) -> dict[str, str]:
    """The page's state once it is wanted."""
    async with asyncio.timeout(seconds):
        while True:
            state: dict[str, str] = await page.evaluate("() => ({...document.body.dataset})")
            if wanted(state):
                return state
            await asyncio.sleep(0.1)


@pytest.mark.browser
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("model", "frames"), [("heuristic", 10), pytest.param(LIVE_MODEL, 100, marks=pytest.mark.long)]
)
async def test_frames_of_a_camera_become_splats_in_the_browser(
    extended: Stack, live_stack: str, page: Page, model: str, frames: int
) -> None:
    if model == LIVE_MODEL:
        weights_of_live_model(extended)
    await page.goto(f"{live_stack}/live.html?budget={BUDGET}&quality=lowest&model={model}")
    await page.get_by_role("button", name="Use the camera").click()
    await reached(page, lambda state: state.get("live") == "live", 90)
    await reached(page, lambda state: int(state.get("results", 0)) >= 5, 60)
    before = memory_mb()
    state = await reached(page, lambda state: int(state.get("results", 0)) >= frames, 240)
    assert state["model"] == model
    assert 500 < int(state["splats"]) <= BUDGET
    assert int(state["nonfinite"]) == 0
    assert "trouble" not in state
    assert memory_mb() - before < 200
    await page.keyboard.press("d")
    drawn = np.asarray(Image.open(io.BytesIO(await page.screenshot(timeout=60_000))).convert("RGB"), np.float64)
    # The middle, clear of buttons: the fake camera's picture is green and bright.
    assert drawn[100:200, 150:300].std() > 5 and drawn[100:200, 150:300].mean() > 20
    await page.keyboard.press("c")
    await reached(page, lambda state: int(state.get("captured", 0)) > 10_000, 60)
    await page.get_by_role("button", name="Stop").click()
    await reached(page, lambda state: state["live"] == "closed", 10)


@pytest.mark.browser
async def test_packed_splats_are_byte_for_byte_what_spark_packs_itself(spark_page, page: Page) -> None:
    address, folder = spark_page
    random = np.random.default_rng(5)
    count = 4000

    def normal(columns: int) -> np.ndarray:
        return random.standard_normal((count, columns)).astype(np.float32)

    gaussians = Gaussians(
        means=normal(3) * 10 ** random.uniform(-6, 3, (count, 1)).astype(np.float32),
        scales=np.exp(random.uniform(-34, 10, (count, 3))).astype(np.float32),
        quaternions=normal(4),
        colours=normal(3) * 2,
        opacities=random.uniform(0, 1, count).astype(np.float32),
    )
    (folder / "planes").write_bytes(pack(gaussians, "fp32", 0, count).data)
    await page.goto(address)
    await reached(page, lambda state: state.get("ready") == "yes", 30)
    theirs = base64.b64decode(await page.evaluate("([name, n]) => window.pack(name, n)", ["planes", count]))
    ours = pack(gaussians, "spark16", 0, count).data
    differing = np.count_nonzero(np.frombuffer(ours, np.uint8) != np.frombuffer(theirs, np.uint8))
    # A logarithm's last bit may decide a rounding; nothing else may differ.
    assert len(ours) == len(theirs) == 16 * count
    assert differing <= 2
