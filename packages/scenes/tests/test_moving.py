"""Somebody walks through the room while it is photographed: what is masked is that person, and not the room."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from immichvr_scenes import Camera, Picture
from immichvr_scenes.moving import mask_moving
from immichvr_scenes.points import DepthOptions, dense_depth
from immichvr_scenes.poses import SparsePoints
from immichvr_scenes.testing import Room, person, photograph, through

SMALL = Camera.central(160, 120, 132)


@pytest.fixture(scope="module")
def crossed(place: Room, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Picture], list[np.ndarray]]:
    """Pictures while somebody crosses the room, with depth as they tell it; where the person really is."""
    folder, views = tmp_path_factory.mktemp("crossed"), through(SMALL, 8)

    def with_person(number: int) -> Room:
        return place.beside(person(-1.6 + 0.45 * number, 3.2))

    pictures = photograph(with_person, views, folder, depth=False)
    truth = []
    for number, view in enumerate(views):
        crowded, empty = with_person(number).look(view, samples=1).depth, place.look(view, samples=1).depth
        truth.append(crowded < empty - 0.05)
    deep = dense_depth(pictures, SparsePoints.none(), folder / "depth", DepthOptions(longest_side=160))
    return deep, truth


def test_who_walks_through_is_masked_and_the_room_is_not(
    crossed: tuple[list[Picture], list[np.ndarray]], tmp_path: Path
) -> None:
    pictures, truth = crossed
    masked = mask_moving(pictures, tmp_path)
    person_seen = person_masked = room_masked = room_seen = 0
    for picture, there in zip(masked, truth, strict=True):
        known = picture.read_mask()
        gone = np.zeros_like(there) if known is None else ~known
        person_seen += there.sum()
        person_masked += (gone & there).sum()
        room_seen += (~there).sum()
        room_masked += (gone & ~there).sum()
    assert person_masked > 0.7 * person_seen
    assert room_masked < 0.06 * room_seen


def test_in_a_room_in_which_nothing_moves_hardly_anything_is_masked(place: Room, tmp_path: Path) -> None:
    pictures = photograph(place, through(SMALL, 6), tmp_path)
    masked = mask_moving(pictures, tmp_path / "masks")
    gone = [0.0 if one.mask is None else 1 - np.asarray(one.read_mask()).mean() for one in masked]
    assert max(gone) < 0.06 and np.median(gone) < 0.01


def test_what_was_not_known_before_stays_unknown(
    crossed: tuple[list[Picture], list[np.ndarray]], tmp_path: Path
) -> None:
    before = np.ones((120, 160), bool)
    before[:25] = False
    pictures = [replace(picture, mask=before) for picture in crossed[0]]
    for picture in mask_moving(pictures, tmp_path):
        known = picture.read_mask()
        assert known is not None and not known[:25].any()


def test_depth_is_wanted(place: Room, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no depth"):
        mask_moving(photograph(place, through(SMALL, 4), tmp_path, depth=False), tmp_path)
