"""Of which pictures a place is made where their cameras are given."""

from __future__ import annotations

import errno
import itertools
import json
import os
from pathlib import Path

import pytest
from immichvr_inpaint.places.taking import take
from immichvr_inpaint.places.wishes import PlaceWish, Sources
from immichvr_scenes.progress import silent
from immichvr_video import VideoLimits

from .conftest import with_cameras

GIVEN = PlaceWish(quality="draft", poses="given")


def test_nothing_stands_in_for_a_photo_whose_camera_is_given_as_it_would_be_turned(
    photos: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / photos[0].name
    broken.write_bytes(b"a camera's own format")
    given = with_cameras([broken, *photos[1:3]], tmp_path)["transforms"]
    sources = Sources((broken, *photos[1:3]), None, given)
    taken = take(sources, tmp_path / "a/frames", GIVEN, "cpu", VideoLimits(), silent, stand_ins=True)
    assert [one.name for one in taken.frames.dropped] == [broken.name]
    assert len(taken.frames.frames) == 2


def test_photos_on_another_file_system_are_taken_with_their_cameras(
    photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def apart(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", apart)
    given = with_cameras(photos[:2], tmp_path)["transforms"]
    taken = take(Sources(tuple(photos[:2]), None, given), tmp_path / "a/frames", GIVEN, "cpu", VideoLimits(), silent)
    assert len(taken.frames.frames) == 2


def test_of_more_pictures_in_a_folder_than_a_place_is_made_of_some_are_evenly_chosen_and_that_is_said(
    photos: list[Path], tmp_path: Path
) -> None:
    given = tmp_path / "transforms.json"
    told = json.loads(with_cameras(photos[:2], tmp_path)["transforms"].read_text())
    (first, second), count = told["frames"], 401
    for place in range(count):
        os.link(photos[place % 2], tmp_path / f"{place:03}.jpg")
    frames = [{**(second if place % 2 else first), "file_path": f"{place:03}.jpg"} for place in range(count)]
    given.write_text(json.dumps({**told, "frames": frames}))
    taken = take(Sources(transforms=given), tmp_path / "a/frames", GIVEN, "cpu", VideoLimits(), silent)
    sources = [int(frame.source.partition(".")[0]) for frame in taken.frames.frames]
    assert len(sources) == 200
    assert (sources[0], sources[-1]) == (0, 400)
    assert {after - before for before, after in itertools.pairwise(sources)} <= {2, 3}
    [said] = taken.frames.dropped
    assert "401 pictures; 200 of them were taken" in said.reason
