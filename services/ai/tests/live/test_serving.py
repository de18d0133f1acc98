"""The job `live` as a gateway meets it: an address, a token, one client, and an end."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import immichvr_splats
import msgpack
import numpy as np
import pytest
from immichvr.ai.v1 import ai_pb2, ai_pb2_grpc
from immichvr_common.certificates import AUTHORITY, CERTIFICATE, KEY, ensure_certificates
from immichvr_common.processes.pool import ChildPool
from immichvr_common.rpc_client import credential, open_channel
from immichvr_common.rpc_settings import RpcClientSettings
from immichvr_common.tasks import Task
from immichvr_common.telling import ChildEvent, Serving
from immichvr_splats import GaussianCloud
from PIL import Image
from pydantic import SecretStr

# The child, which takes a second to begin, serves the tests that want no environment of their own.
pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "a-token-of-this-session"
GATEWAY = "the-gateways-own-token"


@pytest.fixture(scope="module")
def pool() -> Iterator[ChildPool]:
    pool = ChildPool("immichvr_ai.jobs:perform")
    yield pool
    pool.close()


@asynccontextmanager
async def serving(
    tmp_path: Path, pool: ChildPool | None = None, task: Task | None = None
) -> AsyncIterator[tuple[str, asyncio.Task[Any]]]:
    """A session in a child, a live one by default, with its address and the job's own end."""
    own = pool or ChildPool("immichvr_ai.jobs:perform")
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def hear(news: ChildEvent) -> None:
        if isinstance(news, Serving):
            address.set_result(news.address)

    task = task or Task("live", {"token": TOKEN, "model": "heuristic"}, {}, tmp_path)
    job = asyncio.create_task(own.run(task, lambda *_: None, 150, hear))
    try:
        await asyncio.wait({address, job}, return_when=asyncio.FIRST_COMPLETED, timeout=90)
        if not address.done():
            job.result()
        yield address.result(), job
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        if pool is None:
            own.close()


def a_wall() -> GaussianCloud:
    """400 Gaussians of white at two metres, which fill what a camera of 80 by 60 pixels sees."""
    across, down = np.meshgrid(np.linspace(-1.4, 1.4, 20), np.linspace(-1.1, 1.1, 20))
    means = np.stack([across.ravel(), down.ravel(), np.full(400, 2.0)], 1)
    still = np.tile([1.0, 0, 0, 0], (400, 1))
    return GaussianCloud(means, np.full((400, 3), np.log(0.12)), still, np.full(400, 6.0), np.full((400, 1, 3), 1.77))


def said(**fields: object) -> ai_pb2.StreamFramesRequest:
    return ai_pb2.StreamFramesRequest(message=msgpack.packb(fields))


def hello(**more: object) -> ai_pb2.StreamFramesRequest:
    wish = {"type": "hello", "version": 1, "model": "heuristic", "max_gaussians": 1000, "process_res": 128, **more}
    return ai_pb2.StreamFramesRequest(message=msgpack.packb(wish))


def frame(seq: int) -> ai_pb2.StreamFramesRequest:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((160, 120)).convert("RGB").save(out, "JPEG")
    fields = {"type": "frame", "seq": seq, "t": 0.0, "jpeg": out.getvalue()}
    return ai_pb2.StreamFramesRequest(message=msgpack.packb(fields))


def stream(channel: grpc.aio.Channel, token: str = TOKEN, shown: tuple[tuple[str, str], ...] = ()) -> Any:
    return ai_pb2_grpc.AiServiceStub(channel).StreamFrames(metadata=(*shown, ("session-token", token)))


async def answer(call: Any) -> dict[str, Any]:
    # The first frame of a network waits for torch to be imported.
    response = await asyncio.wait_for(call.read(), 90)
    assert response is not grpc.aio.EOF
    return dict(msgpack.unpackb(response.message))


async def test_a_session_is_for_its_tokens_holder_alone_and_the_child_serves_the_next_one_too_of_whatever_kind(
    tmp_path: Path, pool: ChildPool
) -> None:
    for round_number in range(2):
        async with serving(tmp_path, pool) as (address, job), grpc.aio.insecure_channel(address) as channel:
            for wrong in ("", "another", TOKEN + "x"):
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await asyncio.wait_for(stream(channel, wrong).read(), 20)
                assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
            call = stream(channel)
            await call.write(hello())
            assert (await answer(call))["model"] == "heuristic"
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await asyncio.wait_for(stream(channel).read(), 20)
            assert refused.value.code() is grpc.StatusCode.ALREADY_EXISTS
            await call.write(frame(round_number))
            result = await answer(call)
            assert (result["type"], result["seq"]) == ("gaussians", round_number)
            assert 500 < result["n"] <= 1000
            await call.done_writing()
            assert await asyncio.wait_for(job, 20) == []
    splat = tmp_path / "splat"
    splat.write_bytes(immichvr_splats.to_bytes(a_wall(), "spz"))
    drawing = Task("render", {"token": TOKEN}, {"splat": splat}, tmp_path)
    async with serving(tmp_path, pool, drawing) as (address, job), grpc.aio.insecure_channel(address) as channel:
        call = stream(channel)
        await call.write(said(type="hello", version=1, output="picture"))
        ready = await answer(call)
        assert (ready["renderer"], ready["gaussians"]) == ("cpu", 400)
        place = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]
        lens = {"fx": 60, "fy": 60, "cx": 40, "cy": 30, "width": 80, "height": 60}
        await call.write(said(type="pose", seq=1, t=0, place=place, **lens))
        picture = await answer(call)
        assert Image.open(io.BytesIO(picture["data"])).resize((1, 1)).getpixel((0, 0))[0] > 200
        await call.done_writing()
        assert await asyncio.wait_for(job, 20) == []


async def test_a_session_asks_for_the_gateways_credential_and_speaks_tls_where_that_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_certificates(tmp_path / "tls", "worker")
    names = {"CERTIFICATE_FILE": CERTIFICATE, "KEY_FILE": KEY, "CLIENT_CA_FILE": AUTHORITY}
    for name, file in names.items():
        monkeypatch.setenv(f"IMMICHVR_AI_RPC__TLS__{name}", str(tmp_path / "tls" / file))
    monkeypatch.setenv("IMMICHVR_AI_RPC__CALLERS__GATEWAY__TOKEN", GATEWAY)
    monkeypatch.setenv("IMMICHVR_AI_RPC__CALLERS__GATEWAY__CALLS", "StreamFrames")
    authority, certificate, key = ((tmp_path / "tls" / name).read_text() for name in (AUTHORITY, CERTIFICATE, KEY))
    ours = RpcClientSettings(ca=authority, certificate=certificate, key=SecretStr(key), token=SecretStr(GATEWAY))
    async with serving(tmp_path) as (address, job):
        for settings, status in (
            (RpcClientSettings(token=ours.token), grpc.StatusCode.UNAVAILABLE),
            (ours.model_copy(update={"certificate": ""}), grpc.StatusCode.UNAVAILABLE),
            (ours.model_copy(update={"token": SecretStr("")}), grpc.StatusCode.UNAUTHENTICATED),
        ):
            async with open_channel(address, settings) as channel:
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await asyncio.wait_for(stream(channel, shown=credential(settings)).read(), 20)
                assert refused.value.code() is status
        async with open_channel(address, ours) as channel:
            call = stream(channel, shown=credential(ours))
            await call.write(hello())
            assert (await answer(call))["model"] == "heuristic"
            await call.done_writing()
            assert await asyncio.wait_for(job, 20) == []


async def test_a_client_that_breaks_off_ends_the_job(tmp_path: Path, pool: ChildPool) -> None:
    async with serving(tmp_path, pool) as (address, job):
        async with grpc.aio.insecure_channel(address) as channel:
            call = stream(channel)
            await call.write(hello())
            await answer(call)
            for seq in range(20):
                await call.write(frame(seq))
            call.cancel()
        assert await asyncio.wait_for(job, 20) == []


async def test_a_job_nobody_comes_to_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMMICHVR_AI_LIVE__CONNECT_S", "0.3")
    async with serving(tmp_path) as (_, job):
        assert await asyncio.wait_for(job, 20) == []


async def test_a_network_sees_the_frames_of_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    pool = ChildPool("tiny_networks:perform")
    try:
        async with serving(tmp_path, pool) as (address, _), grpc.aio.insecure_channel(address) as channel:
            call = stream(channel)
            await call.write(hello(model="da2-small"))
            assert (await answer(call))["model"] == "da2-small"
            await call.write(frame(0))
            assert (await answer(call))["n"] > 500
    finally:
        pool.close()


async def test_a_model_that_cannot_run_is_told_before_ready(tmp_path: Path, pool: ChildPool) -> None:
    cases = [("nothing", "unknown_model"), ("embedded", "unknown_model"), ("da2-large", "licence_required")]
    for model, code in cases:
        async with serving(tmp_path, pool) as (address, _), grpc.aio.insecure_channel(address) as channel:
            call = stream(channel)
            await call.write(hello(model=model))
            refused = await answer(call)
            assert refused["code"] == code
            assert code != "licence_required" or "immichvr models accept da2-large" in refused["message"]
            assert await asyncio.wait_for(call.read(), 20) is grpc.aio.EOF
