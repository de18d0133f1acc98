"""The gRPC door, asked by a real client; a real child does the work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from immichvr.common.v1.common_pb2 import TaskInput
from immichvr.inpaint.v1 import inpaint_pb2 as messages
from immichvr.inpaint.v1.inpaint_pb2_grpc import InpaintServiceStub
from immichvr_common.processes.pool import ChildPool
from immichvr_common.rpc import RpcServer
from immichvr_common.rpc_settings import RpcSettings
from immichvr_inpaint.service import RPC_NAMES, register
from immichvr_inpaint.settings import CAPABILITY


@pytest.fixture
async def stub() -> AsyncIterator[InpaintServiceStub]:
    pool = ChildPool(CAPABILITY)
    server = RpcServer(RpcSettings(), lambda one: register(one, pool, None), RPC_NAMES)  # type: ignore[arg-type]
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield InpaintServiceStub(channel)
    await server.stop(0)
    pool.close()


async def test_a_caller_gets_points_of_photos_and_words_for_what_is_no_place(
    stub: InpaintServiceStub, photos: list[Path]
) -> None:
    inputs = [TaskInput(data=photo.read_bytes()) for photo in photos[:4]]
    params = messages.PointsParams(quality="draft", poses="colmap")
    asked = messages.RunPointsRequest(photos=inputs, params=params)
    told = [one async for one in stub.RunPoints(asked, timeout=170)]
    [asset] = next(one.result.assets for one in told if one.HasField("result"))
    assert (asset.kind, asset.model_key) == ("points", "points")
    files = {one.chunk.name for one in told if one.HasField("chunk")}
    assert {"points.ply", "cameras.json"} <= files
    for wanted, words in (
        (messages.RunPointsRequest(params=params), "set photos, or a video"),
        (messages.RunPointsRequest(photos=inputs[:1], params=params), "two pictures"),
        (messages.RunPointsRequest(photos=[TaskInput(data=b"")] * 201, params=params), "at most 200"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            _ = [one async for one in stub.RunPoints(wanted, timeout=60)]
        assert words in refused.value.details()
