"""No command ends in a traceback on a disk that has no room, or may not be written to: one sentence, and what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from immichvr_common.testing.disks import fill, small_disk
from immichvr_local.doctor import machine
from immichvr_local.errors import CommandError
from immichvr_local.stack.data import DataDirectory
from immichvr_local.stack.floor import VARIABLE, keep_free
from immichvr_local.stack.room import check_room


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for nothing."""
    with small_disk(tmp_path / "disk", 3) as place:
        (place / "made").mkdir()
        fill(place)
        yield place


@pytest.mark.parametrize(
    ("command", "codes"),
    [
        (("up", "--photos", "{photos}", "--data", "{disk}/data"), {1}),
        (("demo", "--photos", "{photos}", "--data", "{disk}/data"), {1}),
        (("up", "--photos", "{photos}", "--data", "{disk}/made/data"), {1}),
        (("splat", "{photos}/square.png", "-o", "{disk}/out.ply"), {1}),
        (("convert", "{disk}/../in.ply", "{disk}/out.spz"), {1, 2}),
        (("models", "list"), {0}),
    ],
)
def test_a_full_disk_is_one_sentence(run, photo: Path, full: Path, command: tuple[str, ...], codes: set[int]) -> None:
    if command[0] == "convert":
        assert run("splat", photo, "-o", full / "../in.ply").exit_code == 0
    result = run(*(word.format(photos=photo.parent, disk=full) for word in command))
    assert result.exit_code in codes, result.output
    assert "Traceback" not in result.output
    assert "this should not happen" not in result.output
    if result.exit_code:
        assert "make room" in result.stderr
        assert len(result.stderr.strip().splitlines()[-1]) < 400


def test_doctor_says_that_a_full_disk_is_one(monkeypatch: pytest.MonkeyPatch, full: Path) -> None:
    monkeypatch.setenv("IMMICHVR_DATA", str(full / "data"))
    found = machine.disk()
    assert (found.state, "nothing new is made" in found.found) == ("fail", True)


def test_a_disk_that_may_not_be_written_to_is_one_sentence(run, photo: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 3, ro=1) as disk:
        result = run("up", "--photos", photo.parent, "--data", disk / "data")
        assert result.exit_code == 2
        assert "Read-only file system" in result.stderr


def test_too_little_room_is_told_before_anything_is_started(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 20) as disk:
        said: list[str] = []
        with pytest.raises(
            CommandError, match=r"has 2.\.. MB left, and 100\.0 MB are needed to start: make room"
        ) as caught:
            check_room(DataDirectory(disk / "data"), 0, said.append)
        assert (caught.value.exit_code, said) == (1, [])


def test_less_than_is_kept_free_is_told_and_does_not_keep_from_starting(tmp_path: Path) -> None:
    said: list[str] = []
    check_room(DataDirectory(tmp_path / "data"), 10**18, said.append)
    assert "make room on the disk, or set IMMICHVR_KEEP_FREE to less" in said[0]


@pytest.mark.parametrize(("given", "kept"), [(None, 2 * 10**9), ("500MB", 500 * 10**6), ("0", 0), ("1GiB", 2**30)])
def test_how_much_is_kept_free_is_a_size(monkeypatch: pytest.MonkeyPatch, given: str | None, kept: int) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if given is not None:
        monkeypatch.setenv(VARIABLE, given)
    assert keep_free() == kept


@pytest.mark.parametrize("given", ["much", "-1", "5 parsecs"])
def test_what_is_no_size_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(VARIABLE, given)
    with pytest.raises(CommandError, match="wants a size, like 2GB or 500MB"):
        keep_free()


def test_nothing_half_written_is_left_of_a_file_that_did_not_fit(full: Path) -> None:
    os.truncate(full / "filler", (full / "filler").stat().st_size - 40_000)
    data = DataDirectory(full / "data")
    with pytest.raises(CommandError, match="its disk is full"):
        data.remember({"much": "x" * 1_000_000})
    assert [path.name for path in data.root.iterdir() if path.name.startswith(".state")] == []
