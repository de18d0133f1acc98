"""A job on a machine with NVIDIA's decoder and encoders, or that was promised them: the same depth, and no mixture."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from immichvr_common.tasks import Made, Task
from immichvr_inference.context import RunContext
from immichvr_video import VideoLimits, inspect
from immichvr_video.encoding import Encoder, EncoderFailed
from immichvr_video.testing.devices import pretended_decoder, pretended_encoder
from immichvr_video.testing.films import difference
from immichvr_video_depth.jobs import perform
from immichvr_video_depth.making import DepthWish, Earlier, depth_video
from immichvr_video_depth.settings import VideoDepthSettings, VideoSettings
from immichvr_video_depth.testing.clips import write_clip
from immichvr_video_depth.testing.engine import CostFree

FRAMES = 110
"""Of five windows."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "walk.mp4", FRAMES)


@pytest.fixture(scope="module")
def by_software(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("software")
    assert "hardware" not in made(clip, folder, on_device=False).details
    return folder


def made(
    clip: Path, folder: Path, estimator: CostFree | None = None, earlier: Earlier | None = None, *, on_device: bool
) -> Made:
    folder.mkdir(exist_ok=True)
    model = estimator or CostFree(slow=True)
    return depth_video(clip, folder, DepthWish(), model, VideoLimits(), lambda *_: None, earlier, on_device=on_device)


def test_where_there_is_no_device_every_file_is_the_same_and_the_asset_says_why(
    clip: Path, by_software: Path, tmp_path: Path
) -> None:
    asset = made(clip, tmp_path, on_device=True)
    for path in by_software.iterdir():
        assert not difference(tmp_path / path.name, path)
    told = asset.details["hardware"]
    assert (told["decoder"], told["encoders"]) == ("software", ["libx265", "libx264"])
    begins = ("hevc_nvenc cannot be used here: ", "h264_nvenc cannot be used here: ", "NVDEC does not decode it here: ")
    assert [reason.startswith(one) for reason, one in zip(told["reasons"], begins, strict=True)] == [True] * 3


def test_with_a_device_depth_has_the_same_values_to_the_byte(clip: Path, by_software: Path, tmp_path: Path) -> None:
    with pretended_decoder(), pretended_encoder():
        asset = made(clip, tmp_path, on_device=True)
    assert asset.details["hardware"] == {"decoder": "nvdec", "encoders": ["libx265", "libx264"], "reasons": []}
    for name in ("depth.json", "poster.webp", "strip.webp"):
        assert (tmp_path / name).read_bytes() == (by_software / name).read_bytes()
    for name in ("depth.mp4", "rgbd.mp4"):
        assert (tmp_path / name).read_bytes() != (by_software / name).read_bytes(), "another encoder wrote it"
        assert inspect(tmp_path / name) == inspect(by_software / name)


@contextmanager
def encoder_that_fails() -> Iterator[list[bool]]:
    """NVIDIA's, which gives up at the 61st picture of depth, those of its trial included; tells how often it was
    asked."""
    asked, whole = list[bool](), Encoder.encode

    def encode(self: Encoder, *args: object) -> None:
        if self.encoding.on_device and self.encoding.grey:
            asked.append(True)
            if len(asked) > 60:
                raise EncoderFailed("hevc_nvenc failed (no more sessions)")
        whole(self, *args)  # type: ignore[arg-type]

    with pretended_decoder(), pretended_encoder(), patch.object(Encoder, "encode", encode):
        yield asked


def test_an_encoder_that_fails_on_the_way_has_all_of_it_made_by_software(
    clip: Path, by_software: Path, tmp_path: Path
) -> None:
    anew: list[bool] = []
    earlier = Earlier(lambda *_: None, every_s=0, begin_anew=lambda: anew.append(True))
    with encoder_that_fails() as asked:
        asset = made(clip, tmp_path, earlier=earlier, on_device=True)
    assert len(asked) == 61 and len(anew) == 2, "what was kept of the first try is forgotten"
    told = asset.details["hardware"]
    assert (told["decoder"], told["encoders"]) == ("nvdec", ["libx265", "libx264"])
    assert told["reasons"] == ["hevc_nvenc failed (no more sessions)"]
    for path in by_software.iterdir():
        assert not difference(tmp_path / path.name, path)


class Broken(Exception):
    pass


class BreaksInItsFourthWindow(CostFree):
    def infer(self, frames):  # type: ignore[no-untyped-def]
        if self.calls == 3:
            raise Broken
        return super().infer(frames)


def broken_off(clip: Path, folder: Path, stored: Path) -> dict[str, Path]:
    """What is kept of work that breaks off in its fourth window."""
    stored.mkdir()
    keep = Earlier(lambda name, path: shutil.copy(path, stored / name) and None, every_s=0)
    with pytest.raises(Broken):
        made(clip, folder, BreaksInItsFourthWindow(slow=True), keep, on_device=True)
    return {path.name: path for path in stored.iterdir()}


def went_on(clip: Path, folder: Path, kept: Mapping[str, Path]) -> bool:
    asset = made(clip, folder, earlier=Earlier(lambda *_: None, kept, every_s=0), on_device=True)
    frames = json.loads((folder / "depth.json").read_text())["frames"]
    assert len(frames) == FRAMES == asset.details["video"]["frames"]
    return bool(asset.details["video"]["windows_before"] > 0)


def test_work_of_one_encoder_is_gone_on_with_by_the_same_alone(clip: Path, by_software: Path, tmp_path: Path) -> None:
    with pretended_decoder(), pretended_encoder():
        kept = broken_off(clip, tmp_path / "first", tmp_path / "stored")
        assert {"checkpoint.npz", "checkpoint-00001.zip"} <= set(kept)
        assert went_on(clip, tmp_path / "same", kept)
    with pretended_decoder(), pretended_encoder({"crf": "4"}):
        assert not went_on(clip, tmp_path / "another", kept)
    assert not went_on(clip, tmp_path / "software", kept)
    for path in by_software.iterdir():
        assert not difference(tmp_path / "software" / path.name, path)


def test_what_was_begun_with_nvidias_decoder_is_gone_on_with_in_software(
    clip: Path, by_software: Path, tmp_path: Path
) -> None:
    with pretended_decoder():
        kept = broken_off(clip, tmp_path / "first", tmp_path / "stored")
    assert went_on(clip, tmp_path / "software", kept)
    for path in by_software.iterdir():
        assert not difference(tmp_path / "software" / path.name, path)


def test_where_an_encoder_fails_again_software_goes_on_with_nothing_that_was_forgotten(
    clip: Path, by_software: Path, tmp_path: Path
) -> None:
    with pretended_decoder():
        kept = broken_off(clip, tmp_path / "first", tmp_path / "stored")
        assert went_on(clip, tmp_path / "second", kept), "software wrote it"
    with encoder_that_fails() as asked:
        assert not went_on(clip, tmp_path / "again", kept)
    assert len(asked) == 61
    for path in by_software.iterdir():
        assert not difference(tmp_path / "again" / path.name, path)


@pytest.mark.parametrize(
    ("cpu", "hardware", "thought_of"), [(False, "auto", True), (False, "off", False), (True, "auto", False)]
)
def test_devices_are_thought_of_where_networks_run_on_a_gpu_and_nobody_has_switched_them_off(
    cpu: bool, hardware: str, thought_of: bool, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMMICHVR_MODELS_OFFLINE", "1")
    monkeypatch.setenv("IMMICHVR_MODELS_DIR", str(tmp_path / "models"))
    settings = VideoDepthSettings(video=VideoSettings(hardware=hardware))  # type: ignore[arg-type]
    monkeypatch.setattr("immichvr_video_depth.video_jobs.current_settings", lambda: settings)
    monkeypatch.setattr(RunContext, "runs_on_cpu", property(lambda self: cpu))
    params = {"model": "heuristic", "outputs": ["depth"], "range": {"toS": 0.2}}
    [asset] = perform(Task("video-depth", params, {"source": clip}, tmp_path), lambda *_: None)
    assert ("hardware" in asset.details) == thought_of
