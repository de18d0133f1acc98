"""The jobs and the gRPC door of the AI service, on a real photograph."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import grpc
import numpy as np
import pytest
import skimage.data
from immichvr.ai.v1 import ai_pb2, ai_pb2_grpc
from immichvr.common.v1.common_pb2 import ObjectRef, TaskInput
from immichvr_ai.jobs import perform
from immichvr_ai.service import RPC_NAMES, register
from immichvr_common.processes.pool import ChildPool
from immichvr_common.rpc import RpcServer
from immichvr_common.rpc_settings import RpcSettings
from immichvr_common.storage import ObjectStore
from immichvr_common.tasks import MadeFile, Task
from immichvr_inference.errors import ModelUnavailable, UnknownModel
from immichvr_media import ImageTooSmall
from immichvr_splats import read
from immichvr_splats.pointclouds import read_points
from PIL import Image

# The child, which takes seconds to begin, serves all tests that call.
in_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def pool() -> Iterator[ChildPool]:
    pool = ChildPool("immichvr_ai.jobs:perform")
    yield pool
    pool.close()


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMMICHVR_MODELS_OFFLINE", "1")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    Image.fromarray(skimage.data.coffee()).save(path, "JPEG", quality=92)
    return path


def a_task(kind: str, photo: Path, tmp_path: Path, **params: object) -> Task:
    (tmp_path / "out").mkdir()
    return Task(kind=kind, params=params, inputs={"source": photo}, folder=tmp_path / "out")


def test_a_splat_job_makes_a_splat_and_its_depth_and_says_what_made_them(photo: Path, tmp_path: Path) -> None:
    stages: list[str] = []
    task = a_task("splat", photo, tmp_path, model="auto", maxGaussians=30_000, keepPly=True)
    splat, depth = perform(task, lambda fraction, stage, message: stages.append(stage))
    assert (splat.kind, splat.model_key) == ("splat", "lift-heuristic")
    assert "da2-small" in splat.reason
    assert [file.name for file in splat.files] == ["splat.spz", "splat.ply"]
    cloud = read(task.folder / "splat.spz").cloud
    assert 20_000 < cloud.count <= 30_000 == task.params["maxGaussians"]
    assert splat.details["camera"]["width"] == 600
    assert splat.losses == [], "the camera stands in the details"
    header = (task.folder / "splat.ply").read_bytes().partition(b"end_header")[0]
    assert header.count(b"element ") == 1, "a PLY as every viewer reads it"
    assert read(task.folder / "splat.ply").cloud.camera is not None
    assert (depth.kind, depth.model_key) == ("depth", "heuristic")
    assert stages == ["decoded", "inferred", "lifted", "packed"]


def test_what_was_odd_about_the_photo_is_told_with_what_was_made_of_it(photo: Path, tmp_path: Path) -> None:
    photo.write_bytes(photo.read_bytes()[:-2])
    task = a_task("splat", photo, tmp_path, model="lift-heuristic", maxGaussians=5000)
    for made in perform(task, lambda *_: None):
        assert "the file has no end marker" in made.losses


def test_how_far_a_guess_can_be_relied_on_stands_in_the_manifest(photo: Path, tmp_path: Path) -> None:
    [made] = perform(a_task("depth", photo, tmp_path, model="heuristic"), lambda *_: None)
    assert made.details["depth"]["confidence"]["value"] < 0.1  # a cup on a table has neither sky nor vanishing point
    assert "guess" in made.details["depth"]["confidence"]["scale"]


def test_depth_files_hold_the_same_scene_on_the_same_scale(photo: Path, tmp_path: Path) -> None:
    task = a_task("depth", photo, tmp_path, model="heuristic")
    [made] = perform(task, lambda *_: None)
    facts = made.details["depth"]
    assert 0 < facts["near"] < facts["far"]
    png = np.asarray(Image.open(task.folder / "depth.png"), np.float64)
    foreground = np.asarray(Image.open(task.folder / "disparity.webp").convert("L"), np.float64)
    background = np.asarray(Image.open(task.folder / "background-disparity.webp").convert("L"), np.float64)
    small = np.asarray(Image.open(task.folder / "depth.png").resize(foreground.shape[::-1]), np.float64)
    assert png.max() > 60_000
    assert np.corrcoef(small.ravel(), foreground.ravel())[0, 1] > 0.95
    assert (background <= foreground + 2).mean() > 0.98
    assert Image.open(task.folder / "background.webp").size == foreground.shape[::-1]


def test_an_unknown_splat_model_is_refused_with_what_there_is(photo: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match=r"there are: auto, .*lift-heuristic"):
        perform(a_task("splat", photo, tmp_path, model="magic"), lambda *_: None)


def test_the_depth_picture_says_what_its_values_mean(photo: Path, tmp_path: Path) -> None:
    task = a_task("depth", photo, tmp_path, model="heuristic")
    [made] = perform(task, lambda *_: None)
    picture = Image.open(task.folder / "depth.png")
    assert picture.mode == "I;16"
    text = picture.text  # type: ignore[attr-defined]
    assert (text["depth:unit"], text["depth:scale"]) == ("relative, the median is 2", "unknown")
    assert float(text["depth:near"]) == pytest.approx(made.details["depth"]["near"], rel=1e-5)
    assert float(text["depth:far"]) == pytest.approx(made.details["depth"]["far"], rel=1e-5)
    camera = made.details["camera"]
    fov = np.degrees(2 * np.arctan(camera["width"] / 2 / camera["fx"]))
    assert float(text["depth:horizontal_fov_degrees"]) == pytest.approx(fov, abs=1e-3)


def test_points_are_made_where_they_are_wanted_and_show_the_photo(photo: Path, tmp_path: Path) -> None:
    task = a_task("depth", photo, tmp_path, model="heuristic", points=True)
    [made] = perform(task, lambda *_: None)
    assert made.files[-1] == MadeFile("points.glb", "points", "glb", "model/gltf-binary")
    cloud = read_points(task.folder / "points.glb").cloud
    facts, camera = made.details["depth"], made.details["camera"]
    assert facts["near"] <= cloud.points[:, 2].min() and cloud.points[:, 2].max() <= facts["far"]
    pixels = cloud.points[:, :2] / cloud.points[:, 2:] * camera["fx"] + [camera["cx"], camera["cy"]]
    assert pixels.min() > 0 and (pixels.max(axis=0) < [camera["width"], camera["height"]]).all()
    original = skimage.data.coffee()[pixels[:, 1].astype(int), pixels[:, 0].astype(int)]
    assert np.abs(cloud.colors.astype(int) - original).mean() < 4


@pytest.mark.parametrize("size", [(31, 400), (400, 31), (1, 1)])
@pytest.mark.parametrize("kind", ["depth", "splat"])
def test_a_photo_of_too_few_pixels_is_refused_in_words(tmp_path: Path, size: tuple[int, int], kind: str) -> None:
    path = tmp_path / "source"
    Image.new("RGB", size).save(path, "PNG")
    with pytest.raises(ImageTooSmall, match=f"{size[0]}×{size[1]} pixels; at least 32 on each side") as refused:
        perform(a_task(kind, path, tmp_path), lambda *_: None)
    assert refused.value.code == "image_too_small"


def test_the_smallest_photo_that_is_not_refused_makes_a_splat(tmp_path: Path) -> None:
    path = tmp_path / "source"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (32, 33, 3), np.uint8)).save(path, "PNG")
    splat, _ = perform(a_task("splat", path, tmp_path), lambda *_: None)
    assert splat.details["gaussians"] > 500


def test_an_accepted_licence_travels_with_the_job(photo: Path, tmp_path: Path) -> None:
    codes = []
    for accepted in ([], ["da2-large"]):
        task = Task("depth", {"model": "da2-large", "accepted": accepted}, {"source": photo}, tmp_path)
        with pytest.raises(ModelUnavailable) as refused:
            perform(task, lambda *_: None)
        codes.append(refused.value.code)
    assert codes == ["licence_required", "no_network"]


@in_one_loop
async def test_grpc_answers_with_progress_and_a_splat_in_chunks(photo: Path, pool: ChildPool) -> None:
    server = RpcServer(RpcSettings(), lambda one: register(one, pool, SimpleNamespace(bucket="immichvr")), RPC_NAMES)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = ai_pb2_grpc.AiServiceStub(channel)
        request = ai_pb2.SplatRequest(
            source=ai_pb2.Source(data=photo.read_bytes()),
            params=ai_pb2.SplatParams(model="lift-heuristic", max_gaussians=20_000),
        )
        answers = [answer async for answer in stub.Splat(request, timeout=120)]
        result = next(answer.result for answer in answers if answer.HasField("result"))
        data = b"".join(answer.chunk for answer in answers if answer.HasField("chunk"))
        assert len(data) == result.size
        assert read(data, "spz").cloud.count == result.gaussians
        assert any(answer.HasField("progress") for answer in answers)
        broken = ai_pb2.DepthRequest(source=ai_pb2.Source(data=b"not an image"))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            _ = [answer async for answer in stub.Depth(broken, timeout=60)]
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert "invalid_image" in refused.value.details()
        request = ai_pb2.DepthRequest(
            source=ai_pb2.Source(data=photo.read_bytes()), params=ai_pb2.DepthParams(model="da2-large")
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            _ = [answer async for answer in stub.Depth(request, timeout=60)]
        assert refused.value.details().startswith("licence_required: da2-large: the licence")
        assert "immichvr models accept da2-large" in refused.value.details()
        request.params.accepted.append("da2-large")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            _ = [answer async for answer in stub.Depth(request, timeout=60)]
        assert refused.value.details().startswith("licence_required"), "a caller's word is not enough"
        staged = ObjectRef(key="sources/photo/version")
        for method, wish in ((stub.Depth, ai_pb2.DepthRequest), (stub.Splat, ai_pb2.SplatRequest)):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                _ = [answer async for answer in method(wish(source=ai_pb2.Source(object=staged)), timeout=60)]
            assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
            assert "is not yours to name" in refused.value.details()
    await server.stop(0)


@in_one_loop
async def test_a_call_of_every_kind_answers_as_its_job_does(
    photo: Path, store: ObjectStore, ai_store: ObjectStore, pool: ChildPool
) -> None:
    server = RpcServer(RpcSettings(), lambda one: register(one, pool, ai_store), RPC_NAMES)
    await server.start()
    brought = await store.put_file("calls/in/photo", photo, "image/jpeg")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = ai_pb2_grpc.AiServiceStub(channel)
        told = [
            one
            async for one in stub.RunSplat(
                ai_pb2.RunSplatRequest(
                    source=TaskInput(data=photo.read_bytes()),
                    params=ai_pb2.SplatParams(model="lift-heuristic", max_gaussians=20_000),
                ),
                timeout=120,
            )
        ]
        assert told[0].progress.stage == "decoded"
        [result] = [one.result for one in told if one.HasField("result")]
        assert [(asset.kind, asset.model_key) for asset in result.assets] == [
            ("splat", "lift-heuristic"), ("depth", "heuristic"),
        ]  # fmt: skip
        spz = b"".join(one.chunk.data for one in told if one.chunk.name == "splat.spz")
        assert read(spz, "spz").cloud.count == result.assets[0].details["gaussians"]

        request = ai_pb2.RunDepthRequest(
            source=TaskInput(object=brought), params=ai_pb2.DepthParams(model="heuristic"), store_under="calls/made"
        )
        told = [one async for one in stub.RunDepth(request, timeout=120)]
        [asset] = told[-1].result.assets
        assert {"near", "far", "metric"} <= set(asset.details["depth"])
        for file in asset.files:
            assert (await store.size(file.object.key)) == file.object.size > 0

        request = ai_pb2.RunModelRequest(kind="model-delete", params=ai_pb2.ModelParams(key="heuristic"))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            _ = [one async for one in stub.RunModel(request, timeout=60)]
        assert refused.value.details() == "invalid_request: heuristic is built in; there is nothing to delete"
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            _ = [one async for one in stub.RunModel(ai_pb2.RunModelRequest(kind="splat"), timeout=60)]
        assert "'splat' is none of model-delete, model-download" in refused.value.details()
    await server.stop(0)
