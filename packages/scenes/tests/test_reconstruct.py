"""From pictures to a place: what comes of it, what is gone on with after a break, and what is no place."""

from functools import lru_cache
from pathlib import Path

import pytest
from immichvr_scenes import Camera, Picture
from immichvr_scenes.errors import SceneError
from immichvr_scenes.frames import frames_of_photos
from immichvr_scenes.reconstruct import Reconstruction, ReconstructOptions, reconstruct
from immichvr_scenes.testing import room, shaking, through, turning, write_photo
from immichvr_scenes.training import TrainingOptions, Watch
from immichvr_splats import to_bytes

_CAMERA = Camera.central(128, 96, 105)
_TRAINING = TrainingOptions(120, 2_500, 96, 0, held_out=5, evaluate_every=60)
_OPTIONS = ReconstructOptions(training=_TRAINING)


@lru_cache(maxsize=1)
def _pictures() -> tuple[Picture, ...]:
    place = room(0, paint="soft")
    looks = [(view, place.look(view).rgb) for view in through(_CAMERA, 10)]
    return tuple(Picture(view, lambda rgb=rgb: rgb) for view, rgb in looks)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Reconstruction, list[bytes], list[tuple[float, str]]]:
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


@pytest.mark.long
def test_a_shake_of_five_centimetres_shows_a_sidestep_better_than_one_photo(tmp_path: Path) -> None:
    frames = frames_of_photos(_photos(tmp_path, shaking(Camera.central(320, 240, 300), 12, 0.05)), tmp_path / "frames")
    options = ReconstructOptions(training=TrainingOptions(600, 10_000, 320, 0, held_out=4))
    place = reconstruct(frames, tmp_path, options)
    assert place.metrics.photo_psnr is not None
    assert place.metrics.psnr >= place.metrics.photo_psnr + 2
