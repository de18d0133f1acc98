"""What training gives for a room that is known: quality, the same bytes again, and what goes wrong on the way."""

import gc
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import torch
from immichvr_scenes import Camera, Picture, View
from immichvr_scenes.errors import NotEnoughMemory, TooFewPoints
from immichvr_scenes.testing import around, room
from immichvr_scenes.training import Preview, Score, TrainingOptions, Watch, evaluate, train
from immichvr_scenes.training.adam import Adam
from immichvr_scenes.training.checkpoints import Checkpoint, InvalidCheckpoint
from immichvr_scenes.training.feed import Feed
from immichvr_scenes.training.mcmc import shared
from immichvr_scenes.training.renderers import CpuRenderer, Drawn
from immichvr_scenes.training.run import _remember
from immichvr_scenes.training.trainer import cpu_renderer, split
from immichvr_splats import read, to_bytes
from immichvr_splats.pointclouds import PointCloud
from immichvr_splats.rendering import render

_CAMERA = Camera.central(80, 60, 65)
_QUICK = TrainingOptions(
    200, 1_500, 80, 1, degree_every=60, exposure=False, refine_poses=False, held_out=6, evaluate_every=100
)


@lru_cache(maxsize=1)
def _looks() -> list[tuple[View, np.ndarray, np.ndarray]]:
    place = room(0, paint="soft")
    looks = [(view, place.look(view)) for view in around(_CAMERA, 12)]
    return [(view, look.rgb, look.depth) for view, look in looks]


@lru_cache(maxsize=1)
def _points() -> PointCloud:
    points, colours, _ = room(0, paint="soft").scatter(4_000)
    return PointCloud(points, colours)


def _pictures(change: Callable[[int, np.ndarray], np.ndarray] = lambda _, rgb: rgb) -> list[Picture]:
    return [Picture(view, lambda i=i, rgb=rgb: change(i, rgb)) for i, (view, rgb, _) in enumerate(_looks())]


@lru_cache(maxsize=1)
def _trained() -> tuple[bytes, Score, tuple[bytes, ...], tuple[Preview, ...]]:
    """A run that is watched: the bytes of its cloud, its score, its checkpoints and its previews."""
    kept: list[bytes] = []
    previews: list[Preview] = []
    watch = Watch(checkpoint=kept.append, checkpoint_s=0.0, preview=previews.append, preview_s=0.5)
    made = train(_pictures(), _points(), _QUICK, watch)
    return to_bytes(made.cloud, "ply"), made.held_out, tuple(kept), tuple(previews)


def test_pictures_that_were_not_trained_on_are_shown_well() -> None:
    _, score, _, _ = _trained()
    assert score.views == 2
    assert score.psnr > 25
    assert score.ssim > 0.8


@pytest.mark.parametrize("step", [150, pytest.param(60, marks=pytest.mark.long)])
def test_a_run_that_is_taken_up_again_gives_the_same_bytes(step: int) -> None:
    whole, _, kept, _ = _trained()
    again = train(_pictures(), _points(), _QUICK, resume=kept[step - 1])
    assert again.notes == (f"training was taken up again after step {step}",)
    assert to_bytes(again.cloud, "ply") == whole


def test_previews_are_pictures_and_files_that_can_be_read() -> None:
    _, _, _, previews = _trained()
    assert previews
    assert previews[0].rgb.shape == (60, 80, 3)
    assert read(previews[-1].spz).cloud.count <= 1_500


def test_a_checkpoint_of_other_work_is_not_gone_on_from() -> None:
    _, _, kept, _ = _trained()
    made = train(_pictures(), _points(), replace(_QUICK, iterations=2, seed=5), resume=kept[0])
    assert made.steps == 2
    assert "of other work" in made.notes[0]


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\xff" * 64, bytes([40, 0, 0, 0, 0, 0, 0, 0]) + b'{"a":1}' * 6])
def test_what_is_no_checkpoint_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(InvalidCheckpoint):
        Checkpoint.unpacked(data)
    assert "no checkpoint" in train(_pictures(), _points(), replace(_QUICK, iterations=1), resume=data).notes[0]


def test_what_the_watcher_raises_ends_the_run() -> None:
    class Cancelled(Exception):
        pass

    def report(fraction: float, stage: str, message: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        train(_pictures(), _points(), replace(_QUICK, iterations=1), Watch(report))


class _Short(CpuRenderer):
    """Runs out of memory as long as there are more Gaussians than it has room for."""

    room = 800

    def draw(self, params, camera, place, degree) -> Drawn:  # type: ignore[no-untyped-def]
        if params["means"].shape[0] > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().draw(params, camera, place, degree)


class _Shorter(_Short):
    room = 100


def _with(kind: type[CpuRenderer]) -> Callable[[TrainingOptions, float], CpuRenderer]:
    return lambda options, extent: kind(**vars(cpu_renderer(options, extent)))


def test_where_memory_runs_out_there_are_fewer_gaussians_once_and_then_it_is_told() -> None:
    options = replace(_QUICK, iterations=5, held_out=0)
    made = train(_pictures(), _points(), options, renderer=_with(_Short))
    assert made.cloud.count == 750
    assert made.notes == ("memory ran out, so there are at most 750 Gaussians",)
    with pytest.raises(NotEnoughMemory, match="lower quality"):
        train(_pictures(), _points(), options, renderer=_with(_Shorter))


def test_nothing_of_the_step_that_failed_is_held_when_it_is_tried_again() -> None:
    graphs: list[weakref.ref[torch.Tensor]] = []
    held: list[bool] = []

    class Last(_Short):
        """Runs out of memory when the graph is there."""

        def draw(self, params, camera, place, degree) -> Drawn:  # type: ignore[no-untyped-def]
            drawn = CpuRenderer.draw(self, params, camera, place, degree)
            held.append(any(graph() is not None for graph in graphs))
            graphs.append(weakref.ref(drawn.picture.rgb))
            return drawn

        def before_backward(self, params, optimizers, step, drawn) -> None:  # type: ignore[no-untyped-def]
            if params["means"].shape[0] > self.room:
                raise torch.OutOfMemoryError("CUDA out of memory")

    gc.disable()
    try:
        train(_pictures(), _points(), replace(_QUICK, iterations=1, held_out=0), renderer=_with(Last))
    finally:
        gc.enable()
    assert held == [False, False]


def test_a_run_that_had_to_be_bounded_stays_so_when_it_is_taken_up_again() -> None:
    kept: list[bytes] = []
    watch = Watch(checkpoint=kept.append, checkpoint_s=0.0)
    options = replace(_QUICK, iterations=25, held_out=0)
    whole = train(_pictures(), _points(), options, watch, renderer=_with(_Short))
    again = train(_pictures(), _points(), options, resume=kept[5], renderer=_with(_Short))
    assert again.cloud.count == whole.cloud.count == 750
    assert again.notes == ("training was taken up again after step 6",)
    assert to_bytes(again.cloud, "ply") == to_bytes(whole.cloud, "ply")


def test_steps_of_a_fused_optimizer_are_counted_where_its_values_are() -> None:
    for fused, where in ((True, "meta"), (False, "cpu")):
        value = torch.nn.Parameter(torch.zeros(2, device="meta"))
        optimizer = Adam([value], 1e-3, fused=fused)
        kept = Checkpoint("", {f"a.{key}": torch.ones(()) for key in ("step", "exp_avg", "exp_avg_sq")}, {})
        _remember(optimizer, value, kept, "a")
        assert optimizer.state[value]["step"].device.type == where
        assert optimizer.state[value]["exp_avg"].device.type == "meta"


@pytest.mark.parametrize(("count", "held_out"), [(2, []), (3, [1]), (7, [3]), (8, [4]), (17, [4, 12])])
def test_from_three_pictures_on_one_is_held_out(count: int, held_out: list[int]) -> None:
    assert split(count, 8)[1] == held_out
    assert sorted(split(count, 8)[0] + held_out) == list(range(count))
    assert split(count, 0)[1] == []


def test_all_pictures_are_told_of_in_their_order() -> None:
    made = train(_pictures(), _points(), replace(_QUICK, iterations=1))
    assert made.held_out.views == 2
    assert [view.name for view in made.views] == [picture.name for picture in _pictures()]


def test_training_ends_when_pictures_not_seen_get_no_better() -> None:
    options = replace(_QUICK, iterations=5_000, sh_degree=0, evaluate_every=5, patience=1, least_gain=100.0)
    assert train(_pictures(), _points(), options).steps == 10


def test_the_same_seed_gives_the_same_cloud_and_there_are_never_more_than_asked_for() -> None:
    options = replace(_QUICK, iterations=130, max_gaussians=120, longest=24, evaluate_every=1_000)
    few = _points().take(np.arange(110))
    one, other = (train(_pictures(), few, options).cloud for _ in range(2))
    assert one.count == 115  # a twentieth more at step 100
    assert to_bytes(one, "ply") == to_bytes(other, "ply")


def test_what_a_mask_hides_is_not_learnt() -> None:
    def spoilt(_: int, rgb: np.ndarray) -> np.ndarray:
        rgb = rgb.copy()
        rgb[20:40, 20:60] = (255, 0, 255)
        return rgb

    mask = np.ones((60, 80), bool)
    mask[20:40, 20:60] = False
    options = replace(_QUICK, iterations=100, held_out=0)
    masked = [replace(picture, mask=mask) for picture in _pictures(spoilt)]
    behind = [replace(picture, mask=~mask) for picture in _pictures()]
    with_mask = evaluate(train(masked, _points(), options).cloud, behind)
    without = evaluate(train(_pictures(spoilt), _points(), options).cloud, behind)
    assert with_mask.psnr > without.psnr + 2


# In short, that gains are found is held by test_corrections.py.
@pytest.mark.long
def test_pictures_of_different_exposure_are_brought_together() -> None:
    def brighter(number: int, rgb: np.ndarray) -> np.ndarray:
        return np.clip(rgb * (0.75, 1.25)[number % 2], 0, 255).astype(np.uint8)

    options = replace(_QUICK, iterations=200, sh_degree=0, longest=40, held_out=0)
    plain = train(_pictures(brighter), _points(), options)
    put_right = train(_pictures(brighter), _points(), replace(options, exposure=True))
    true = _pictures()
    assert evaluate(put_right.cloud, true).psnr > evaluate(plain.cloud, true).psnr + 1


# In short, that cameras are moved to where they stood is held there too.
@pytest.mark.long
def test_cameras_that_are_off_are_put_right() -> None:
    rng = np.random.default_rng(2)
    pictures = _pictures()
    moved = []
    for picture in pictures:
        place = picture.view.world_to_camera.copy()
        place[:3, 3] += rng.normal(0, 0.03, 3)
        moved.append(picture.with_view(View(picture.name, _CAMERA, place)))
    options = replace(_QUICK, iterations=300, sh_degree=0, held_out=0, refine_poses=True)
    made = train(moved, _points(), options)

    def apart(views: Sequence[View]) -> float:
        """Pixels between where the points are seen and where they should be, on average."""
        points = _points().points[::20]
        pairs = zip(views, pictures, strict=True)
        off = [view.projected(points)[0] - true.view.projected(points)[0] for view, true in pairs]
        return float(np.nanmedian(np.linalg.norm(np.stack(off), axis=-1)))

    assert apart(made.views) < 0.7 * apart([picture.view for picture in moved])


# In short, what depths that are apart cost is held by test_similarity.py.
@pytest.mark.long
def test_depth_that_is_known_is_kept_to() -> None:
    """Points all three hundredths too near are drawn back to where the depth maps say they are."""
    points = _points()
    centre = np.mean([view.centre for view, _, _ in _looks()], axis=0).astype(np.float32)
    near = PointCloud(centre + np.float32(0.97) * (points.points - centre), points.colors)
    options = replace(_QUICK, iterations=250, sh_degree=0, held_out=0, longest=40, depth_weight=0.0)

    def off(weight: float) -> float:
        known = [replace(picture, depth=look[2]) for picture, look in zip(_pictures(), _looks(), strict=True)]
        cloud = train(known, near, replace(options, depth_weight=weight)).cloud
        drawn = render(cloud, known[3].view.for_splats, compensate=True)
        return float(np.median(np.abs(drawn.depth / known[3].read_depth() - 1)))

    assert off(5.0) < 0.8 * off(0.0)


def test_too_few_points_are_told() -> None:
    with pytest.raises(TooFewPoints, match="more of the place"):
        train(_pictures(), _points().take(np.arange(3)), _QUICK)


def test_pictures_are_read_again_rather_than_kept_beyond_the_bounds() -> None:
    read_ones: list[int] = []

    def noted(number: int, rgb: np.ndarray) -> np.ndarray:
        read_ones.append(number)
        return rgb

    feed = Feed(_pictures(noted), 80, torch.device("cpu"), room_bytes=2 * 60 * 80 * 3)
    for number in (0, 1, 0, 1, 2, 0):
        assert feed[number].rgb.shape == (60, 80, 3)
    assert read_ones == [0, 1, 2, 0]


def test_copies_of_a_gaussian_together_look_like_it() -> None:
    for count in (2, 10, 51):
        assert all(torch.isfinite(one).all() for one in shared(torch.ones(1), torch.tensor([count])))
    opacity = torch.tensor([0.9, 0.5, 0.3])
    each, factor = shared(opacity, torch.tensor([1, 2, 5]))
    torch.testing.assert_close(1 - (1 - each) ** torch.tensor([1, 2, 5]), opacity)
    assert float(factor[0]) == pytest.approx(1)
    assert (factor[1:] < 1.2).all() and (factor[1:] > 0.5).all()


def test_a_cloud_says_that_it_is_for_antialiased_renderers() -> None:
    cloud = read(_trained()[0]).cloud
    assert cloud.sh_degree == 1
    assert np.allclose(np.linalg.norm(cloud.quaternions, axis=1), 1, atol=1e-5)
