"""From pictures to a place: what comes of it, what is gone on with after a break, and what is no place."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from immichvr_depth.depth_map import DepthMap
from immichvr_depth.heuristic import heuristic_depth
from immichvr_depth.lift import lift
from immichvr_media import CarriedDepth, DecodeLimits, Photo, decode_photo
from immichvr_scenes import Camera, Picture, View, single
from immichvr_scenes.errors import SceneError
from immichvr_scenes.frames import frames_of_photos
from immichvr_scenes.ground import Ground
from immichvr_scenes.progress import Report
from immichvr_scenes.reconstruct import Reconstruction, ReconstructOptions, _no_worse_than_a_photo, reconstruct
from immichvr_scenes.testing import room, shaking, through, turning, write_photo
from immichvr_scenes.testing.judging import onto_truth, pose_errors, seen_aside
from immichvr_scenes.training import TrainingOptions, Watch
from immichvr_scenes.training.checkpoints import Checkpoint
from immichvr_scenes.training.evaluation import compare
from immichvr_scenes.training.trainer import split
from immichvr_splats import to_bytes
from immichvr_splats.pointclouds import PointCloud
from immichvr_splats.rendering import render

_CAMERA = Camera.central(128, 96, 105)
_TRAINING = TrainingOptions(120, 2_500, 96, 0, held_out=5, evaluate_every=60)
_OPTIONS = ReconstructOptions(training=_TRAINING)


@lru_cache(maxsize=1)
def _pictures() -> tuple[Picture, ...]:
    place = room(0, paint="soft")
    looks = [(view, place.look(view).rgb) for view in through(_CAMERA, 10)]
    return tuple(Picture(view, lambda rgb=rgb: rgb) for view, rgb in looks)


@pytest.fixture(scope="module", autouse=True)
def few_gaussians() -> Iterator[None]:
    """Of a photo: pictures here have fewer pixels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(single, "_MOST", 12_000)
        yield


@pytest.fixture(scope="module")
def made(
    few_gaussians: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Reconstruction, list[bytes], list[tuple[float, str]]]:
    kept: list[bytes] = []
    told: list[tuple[float, str]] = []
    watch = Watch(lambda share, stage, _: told.append((share, stage)), checkpoint=kept.append, checkpoint_s=0.0)
    return reconstruct(_pictures(), tmp_path_factory.mktemp("made"), _OPTIONS, watch), kept, told


def test_pictures_with_cameras_become_a_place_that_shows_those_held_out(made: tuple[Reconstruction, ...]) -> None:
    place = made[0]
    assert place.cloud is not None and not place.panorama
    assert place.cloud.camera is not None
    assert place.metrics.held_out == 2 and place.metrics.registered == 10
    assert place.metrics.psnr > 20
    assert place.metrics.photo_psnr is not None and place.metrics.psnr >= place.metrics.photo_psnr + 2
    assert place.points.count > 1_000


def test_it_tells_how_far_it_is_by_stages_in_their_order(made: tuple[Reconstruction, list[bytes], list]) -> None:
    told = made[2]
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)
    assert [*dict.fromkeys(stage for _, stage in told)][-2:] == ["points", "training"]


def test_work_that_broke_off_goes_on_elsewhere_to_the_same_bytes(
    made: tuple[Reconstruction, list[bytes], list], tmp_path: Path
) -> None:
    whole, kept, _ = made
    again = reconstruct(_pictures(), tmp_path, _OPTIONS, resume=kept[50])
    assert [*tmp_path.iterdir()] == []  # no pose and no depth was looked for again
    assert any("taken up again after step 51" in note for note in again.notes)
    assert whole.cloud is not None and again.cloud is not None
    assert to_bytes(again.cloud, "ply") == to_bytes(whole.cloud, "ply")
    assert again.metrics.steps == whole.metrics.steps


def test_the_state_of_other_work_is_not_gone_on_from(
    made: tuple[Reconstruction, list[bytes], list], tmp_path: Path
) -> None:
    options = ReconstructOptions("points", training=_TRAINING)
    place = reconstruct(_pictures()[:4], tmp_path, options, resume=made[1][0])
    assert "began anew" in place.notes[0]
    assert place.cloud is None
    assert place.points.count > 500


def test_what_the_watcher_raises_ends_the_work(tmp_path: Path) -> None:
    class Cancelled(Exception):
        pass

    def report(share: float, stage: str, message: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        reconstruct(_pictures(), tmp_path, _OPTIONS, Watch(report))


def _photos(folder: Path, views: list) -> list[Path]:  # type: ignore[type-arg]
    place = room(0)
    return [write_photo(folder / f"{i:02}.jpg", place.look(view).rgb, view.camera.fx) for i, view in enumerate(views)]


def test_pictures_from_one_spot_are_one_photo_and_its_splat(tmp_path: Path) -> None:
    frames = frames_of_photos(_photos(tmp_path, turning(Camera.central(320, 240, 300), 4, 16)), tmp_path / "frames")
    place = reconstruct(frames, tmp_path, _OPTIONS)
    assert place.panorama and place.cloud is not None
    assert len(place.views) == 1 and len(place.dropped) == 3
    assert "spot" in place.notes[-1]
    with pytest.raises(SceneError, match="spot"):
        reconstruct(frames, tmp_path, ReconstructOptions("points"))


def test_of_pictures_from_one_spot_depth_that_the_photo_came_with_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wall that slants, as portraits of phones carry it; nothing in the pictures tells of that."""
    slanting = np.tile(np.linspace(1, 4, 40, dtype=np.float32), (30, 1))

    def decoded(path: Path, limits: DecodeLimits) -> Photo:
        return replace(decode_photo(path, limits), depth=CarriedDepth(slanting, metric=True, source="gdepth"))

    monkeypatch.setattr("immichvr_scenes.frames.photos.decode_photo", decoded)
    frames = frames_of_photos(_photos(tmp_path, turning(Camera.central(320, 240, 300), 3, 16)), tmp_path / "frames")
    place = reconstruct(frames, tmp_path, _OPTIONS)
    assert place.panorama and place.cloud is not None
    pixels, depth = place.views[0].projected(place.cloud.means.astype(np.float64))
    for column, wanted in ((40, 1.4), (160, 2.5), (280, 3.6)):
        there = np.abs(pixels[:, 0] - column) < 8
        assert float(np.median(depth[there])) == pytest.approx(wanted, abs=0.25)


@pytest.mark.parametrize("is_poor", [True, False])
def test_of_two_pictures_too_the_place_is_no_worse_than_one_of_them(
    made: tuple[Reconstruction, list[bytes], list], is_poor: bool
) -> None:
    """None can be held out: the other one tells, which the place has seen."""
    whole = made[0]
    assert whole.cloud is not None
    both, looked = list(_pictures()[4:6]), room(0, paint="soft")
    deep = [replace(one, depth=looked.look(one.view).depth) for one in both]
    faded = replace(whole.cloud, sh=0 * whole.cloud.sh) if is_poor else whole.cloud
    place = replace(whole, cloud=faded, views=tuple(one.view for one in both), metrics=replace(whole.metrics, psnr=0.0))
    found = _no_worse_than_a_photo(place, deep, deep, _OPTIONS, lambda *_: None, None)
    assert found.metrics.photo_psnr is not None
    assert (found.cloud is faded) is not is_poor
    assert any("one photo alone" in note for note in found.notes) is is_poor


def test_where_one_photo_shows_more_the_place_is_that_photo_in_a_world_that_stays_upright(
    made: tuple[Reconstruction, list[bytes], list],
) -> None:
    """Of points that are all wrong no place comes; true depth makes the photo's splat right."""
    whole = made[0]
    room_, truth = room(0, paint="soft"), list(through(_CAMERA, 10))
    pictures = [
        replace(picture, depth=room_.look(view).depth) for picture, view in zip(_pictures(), truth, strict=True)
    ]
    poor = replace(whole, metrics=replace(whole.metrics, psnr=1.0))
    told: list[float] = []
    found = _no_worse_than_a_photo(poor, pictures, pictures, _OPTIONS, lambda share, *_: told.append(share), None)
    home = truth[split(10, 5)[0][4]]
    assert "one photo alone" in found.notes[-1]
    assert found.metrics.psnr == found.metrics.photo_psnr == pytest.approx(whole.metrics.photo_psnr, abs=2)
    assert found.cloud is not None and found.cloud is not whole.cloud
    assert found.metrics.gaussians == found.cloud.count
    assert found.views == whole.views and found.points is whole.points
    camera = found.cloud.camera
    assert camera is not None and np.allclose(camera.extrinsic, home.world_to_camera)
    own = next(picture for picture in pictures if picture.name == home.name)
    drawn = render(found.cloud, camera).rgb
    assert compare(drawn, own.read_image() / np.float32(255), None).psnr > 25
    assert told == sorted(told) and told[0] == 0 and told[-1] == 1 and len(told) >= 4
    better = replace(whole, metrics=replace(whole.metrics, psnr=99.0))
    assert _no_worse_than_a_photo(better, pictures, pictures, _OPTIONS, lambda *_: None, None).cloud is whole.cloud


def test_who_moved_is_left_out_before_there_are_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is masked in the pictures is in no point, of points that were asked for alone too."""

    def upper_half(pictures: list[Picture], folder: Path, report: Report) -> list[Picture]:
        mask = np.ones((96, 128), bool)
        mask[:48] = False
        return [replace(picture, mask=mask) for picture in pictures]

    monkeypatch.setattr("immichvr_scenes.reconstruct.mask_moving", upper_half)
    pictures = _pictures()[:3]
    place = reconstruct(pictures, tmp_path, ReconstructOptions("points"))
    assert place.points.count > 100
    rows = np.stack([view.projected(place.points.points)[0][:, 1] for view in place.views])
    assert (rows >= 47).any(axis=0).all()
    assert float(np.nanmin(rows[0])) > 30


def test_masks_and_what_is_trained_are_kept_whole_and_read_as_they_were_kept_before() -> None:
    rng = np.random.default_rng(0)
    mask = rng.random((90, 203)) > 0.5
    view = View("a", Camera.central(203, 90, 100), np.eye(4))
    points = PointCloud(np.zeros((1, 3), np.float32), np.zeros((1, 3), np.uint8))
    ground = Ground.of([Picture(view, lambda: np.zeros((90, 203, 3), np.uint8), mask)], points, (), (), None, 400)
    training = Checkpoint("inner", {"params.means": torch.arange(6.0)}, {"step": 4})
    again, state = Ground.kept_in(ground.with_training("outer", training), "outer")
    [picture] = again.pictures([Picture(view, lambda: np.zeros((90, 203, 3), np.uint8))])
    assert np.array_equal(picture.read_mask(), mask)
    assert state.work == "inner" and state.facts == {"step": 4}
    assert torch.equal(state.tensors["params.means"], torch.arange(6.0))
    kept = Checkpoint.unpacked(ground.with_training("outer", training))
    tensors = {name: one for name, one in kept.tensors.items() if not name.startswith("training.")}
    tensors |= {
        "mask.0": torch.from_numpy(mask),
        "training": torch.frombuffer(bytearray(training.packed()), dtype=torch.uint8),
    }
    earlier, state = Ground.kept_in(Checkpoint("outer", tensors, kept.facts).packed(), "outer")
    assert earlier.masks[0] is not None and np.array_equal(earlier.masks[0].read(), mask)
    assert state.facts == {"step": 4}


# In short, that a place is no worse than one photo of it is held above; by how much it is better, by nothing.
@pytest.mark.long
@pytest.mark.timeout(1_200)
def test_a_shake_of_five_centimetres_shows_a_sidestep_better_than_one_photo(tmp_path: Path) -> None:
    """Nothing of the truth but photos without EXIF goes in; the single photo is told its true median depth."""
    place, views = room(0), shaking(Camera.central(800, 600, 680), 8, 0.05)
    looks = [place.look(view) for view in views]
    photos = [write_photo(tmp_path / f"{view.name}.jpg", look.rgb) for view, look in zip(views, looks, strict=True)]
    frames = frames_of_photos(photos, tmp_path / "frames")
    training = TrainingOptions(150, 25_000, 320, 0, held_out=4, evaluate_every=100)
    found = reconstruct(frames, tmp_path, ReconstructOptions(training=training))
    true = [replace(view, name=frame.name) for frame, view in zip(frames.frames, views, strict=True)]
    there = true[4].scaled(400, 300)
    assert found.cloud is not None and len(found.views) == 8
    assert pose_errors(found.views, true).metres < 0.005
    score = seen_aside(place, there, found.cloud, found.views[4], 1 / onto_truth(found.views, true).scale)
    guessed = heuristic_depth(looks[4].rgb)
    guessed *= np.float32(np.median(looks[4].depth) / np.median(guessed))
    photo = lift(looks[4].rgb, DepthMap(guessed, True, "guess", "1"), 680.0).cloud
    alone = seen_aside(place, there, photo, View("", there.camera, np.eye(4)))
    assert score.psnr >= alone.psnr + 2
    assert found.metrics.photo_psnr is not None and found.metrics.psnr >= found.metrics.photo_psnr
