"""The gRPC door, asked by a real client; a real child does the work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from immichvr.common.v1.common_pb2 import MadeAsset, TaskInput
from immichvr.inpaint.v1 import inpaint_pb2 as messages
from immichvr.inpaint.v1.inpaint_pb2_grpc import InpaintServiceStub
from immichvr_common.processes.pool import ChildPool
from immichvr_common.rpc import RpcServer
from immichvr_common.rpc_settings import RpcSettings
from immichvr_inpaint.service import RPC_NAMES, register
from immichvr_inpaint.settings import CAPABILITY
from immichvr_scenes import Camera
from immichvr_scenes.datasets import read_dataset, unzip_dataset
from immichvr_splats import read

from .conftest import a_room_with_a_hole, a_walk, with_cameras

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stub(small: None) -> AsyncIterator[InpaintServiceStub]:
    """The service of a child that every test here asks."""
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
    asset, files = await heard(stub.RunPoints(asked, timeout=170))
    assert (asset.kind, asset.model_key) == ("points", "points")
    assert {"points.ply", "cameras.json"} <= set(files)
    for wanted, words in (
        (messages.RunPointsRequest(params=params), "set photos, or a video"),
        (messages.RunPointsRequest(photos=inputs[:1], params=params), "two pictures"),
        (messages.RunPointsRequest(photos=[TaskInput(data=b"")] * 201, params=params), "at most 200"),
    ):
        assert words in await refusal_of(stub.RunPoints(wanted, timeout=60))


async def test_a_caller_gets_a_scene_of_photos_whose_cameras_are_told_and_a_dataset_of_that(
    stub: InpaintServiceStub, tmp_path: Path
) -> None:
    camera = Camera.central(96, 72, 75)
    photos = a_walk(tmp_path, camera)
    brought = [TaskInput(data=photo.read_bytes()) for photo in photos]
    cameras = with_cameras(photos, tmp_path, camera)["transforms"].read_text()
    for place, photo in enumerate(photos):
        cameras = cameras.replace(photo.name, f"photo_{place:03}")
    transforms = TaskInput(data=cameras.encode())
    params = messages.ReconstructParams(quality="draft", poses="given")
    asked = messages.RunReconstructRequest(photos=brought, transforms=transforms, params=params)
    scene, files = await heard(stub.RunReconstruct(asked, timeout=170))
    assert (scene.kind, scene.model_key) == ("splat", "gaussians")
    assert read(files["splat.spz"], "spz").cloud.count == scene.details["gaussians"] > 0
    wanted = messages.RunDatasetRequest(
        splat=TaskInput(data=files["splat.spz"]), views=TaskInput(data=files["views.zip"]),
        params=messages.DatasetParams(model_key=scene.model_key),
    )  # fmt: skip
    packed, made = await heard(stub.RunDataset(wanted, timeout=60))
    assert (packed.kind, packed.model_key, [file.role for file in packed.files]) == ("splat", "gaussians", ["dataset"])
    [archive] = made.values()
    (tmp_path / "dataset.zip").write_bytes(archive)
    assert len(read_dataset(unzip_dataset(tmp_path / "dataset.zip", tmp_path / "read"))) >= len(brought) - 1
    wanted.views.data = b"no archive at all"
    assert (await refusal_of(stub.RunDataset(wanted, timeout=60))).startswith("invalid_dataset")


async def test_a_caller_has_a_splat_completed_with_its_cameras_and_is_told_where_none_say_from_where_it_was_seen(
    stub: InpaintServiceStub, tmp_path: Path
) -> None:
    splat, cameras = (TaskInput(data=path.read_bytes()) for path in a_room_with_a_hole(tmp_path).values())
    params = messages.InpaintParams(method="fill", model_key="gaussians", iterations=1)
    asked = messages.RunInpaintRequest(splat=splat, cameras=cameras, params=params)
    filled, files = await heard(stub.RunInpaint(asked, timeout=170))
    assert (filled.kind, filled.model_key) == ("splat", "gaussians-inpainted-fill")
    assert read(files["splat.spz"], "spz").cloud.count >= filled.details["inpainted"]["new"] > 0
    asked.ClearField("cameras")
    assert "where the scene was seen from" in await refusal_of(stub.RunInpaint(asked, timeout=60))


async def test_a_call_does_jobs_about_models_and_names_them_where_it_is_of_another_kind(
    stub: InpaintServiceStub,
) -> None:
    def asked(kind: str) -> Any:
        return stub.RunModel(messages.RunModelRequest(kind=kind, params=messages.ModelParams(key="lama")), timeout=60)

    told = [one async for one in asked("model-delete")]
    assert told[-1].HasField("result") and not told[-1].result.assets
    assert "model-unload" in await refusal_of(asked("inpaint"))
    assert "lama" in await refusal_of(asked("model-load"))


async def heard(call: Any) -> tuple[MadeAsset, dict[str, bytes]]:
    """The one asset that a call tells of after its progress, and the files that it sends after that."""
    kinds, assets, files = [], [], {}
    async for message in call:
        kinds.append(message.WhichOneof("message"))
        assets.extend(message.result.assets)
        if message.HasField("chunk"):
            files[message.chunk.name] = files.get(message.chunk.name, b"") + message.chunk.data
    assert kinds == sorted(kinds, key=("progress", "result", "chunk").index) and kinds.count("result") == 1
    assert kinds[0] == "progress"
    [asset] = assets
    return asset, files


async def refusal_of(call: Any) -> str:
    """The words of a call that is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        _ = [one async for one in call]
    return str(refused.value.details())
