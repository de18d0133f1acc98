"""A disk that gets full while a place is made: told as that, at whatever stage, and by a process that lives on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from immichvr_common.processes.failures import failure_of
from immichvr_common.tasks import Task
from immichvr_common.testing.disks import fill, small_disk
from immichvr_inpaint.jobs import perform
from immichvr_inpaint.settings import current_settings

from .conftest import Done, inputs_of, with_cameras


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 40) as place:
        yield place


@pytest.fixture
def keeps_much(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keeps where it is after every step, as it does now and then."""
    monkeypatch.setenv("IMMICHVR_INPAINT_TRAINING__CHECKPOINT_S", "0")
    current_settings.cache_clear()
    yield
    monkeypatch.undo()
    current_settings.cache_clear()


def filled_at(stage: str, words: str, kind: str, inputs: dict[str, Path], disk: Path, **params: Any) -> Exception:
    """What a job fails with whose disk is full from the moment on when it tells of this."""
    folder, full = disk / "job", False
    folder.mkdir()

    def report(fraction: float, told: str, message: str) -> None:
        nonlocal full
        if not full and told == stage and words in message:
            full = True
            fill(disk)

    with pytest.raises((OSError, RuntimeError)) as failed:
        perform(Task(kind, params, inputs, folder), report)
    assert full, f"it never told of {stage}: {words}"
    return failed.value  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ("frames", "photo 2 of 3"),
        # Of the stage of poses, one moment in short.
        pytest.param("poses", "features of picture 2 of 3", marks=pytest.mark.long),
        pytest.param("poses", "comparing pictures", marks=pytest.mark.long),
        ("poses", "pictures placed"),
        ("points", "depth of picture 1 of 3"),
        ("training", "step"),
    ],
)
def test_a_full_disk_is_told_of_as_that(
    stage: str, words: str, photos: list[Path], disk: Path, keeps_much: None
) -> None:
    error = filled_at(stage, words, "reconstruct", inputs_of(photos[:3]), disk, quality="draft", poses="colmap")
    failure = failure_of(error)
    assert (failure.code, failure.retriable) == ("storage_full", True), failure.message
    assert "make room on the disk" in failure.message


def test_a_full_disk_is_told_of_where_the_files_are_written(photos: list[Path], disk: Path, tmp_path: Path) -> None:
    inputs = with_cameras(photos[:3], tmp_path)
    error = filled_at("packed", "writing its files", "reconstruct", inputs, disk, quality="draft", poses="given")
    assert failure_of(error).code == "storage_full"


def test_a_full_disk_is_told_of_where_a_dataset_is_packed(scene: Done, disk: Path) -> None:
    inputs = {"splat": scene.file("splat"), "views": scene.file("views")}
    error = filled_at("packed", "of the pictures", "dataset", inputs, disk, modelKey="gaussians")
    assert failure_of(error).code == "storage_full"
