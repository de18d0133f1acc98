"""Poses by a network that sees many views at once, in parts: the parts are put together, and strays never reach it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelUnavailable
from immichvr_inference.network import Compute, Scene, ViewDepth
from immichvr_inference.network import View as Given
from immichvr_inference.testing.contexts import context_of as complete_context
from immichvr_inference.testing.tiny import with_tiny_weights
from immichvr_media import decode_photo
from immichvr_networks import NETWORKS
from immichvr_scenes import View
from immichvr_scenes.alignment import Similarity
from immichvr_scenes.frames import frames_of_photos
from immichvr_scenes.poses import PoseOptions, da3, estimate_poses
from immichvr_scenes.testing import Room, write_photo
from immichvr_scenes.testing.judging import pose_errors
from immichvr_splats import Camera as SplatCamera

from .conftest import Walk


class Seer:
    """A network that knows the room: true depth with noise and true cameras, in a world of its own in every pass."""

    metric, bf16 = False, False

    def __init__(self, place: Room, walk: Walk) -> None:
        self.place, self.passes = place, list[int]()
        frames = walk.frames.frames
        self.known = {decode_photo(one.path).rgb.tobytes(): view for one, view in zip(frames, walk.views, strict=True)}

    def load(self, directory: Path) -> torch.nn.Module:
        return torch.nn.Identity()

    def tiny(self, seed: int = 0) -> torch.nn.Module:
        return torch.nn.Identity()

    def scene(self, module: torch.nn.Module, views: Sequence[Given], compute: Compute, *, splat: bool) -> Scene:
        rng = np.random.default_rng(len(self.passes))
        self.passes.append(len(views))
        rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        rotation *= np.linalg.det(rotation)
        world = Similarity(float(rng.uniform(0.3, 3)), rotation, rng.normal(size=3))
        return Scene(tuple(self._seen(self.known[given.rgb.tobytes()], world, rng) for given in views))

    def _seen(self, true: View, world: Similarity, rng: np.random.Generator) -> ViewDepth:
        small = true.scaled(80, 60)
        depth = self.place.look(small, samples=1).depth * rng.normal(1, 0.01, (60, 80)) * world.scale
        moved = world.moved(small)
        camera = small.camera
        pose = SplatCamera(camera.fx, camera.fy, camera.cx, camera.cy, 80, 60, moved.world_to_camera)
        return ViewDepth(depth.astype(np.float32), False, None, pose)


def context_of(network: object, folder: Path, key: str = "da3-base") -> RunContext:
    return complete_context(network, folder, key)  # type: ignore[arg-type]


def test_parts_that_overlap_are_put_together_and_a_stray_never_reaches_the_network(
    place: Room, elsewhere: Room, walk: Walk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(da3, "_CHUNK", 4)
    monkeypatch.setattr(da3, "_OVERLAP", 2)
    seer = Seer(place, walk)
    stray = write_photo(tmp_path / "stray.jpg", elsewhere.look(walk.views[3]).rgb, 264)
    frames = frames_of_photos([*walk.photos, stray], tmp_path / "frames")
    poses = estimate_poses(frames, tmp_path / "work", context=context_of(seer, tmp_path))
    assert poses.method == "da3-base" and seer.passes == [4, 4, 4]
    assert [view.name for view in poses.views] == [frame.name for frame in frames.frames[:8]]
    assert [one.name for one in poses.dropped] == ["stray.jpg"]
    errors = pose_errors(poses.views, walk.views)
    assert errors.metres < 0.01 and errors.worst_metres < 0.03 and errors.degrees < 0.2
    pixels, depth = poses.views[2].projected(poses.points.of_view(2)[0])
    assert np.abs(pixels - poses.points.of_view(2)[1]).max() < 0.01 and 1 < np.median(depth) < 6


def test_parts_cover_every_picture_and_share_some() -> None:
    assert da3.chunked(5) == [range(5)]
    for count in (17, 40, 200):
        chunks = da3.chunked(count)
        assert sorted({index for chunk in chunks for index in chunk}) == list(range(count))
        assert all(len(set(one) & set(other)) >= 4 for one, other in pairwise(chunks))
        assert max(len(chunk) for chunk in chunks) <= 16


# In short, that its cameras are rigid is held by test_depth_anything_3_scenes.py of packages/networks.
@pytest.mark.long
def test_the_network_itself_gives_rigid_cameras_whatever_its_weights(walk: Walk, tmp_path: Path) -> None:
    pytest.importorskip("depth_anything_3", reason="depth-anything-3 is not installed: make setup")
    context = context_of(with_tiny_weights(NETWORKS["da3-small"]), tmp_path, "da3-small")
    assert da3.network_here(context) == "da3-small"
    poses = da3.by_network(walk.frames.frames[:2], "da3-small", context, lambda *_: None)
    assert len(poses.views) == 2 and poses.points.count == 2 * 24 * 24
    assert np.isfinite(poses.points.xyz).all()


def test_without_weights_colmap_is_taken_unless_the_network_was_asked_for(walk: Walk, tmp_path: Path) -> None:
    assert da3.network_here(None) == ""
    assert walk.poses.method == "colmap"
    with pytest.raises(ModelUnavailable, match="no network that sees many views is here") as raised:
        estimate_poses(walk.frames, tmp_path, PoseOptions(method="da3"))
    assert raised.value.code == "not_downloaded"
