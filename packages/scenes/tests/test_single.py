"""The splat of one photo, whatever its camera is."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from immichvr_depth.depth_map import DepthMap
from immichvr_depth.heuristic import guess
from immichvr_depth.lift import lift
from immichvr_inference.network import Compute
from immichvr_inference.network import View as Seen
from immichvr_inference.testing.contexts import context_of
from immichvr_inference.testing.tiny import with_tiny_weights
from immichvr_networks import NETWORKS
from immichvr_scenes import Camera, Picture, View, single
from immichvr_scenes.single import alone, lifted
from immichvr_scenes.testing import room, through
from immichvr_splats import GaussianCloud, to_bytes

_VIEW = through(Camera.central(128, 96, 105), 3)[1]


@pytest.mark.parametrize(
    "intrinsics", [(100.0, 100.0, 64.0, 48.0), (100.0, 150.0, 64.0, 48.0), (150.0, 110.0, 50.0, 60.0)]
)
def test_a_photo_is_lifted_by_both_focal_lengths_and_the_middle_that_it_has(
    intrinsics: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single, "_MOST", 20_000)
    view = View("one", Camera(128, 96, *intrinsics), through(Camera.central(8, 8, 8), 3)[1].world_to_camera)
    look = room(0, paint="soft").look(view)
    cloud = lifted(Picture(view, lambda: look.rgb), None, look.depth)
    assert cloud.camera is not None
    assert (cloud.camera.fx, cloud.camera.fy, cloud.camera.cx, cloud.camera.cy) == intrinsics
    pixels, depth = View("", view.camera, np.eye(4)).projected(cloud.means.astype(np.float64))
    assert (depth > 0).all()
    low, high = np.quantile(pixels, (0.02, 0.98), axis=0)
    assert low == pytest.approx([0, 0], abs=4) and high == pytest.approx([128, 96], abs=4)


def test_of_a_photo_of_which_nothing_is_known_it_is_what_that_photo_by_itself_is_lifted_to() -> None:
    rgb = room(0).look(_VIEW).rgb
    depth, sure = guess(rgb)
    by_itself = lift(rgb, DepthMap(depth, False, "heuristic", "1", guessed=sure), 105.0).cloud
    assert to_bytes(lifted(Picture(_VIEW, lambda: rgb), None), "ply") == to_bytes(by_itself, "ply")


def test_depth_that_a_photo_carries_is_taken_before_any_other_in_the_unit_of_the_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(single, "_MOST", 20_000)
    look = room(0, paint="soft").look(_VIEW)
    carried = np.float32(0.5) * look.depth[::2, ::2]
    cloud = lifted(Picture(_VIEW, lambda: look.rgb), None, look.depth, carried)
    pixels, depth = View("", _VIEW.camera, np.eye(4)).projected(cloud.means.astype(np.float64))
    there = ((pixels >= 0) & (pixels < [128, 96])).all(axis=1)
    columns, rows = pixels[there].astype(int).T
    assert np.median(np.abs(depth[there] / look.depth[rows, columns] - 1)) < 0.02


class Wall:
    """A network to which every photo shows a wall, two metres away."""

    metric, bf16 = True, False

    def load(self, directory: Path) -> torch.nn.Module:
        return torch.nn.Identity()

    def tiny(self, seed: int = 0) -> torch.nn.Module:
        return torch.nn.Identity()

    def splats(self, module: torch.nn.Module, views: Sequence[Seen], compute: Compute) -> list[GaussianCloud]:
        flat = (DepthMap(np.full(view.rgb.shape[:2], 2, np.float32), True, "wall", "1") for view in views)
        return [lift(view.rgb, depth, view.focal_px).cloud for view, depth in zip(views, flat, strict=True)]


def test_a_network_that_makes_gaussians_is_taken_before_lifting_in_the_unit_of_the_place(tmp_path: Path) -> None:
    rgb, context = room(0).look(_VIEW).rgb, context_of(Wall(), tmp_path, "sharp")
    picture, known = Picture(_VIEW, lambda: rgb), np.zeros((48, 64), np.float32)
    known[10:20, 10:20] = 6
    lone = alone(picture, context)
    assert (lone.network, lone.reason) == ("sharp", "")
    assert np.median(lone.cloud.means[:, 2]) == pytest.approx(2, rel=1e-3)
    [licence] = lone.notes(context)
    assert licence.startswith("SHARP made the splat of that photo; its licence: Apple AMLR")
    scaled = alone(picture, context, known).cloud
    np.testing.assert_allclose(scaled.means, 3 * lone.cloud.means, rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(scaled.log_scales, lone.cloud.log_scales + np.log(3), atol=1e-2)
    carried = alone(picture, context, carried=np.full((48, 64), 4, np.float32))
    assert (carried.network, carried.notes(context)) == ("", ())


def test_depth_that_is_not_finite_tells_nothing_of_the_unit(tmp_path: Path) -> None:
    rgb, context = room(0).look(_VIEW).rgb, context_of(Wall(), tmp_path, "sharp")
    picture, unknown = Picture(_VIEW, lambda: rgb), np.full((48, 64), np.inf, np.float32)
    unknown[:, 40:] = np.nan
    for where in (context, None):
        by_itself = alone(picture, where).cloud
        assert to_bytes(alone(picture, where, unknown).cloud, "ply") == to_bytes(by_itself, "ply")
    known = unknown.copy()
    known[10:20, 10:20] = 6
    scaled = alone(picture, context, known).cloud
    np.testing.assert_allclose(scaled.means, 3 * alone(picture, context).cloud.means, rtol=1e-2, atol=1e-3)


def test_what_the_network_had_to_do_without_is_said(tmp_path: Path) -> None:
    class Crowded(Wall):
        def splats(self, module: torch.nn.Module, views: Sequence[Seen], compute: Compute) -> list[GaussianCloud]:
            if compute.effort == 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().splats(module, views, compute)

    context = context_of(Crowded(), tmp_path, "sharp")
    lone = alone(Picture(_VIEW, lambda: room(0).look(_VIEW).rgb), context)
    why, licence = lone.notes(context)
    assert lone.network == "sharp" and licence.startswith("SHARP made the splat of that photo")
    assert why == "sharp ran a second time with less effort, as memory ran out"


def test_where_the_network_does_not_run_the_photo_is_lifted_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rgb, context = room(0).look(_VIEW).rgb, context_of(Wall(), tmp_path, "sharp")

    def fail(*_: object) -> None:
        raise RuntimeError("not today")

    monkeypatch.setattr(Wall, "splats", fail)
    lone = alone(Picture(_VIEW, lambda: rgb), context)
    assert to_bytes(lone.cloud, "ply") == to_bytes(lifted(Picture(_VIEW, lambda: rgb), None), "ply")
    [why] = lone.notes(context)
    assert "not today" in why and why.endswith("lifting was used")


def test_the_published_architecture_makes_the_splat_of_a_photo_in_its_camera(tmp_path: Path) -> None:
    pytest.importorskip("depth_anything_3", reason="depth-anything-3 is not installed: make setup")
    rgb = room(0).look(_VIEW).rgb
    lone = alone(
        Picture(_VIEW, lambda: rgb), context_of(with_tiny_weights(NETWORKS["da3-giant"]), tmp_path, "da3-giant")
    )
    assert lone.network == "da3-giant" and lone.cloud.count > 0
    assert lone.cloud.camera is not None
    assert (lone.cloud.camera.fx, lone.cloud.camera.width) == (_VIEW.camera.fx, _VIEW.camera.width)
