"""Which pictures a place is made of, and why others are left out."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from immichvr_scenes import Camera
from immichvr_scenes.errors import AllBlurred, NothingToRecognise, TooFewPictures, TooManyPictures
from immichvr_scenes.frames import FrameOptions, frames_of_live_photo, frames_of_photos, frames_of_video
from immichvr_scenes.frames.choice import Seen, chosen
from immichvr_scenes.frames.sharpness import blur
from immichvr_scenes.testing import Room, shaking, through, turning, write_clip, write_photo

SMALL = Camera.central(256, 192, 210)


@pytest.fixture(scope="module")
def clip(place: Room, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody stands still for ten frames, then walks for twenty-four; every third frame of the walk is blurred."""
    views = through(SMALL, 24)
    frames = [place.look(views[0]).rgb] * 10
    for number, view in enumerate(views):
        seen = place.look(view).rgb
        frames.append(np.asarray(cv2.GaussianBlur(seen, (0, 0), 3)) if number % 3 == 1 else seen)
    return write_clip(tmp_path_factory.mktemp("clip") / "walk.mp4", frames)


def test_frames_of_a_video_are_where_it_moves_and_the_sharp_ones_of_them(clip: Path, tmp_path: Path) -> None:
    frames = frames_of_video(clip, tmp_path, FrameOptions(most=8))
    numbers = [round(30 * (frame.time or 0)) for frame in frames.frames]
    assert frames.ordered and 6 <= len(numbers) <= 8
    assert sum(number < 10 for number in numbers) <= 2
    assert all((number - 10) % 3 != 1 for number in numbers if number >= 10)
    assert max(numbers) >= 28
    first = frames.frames[0]
    assert (first.width, first.height) == (256, 192) and first.path.parent == tmp_path
    assert not first.focal_known and 150 < first.focal_px < 300


def test_a_video_of_two_shots_gives_frames_of_both_and_says_which(place: Room, elsewhere: Room, tmp_path: Path) -> None:
    frames = [place.look(view).rgb for view in shaking(SMALL, 10)]
    frames += [elsewhere.look(view).rgb for view in shaking(SMALL, 10)]
    taken = frames_of_video(write_clip(tmp_path / "two.mp4", frames), tmp_path / "frames", FrameOptions(most=10)).frames
    shots = [frame.shot for frame in taken]
    assert set(shots) == {0, 1} and shots == sorted(shots)
    assert all((frame.time or 0) < 10 / 30 - 0.01 for frame in taken if frame.shot == 0)


def test_of_a_long_way_no_more_frames_are_taken_than_allowed_and_of_a_short_one_few() -> None:
    long_way = [Seen(index, 0, index * 0.01, 0.5) for index in range(1000)]
    assert len(chosen(long_way, 60)) == 60
    assert np.ptp(np.diff([seen.index for seen in chosen(long_way, 60)])) <= 2
    standing = [Seen(index, 0, 0.0, 0.5) for index in range(300)]
    assert len(chosen(standing, 60)) == 8
    two = [Seen(index, index // 500, index * 0.01, 0.5) for index in range(1000)]
    assert {seen.shot for seen in chosen(two, 40)} == {0, 1}


def test_frames_are_even_in_parallax_not_in_time() -> None:
    ways = np.concatenate([np.linspace(0, 0.1, 200), np.linspace(0.1, 1, 100)])
    taken = chosen([Seen(index, 0, float(way), 0.5) for index, way in enumerate(ways)], 20)
    assert sum(seen.index >= 200 for seen in taken) >= 15


def test_a_live_photo_is_its_still_and_its_film(place: Room, tmp_path: Path) -> None:
    large = Camera.central(512, 384, 420)
    still = write_photo(tmp_path / "still.jpg", place.look(shaking(large, 8)[4]).rgb, 420)
    film = write_clip(tmp_path / "film.mp4", [place.look(view).rgb for view in shaking(SMALL, 8)])
    frames = frames_of_live_photo(still, film, tmp_path / "frames").frames
    assert (frames[0].source, frames[0].group, frames[0].focal_known) == ("still.jpg", 0, True)
    assert frames[0].focal_px == pytest.approx(420, rel=0.03)
    assert len(frames) >= 6 and {frame.group for frame in frames[1:]} == {1}
    assert frames[1].focal_px == pytest.approx(210, rel=0.03) and not frames[1].focal_known


def test_of_a_live_photo_whatever_can_be_used_is_taken_and_be_it_one_frame(place: Room, tmp_path: Path) -> None:
    seen = place.look(shaking(SMALL, 3)[1]).rgb
    blurred = np.asarray(cv2.GaussianBlur(seen, (0, 0), 6))
    sharp, soft = write_photo(tmp_path / "still.jpg", seen, 210), write_photo(tmp_path / "soft.jpg", blurred, 210)
    films = {
        "bare": write_clip(tmp_path / "bare.mp4", [np.full_like(seen, 128)] * 3),
        "one": write_clip(tmp_path / "one.mp4", [seen]),
        "broken": tmp_path / "broken.mov",
    }
    films["broken"].write_bytes(b"no film")
    for film, taken, left in (("bare", 1, "nothing_to_recognise"), ("one", 2, None), ("broken", 1, "invalid_video")):
        frames = frames_of_live_photo(sharp, films[film], tmp_path / film)
        assert [frame.source for frame in frames.frames][:1] == ["still.jpg"] and len(frames.frames) == taken
        assert {one.code for one in frames.dropped} == ({left} if left else set())
    [frame] = frames_of_live_photo(soft, films["one"], tmp_path / "film").frames
    assert frame.source == "0.00 s"
    with pytest.raises(NothingToRecognise, match="pattern or edges"):
        frames_of_live_photo(soft, films["bare"], tmp_path / "nothing")


def test_photos_are_reduced_and_grouped_by_the_camera_that_took_them(place: Room, tmp_path: Path) -> None:
    wide, tall = Camera.central(320, 240, 260), Camera.central(240, 320, 260)
    views = [*through(wide, 3)[:2], *through(tall, 3)[1:]]
    photos = [
        write_photo(tmp_path / f"{number}.jpg", place.look(view).rgb, 260 if number else None)
        for number, view in enumerate(views)
    ]
    frames = frames_of_photos(photos, tmp_path / "frames", FrameOptions(longest_side=160)).frames
    assert [(frame.width, frame.height) for frame in frames] == [(160, 120), (160, 120), (120, 160), (120, 160)]
    assert [frame.group for frame in frames] == [0, 1, 2, 2]
    assert [frame.focal_known for frame in frames] == [False, True, True, True]
    assert frames[1].focal_px == pytest.approx(130, rel=0.03)


def test_what_cannot_be_used_is_left_out_with_the_reason(place: Room, tmp_path: Path) -> None:
    seen = place.look(through(SMALL, 3)[1]).rgb
    good = [write_photo(tmp_path / f"good{number}.jpg", seen) for number in range(2)]
    blurred = write_photo(tmp_path / "blurred.jpg", np.asarray(cv2.GaussianBlur(seen, (0, 0), 6)))
    grey = write_photo(tmp_path / "grey.jpg", np.full_like(seen, 128))
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    frames = frames_of_photos(
        [*good, blurred, grey, tmp_path / "broken.jpg", tmp_path / "gone.jpg"], tmp_path / "frames"
    )
    assert len(frames.frames) == 2
    assert [(one.name, one.code) for one in frames.dropped] == [
        ("blurred.jpg", "all_blurred"),
        ("grey.jpg", "nothing_to_recognise"),
        ("broken.jpg", "invalid_image"),
        ("gone.jpg", "not_found"),
    ]


def test_sets_that_no_place_is_made_of_are_refused_with_what_to_do(place: Room, tmp_path: Path) -> None:
    seen = place.look(through(SMALL, 3)[1]).rgb
    good = write_photo(tmp_path / "good.jpg", seen)
    blurred = write_photo(tmp_path / "blurred.jpg", np.asarray(cv2.GaussianBlur(seen, (0, 0), 6)))
    grey = write_photo(tmp_path / "grey.jpg", np.full_like(seen, 128))
    with pytest.raises(TooFewPictures, match="two pictures at least"):
        frames_of_photos([good], tmp_path / "a")
    with pytest.raises(AllBlurred, match="hold still"):
        frames_of_photos([blurred] * 3, tmp_path / "b")
    with pytest.raises(NothingToRecognise, match="pattern or edges"):
        frames_of_photos([grey] * 3, tmp_path / "c")
    with pytest.raises(TooManyPictures, match="1000 photos were chosen; a place is made of 200 at most"):
        frames_of_photos([good] * 1000, tmp_path / "d")


def test_blur_is_told_whatever_a_picture_shows(place: Room) -> None:
    for view in (through(SMALL, 3)[0], turning(SMALL, 3)[2]):
        seen = place.look(view).rgb
        grades = [blur(seen), *(blur(np.asarray(cv2.GaussianBlur(seen, (0, 0), s))) for s in (1.5, 3, 6))]
        assert grades == sorted(grades) and grades[0] < 0.5 < 0.7 < grades[-1]
    dragged = np.asarray(cv2.blur(seen, (25, 1)))
    assert blur(dragged) > 0.6
