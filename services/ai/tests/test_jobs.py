"""The jobs and the gRPC door of the AI service, on a real photograph."""

from pathlib import Path

import grpc
import numpy as np
import pytest
import skimage.data
from immichvr.ai.v1 import ai_pb2, ai_pb2_grpc
from immichvr_ai.errors import UnknownModel
from immichvr_ai.jobs import perform
from immichvr_ai.service import RPC_NAMES, register
from immichvr_common.processes import ChildPool
from immichvr_common.rpc import RpcServer
from immichvr_common.settings import RpcSettings
from immichvr_common.tasks import Task
from immichvr_splats import read
from PIL import Image


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
    assert (depth.kind, depth.model_key) == ("depth", "heuristic")
    assert stages == ["decoded", "inferred", "lifted", "packed"]


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
    with pytest.raises(UnknownModel, match="there are: auto, .*lift-heuristic"):
        perform(a_task("splat", photo, tmp_path, model="magic"), lambda *_: None)


async def test_grpc_answers_with_progress_and_a_splat_in_chunks(photo: Path) -> None:
    pool = ChildPool("immichvr_ai.jobs:perform")
    server = RpcServer(RpcSettings(), lambda one: register(one, pool, None), RPC_NAMES)
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
    await server.stop(0)
    pool.close()
