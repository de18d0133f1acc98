"""The gRPC door, asked by a real client; a real child does the work."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
from google.protobuf import json_format
from immichvr.common.v1.common_pb2 import TaskInput
from immichvr.videodepth.v1 import videodepth_pb2 as messages
from immichvr.videodepth.v1.videodepth_pb2_grpc import VideoDepthServiceStub
from immichvr_common.processes.pool import ChildPool
from immichvr_common.rpc import RpcServer
from immichvr_common.rpc_settings import RpcSettings
from immichvr_common.tasks import Task
from immichvr_video import inspect
from immichvr_video.testing.boxes import SIDE_BY_SIDE, sphere, with_boxes
from immichvr_video.testing.clips import Clip, make_clip
from immichvr_video_depth.jobs import perform
from immichvr_video_depth.service import RPC_NAMES, register
from immichvr_video_depth.settings import CAPABILITY
from immichvr_video_depth.testing.clips import write_clip
from PIL import Image

# The child, which takes seconds to begin, serves all tests.
in_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChildPool]:
    """Children that have no model; they begin with the environment of the first test."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("IMMICHVR_MODELS_OFFLINE", "1")
        environment.setenv("IMMICHVR_MODELS_DIR", str(tmp_path_factory.mktemp("models")))
        pool = ChildPool(CAPABILITY)
        yield pool
        pool.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stub(pool: ChildPool) -> AsyncIterator[VideoDepthServiceStub]:
    server = RpcServer(RpcSettings(), lambda one: register(one, pool, None), RPC_NAMES)  # type: ignore[arg-type]
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield VideoDepthServiceStub(channel)
    await server.stop(0)


@in_one_loop
async def test_a_caller_gets_depth_of_a_clip_then_stereo_of_that_and_words_for_what_is_no_video(
    stub: VideoDepthServiceStub, tmp_path: Path
) -> None:
    clip = TaskInput(data=write_clip(tmp_path / "walk.mp4", 12).read_bytes())
    asked = messages.RunVideoDepthRequest(source=clip, params=messages.VideoDepthParams(outputs=["depth"]))
    progress, asset, files = await heard(stub.RunVideoDepth(asked, timeout=120))
    assert "inferred" in progress
    assert asset.kind == "depth-video"
    assert asset.reason, "it says why it is not a better model"
    depth, frames = (TaskInput(data=files[name]) for name in ("depth.mp4", "depth.json"))
    params = messages.StereoParams(layout="over-under")
    wanted = messages.RunStereoRequest(source=clip, depth=depth, frames=frames, params=params)
    _, stereo, made = await heard(stub.RunStereo(wanted, timeout=120))
    assert [(file.role, file.variant) for file in stereo.files] == [("stereo", "over-under")]
    assert all(made.values())
    asked = messages.RunVideoDepthRequest(source=TaskInput(data=b"no video at all"))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await heard(stub.RunVideoDepth(asked, timeout=120))
    assert "invalid_video" in refused.value.details()


@pytest.mark.parametrize(
    ("wish", "key"),
    [
        ({"range": {"fromS": 0.2, "toS": 0.4}}, "heuristic-part-200-400"),
        ({"range": {"fromS": 0.2, "toS": 0}}, "heuristic-part-200-end"),
        ({"codec": "av1"}, "heuristic-av1"),
        ({"codec": "h264", "range": {"fromS": 0.2}}, "heuristic-h264-part-200-end"),
        ({"codec": "hevc"}, "heuristic"),
    ],
)
def test_a_part_of_a_video_and_another_codec_are_assets_of_their_own(
    wish: dict[str, object], key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMMICHVR_MODELS_OFFLINE", "1")
    monkeypatch.setenv("IMMICHVR_MODELS_DIR", str(tmp_path / "models"))
    params = {"model": "heuristic", "outputs": ["depth"], **wish}
    clip = write_clip(tmp_path / "walk.mp4", 12)
    (tmp_path / "out").mkdir()
    [made] = perform(Task("video-depth", params, {"source": clip}, tmp_path / "out"), lambda *_: None)
    assert made.model_key == key
    assert inspect(tmp_path / "out" / "depth.mp4").codec == wish.get("codec", "hevc")


@in_one_loop
async def test_a_call_does_jobs_about_models_and_names_them_where_it_is_of_another_kind(
    stub: VideoDepthServiceStub,
) -> None:
    def asked(kind: str) -> messages.RunModelRequest:
        return messages.RunModelRequest(kind=kind, params=messages.ModelParams(key="vda-small"))

    told = [one async for one in stub.RunModel(asked("model-delete"), timeout=60)]
    assert told[-1].HasField("result")
    for kind, words in (("depth", "model-unload"), ("model-load", "vda-small")):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            _ = [one async for one in stub.RunModel(asked(kind), timeout=60)]
        assert words in refused.value.details()


@in_one_loop
async def test_a_caller_gets_a_clip_of_a_photo_and_words_for_depth_that_is_none(
    stub: VideoDepthServiceStub, tmp_path: Path
) -> None:
    Image.effect_noise((64, 48), 90).convert("RGB").save(tmp_path / "photo.png")
    photo = TaskInput(data=(tmp_path / "photo.png").read_bytes())
    asked = messages.RunMotionRequest(source=photo, params=messages.MotionParams(path="dolly", seconds=2))
    _, asset, files = await heard(stub.RunMotion(asked, timeout=120))
    assert (asset.kind, asset.model_key) == ("motion", "dolly")
    assert "guessed" in asset.reason
    [clip] = files.values()
    (tmp_path / "clip.mp4").write_bytes(clip)
    facts = inspect(tmp_path / "clip.mp4")
    assert (facts.width, facts.height, facts.codec) == (64, 48, "h264")
    asked.depth.data = photo.data
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await heard(stub.RunMotion(asked, timeout=120))
    assert refused.value.details().startswith("invalid_depth")


HALF = 0x3FFFFFFF
"""A quarter of all around, left out on either side."""


@in_one_loop
async def test_of_a_video_of_180_degrees_a_caller_gets_two_half_spheres(
    stub: VideoDepthServiceStub, tmp_path: Path
) -> None:
    film = with_boxes(make_clip(tmp_path / "half.mp4", Clip(frames=6, width=96)), sphere(HALF))
    clip = TaskInput(data=film.read_bytes())
    asked = messages.RunVideoDepthRequest(source=clip, params=messages.VideoDepthParams(outputs=["depth"]))
    _, asset, files = await heard(stub.RunVideoDepth(asked, timeout=120))
    assert json_format.MessageToDict(asset.details)["video"]["projection"] == "equirectangular-180"
    wanted = messages.RunStereoRequest(
        source=clip, depth=TaskInput(data=files["depth.mp4"]), frames=TaskInput(data=files["depth.json"]),
        params=messages.StereoParams(layout="vr180"),
    )  # fmt: skip
    _, _, made = await heard(stub.RunStereo(wanted, timeout=120))
    path = tmp_path / "made.mp4"
    path.write_bytes(made["stereo_180x180_LR.mp4"])
    facts = inspect(path)
    assert (facts.width, facts.projection, facts.stereo) == (192, "equirectangular-180", "side-by-side")


@in_one_loop
async def test_a_film_of_a_vr180_camera_has_two_views_already(stub: VideoDepthServiceStub, tmp_path: Path) -> None:
    film = with_boxes(make_clip(tmp_path / "vr180.mp4", Clip(frames=6)), sphere(HALF, SIDE_BY_SIDE))
    params = messages.VideoDepthParams(model="heuristic", outputs=["vr180"])
    asked = messages.RunVideoDepthRequest(source=TaskInput(data=film.read_bytes()), params=params)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await heard(stub.RunVideoDepth(asked, timeout=120))
    assert "two views already (side-by-side)" in refused.value.details()


@in_one_loop
async def test_a_part_without_an_end_is_made_of_a_video_that_tells_no_length(
    stub: VideoDepthServiceStub, tmp_path: Path
) -> None:
    clip = TaskInput(data=make_clip(tmp_path / "raw.h264", Clip(frames=20)).read_bytes())
    params = messages.VideoDepthParams(model="heuristic", outputs=["depth"], range=messages.Range(from_s=0.4))
    _, _, files = await heard(
        stub.RunVideoDepth(messages.RunVideoDepthRequest(source=clip, params=params), timeout=120)
    )
    assert 0 < len(json.loads(files["depth.json"])["frames"]) < 20


async def heard(call):
    """The stages, the asset and the files that a call tells of."""
    stages, asset, files = [], None, {}
    async for message in call:
        match message.WhichOneof("message"):
            case "progress":
                stages.append(message.progress.stage)
            case "result":
                [asset] = message.result.assets
            case "chunk":
                files[message.chunk.name] = files.get(message.chunk.name, b"") + message.chunk.data
    return stages, asset, files
