"""Scenes that are trained elsewhere, at a stand-in on this machine."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from immichvr_common.errors import InvalidRequest
from immichvr_common.tasks import Task
from immichvr_inpaint import keeping
from immichvr_inpaint.elsewhere import CloudFailed, end_elsewhere
from immichvr_inpaint.elsewhere.http import HttpTrainer
from immichvr_inpaint.elsewhere.sent import OVER, Sent
from immichvr_inpaint.jobs import perform
from immichvr_inpaint.settings import current_settings
from immichvr_inpaint.testing.trainer import Trainer, trainer
from immichvr_scenes import Camera
from immichvr_scenes.frames import Dropped
from immichvr_scenes.poses import Poses
from immichvr_scenes.testing import through
from immichvr_splats import read

from .conftest import Done, inputs_of, with_cameras

_CLOUD = "IMMICHVR_INPAINT_CLOUD__"


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Sets up a service elsewhere for this process."""

    def at(about: Trainer) -> dict[str, str]:
        monkeypatch.setenv(f"{_CLOUD}URL", about.url)
        monkeypatch.setenv(f"{_CLOUD}TOKEN", about.token)
        monkeypatch.setenv(f"{_CLOUD}POLL_S", "0.01")
        current_settings.cache_clear()
        return {"method": "cloud", "sendsTo": about.url, "poses": "given"}

    yield at
    monkeypatch.undo()
    current_settings.cache_clear()


@pytest.fixture
def posed(photos: list[Path], tmp_path: Path) -> dict[str, Path]:
    """Photos with their cameras."""
    return with_cameras(photos, tmp_path)


def test_pictures_go_with_their_cameras_and_a_splat_comes_back(
    photos: list[Path], scene: Done, set_up: Any, tmp_path: Path
) -> None:
    with trainer(scene.file("splat").read_bytes(), token="ours") as about:
        wish = {**set_up(about), "quality": "high", "poses": "colmap"}
        done = Done("reconstruct", inputs_of(photos[:4]), tmp_path / "out", **wish)
    [(quality, sent)] = about.received.values()
    assert quality == "high"
    names = zipfile.ZipFile(io.BytesIO(sent)).namelist()
    assert "transforms.json" in names
    assert len([name for name in names if name.startswith("images/")]) == 4
    assert (done.made.kind, done.made.model_key) == ("splat", "cloud")
    assert read(done.file("splat")).cloud.count == read(scene.file("splat")).cloud.count
    assert "elsewhere" in done.stages


def test_a_job_that_has_sent_before_asks_for_what_it_sent_and_pays_once(
    posed: dict[str, Path], scene: Done, set_up: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, bytes] = {}
    monkeypatch.setattr(keeping, "keep", lambda name, path, **_: kept.update({name: path.read_bytes()}))
    with trainer(scene.file("splat").read_bytes()) as about:
        params = {**set_up(about), "quality": "draft"}
        Done("reconstruct", posed, tmp_path / "first", **params)
        (tmp_path / "sent.json").write_bytes(kept["sent.json"])
        (tmp_path / "second").mkdir()
        again = Task("reconstruct", params, posed, tmp_path / "second", kept={"sent.json": tmp_path / "sent.json"})
        perform(again, lambda *_: None)
    assert len(about.received) == 1


def test_what_goes_wrong_elsewhere_is_told_in_its_words(posed: dict[str, Path], set_up: Any, tmp_path: Path) -> None:
    with trainer(b"", failure="no credit left") as about:
        params = {**set_up(about), "quality": "draft"}
        with pytest.raises(CloudFailed, match="no credit left"):
            Done("reconstruct", posed, tmp_path / "out", **params)
    kept = Task("reconstruct", {}, {}, tmp_path, kept={"sent.json": tmp_path / "out/sent.json"})
    assert Sent.decode(keeping.Keeper(kept).sent_before()) is None, "or the next try would ask about that job again"


def test_what_takes_too_long_elsewhere_is_ended_there(
    posed: dict[str, Path], set_up: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{_CLOUD}LONGEST_S", "0.05")
    with trainer(b"", steps=math.inf) as about:
        params = {**set_up(about), "quality": "draft"}
        with pytest.raises(CloudFailed, match=r"not done within 0 s$"):
            Done("reconstruct", posed, tmp_path / "out", **params)
    assert about.ended == ["1"]


def test_the_cameras_that_were_sent_are_those_of_the_scene_however_often_it_is_tried() -> None:
    views = tuple(through(Camera.central(96, 72, 75), 3))
    poses = Poses(views, (Dropped("4.jpg", "blurred", "it is blurred"),), reprojection_px=0.4, notes=("a note",))
    read_again = Sent.decode(Sent("42", poses).encode())
    assert read_again is not None and read_again.poses is not None
    assert (read_again.job, read_again.poses.dropped, read_again.poses.notes) == ("42", poses.dropped, poses.notes)
    for one, other in zip(read_again.poses.views, views, strict=True):
        assert (one.name, one.camera) == (other.name, other.camera)
        np.testing.assert_allclose(one.world_to_camera, other.world_to_camera, atol=1e-12)
    assert Sent.decode(b'{"job": "42"}') == Sent("42"), "as an earlier release kept it"


def test_nothing_is_sent_to_another_address_than_people_said_yes_to(
    posed: dict[str, Path], set_up: Any, tmp_path: Path
) -> None:
    with trainer(b"") as about:
        for agreed in ("", "https://trainer.example"):
            params = {**set_up(about), "sendsTo": agreed}
            with pytest.raises(InvalidRequest, match="another address than people were told"):
                perform(Task("reconstruct", params, posed, tmp_path), lambda *_: None)
    assert about.received == {}


def test_a_service_that_refuses_talks_nonsense_or_sends_too_much_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(b"zip")
    with trainer(b"x" * 2000, token="ours") as about:
        with pytest.raises(CloudFailed, match="401"):
            HttpTrainer(about.url, "another").upload(tmp_path / "set.zip", "draft")
        job = HttpTrainer(about.url, "ours").upload(tmp_path / "set.zip", "draft")
        with pytest.raises(CloudFailed, match="more than 1000 bytes"):
            HttpTrainer(about.url, "ours", largest=1000).download(job, tmp_path / "splat")
        about.state = lambda job: {"state": "dancing"}  # type: ignore[method-assign]
        with pytest.raises(CloudFailed, match="no state among"):
            HttpTrainer(about.url, "ours").poll(job)
    with pytest.raises(CloudFailed, match="does not answer"):
        HttpTrainer(about.url, "ours").poll(job)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://trainer.example", "https://"), ("https://me:secret@trainer.example", "must not hold a password"),
        ("https://trainer:door", "no address"), ("https://", "no address"), ("ftp://127.0.0.1", "https://"),
    ],
)  # fmt: skip
def test_pictures_are_sent_to_no_address_at_which_others_read_along(url: str, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words) as refused:
        HttpTrainer(url, "ours")
    assert "secret" not in str(refused.value)


def test_of_an_answer_no_more_is_read_than_it_may_have(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(b"zip")
    with trainer(b"") as about:
        job = HttpTrainer(about.url, "").upload(tmp_path / "set.zip", "draft")
        about.state = lambda job: {"state": "x" * 1_000_000}  # type: ignore[method-assign]
        with pytest.raises(CloudFailed, match="more than 65536 bytes"):
            HttpTrainer(about.url, "").poll(job)


def test_nothing_is_sent_where_no_service_is_set_up(posed: dict[str, Path], tmp_path: Path) -> None:
    task = Task("reconstruct", {"method": "cloud"}, posed, tmp_path)
    with pytest.raises(InvalidRequest, match="IMMICHVR_INPAINT_CLOUD__URL"):
        perform(task, lambda *_: None)


def test_what_a_cancelled_job_has_sent_is_ended_elsewhere_and_sent_anew_when_it_is_tried_again(
    posed: dict[str, Path], scene: Done, set_up: Any, tmp_path: Path
) -> None:
    with trainer(scene.file("splat").read_bytes(), token="ours", steps=math.inf) as about:
        params = {**set_up(about), "quality": "draft"}
        first = HttpTrainer(about.url, "ours").upload(scene.file("views"), "draft")
        end_elsewhere(params, Sent(first).encode())
        assert about.ended == [first]
        end_elsewhere(params, OVER.encode())
        about.steps = 1
        (tmp_path / "sent.json").write_bytes(Sent(first).encode())
        (tmp_path / "again").mkdir()
        kept = {"sent.json": tmp_path / "sent.json"}
        [made] = perform(Task("reconstruct", params, posed, tmp_path / "again", kept=kept), lambda *_: None)
    assert made.model_key == "cloud"
    assert [*about.received] == [first, "2"]
    assert about.ended == [first], "nothing is ended that nobody cancelled"


def test_that_a_job_is_ended_elsewhere_is_believed_only_where_it_was_told() -> None:
    with trainer(b"", token="ours") as about, pytest.raises(CloudFailed, match="401"):
        HttpTrainer(about.url, "another").cancel("1")
    with pytest.raises(CloudFailed, match="does not answer"):
        HttpTrainer(about.url, "ours").cancel("1")
