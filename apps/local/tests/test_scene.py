"""`immichvr scene`."""

from __future__ import annotations

from pathlib import Path

import immichvr_local.scene_command as scene_command
import numpy as np
import pytest
from immichvr_inference.network import Scene, ViewDepth
from immichvr_splats import Camera, GaussianCloud, read
from immichvr_splats.pointclouds import read_points

SIZE = (9, 12)
CLOUD = GaussianCloud(
    means=np.ones((7, 3), np.float32),
    log_scales=np.zeros((7, 3), np.float32),
    quaternions=np.eye(4, dtype=np.float32)[[0] * 7],
    opacity_logits=np.zeros(7, np.float32),
    sh=np.zeros((7, 1, 3), np.float32),
)


@pytest.fixture
def seen(monkeypatch) -> list[tuple[int, str, bool]]:
    """What the model was asked: photos, key, whether Gaussians are wanted. It answers with flat depth at 3 m."""
    asked: list[tuple[int, str, bool]] = []

    def make_scene(photos, key, context, *, splat) -> Scene:
        asked.append((len(photos), key, splat))
        camera = Camera(fx=10, fy=10, cx=SIZE[1] / 2, cy=SIZE[0] / 2, width=SIZE[1], height=SIZE[0])
        sure = np.arange(SIZE[0] * SIZE[1], dtype=np.float32).reshape(SIZE)
        view = ViewDepth(np.full(SIZE, 3, np.float32), metric=False, confidence=sure, camera=camera)
        return Scene((view,) * len(photos), CLOUD if splat else None)

    monkeypatch.setattr(scene_command, "make_scene", make_scene)
    return asked


def test_a_model_of_gaussians_gives_a_splat(run, photo: Path, tmp_path: Path, seen) -> None:
    target = tmp_path / "room.spz"
    result = run("scene", photo, photo, "-o", target, "--model", "da3-giant")
    assert result.exit_code == 0, result.output
    assert seen == [(2, "da3-giant", True)]
    assert read(target).cloud.count == 7
    assert f"{target}: 7 Gaussians by da3-giant, without a scale" in result.stdout


@pytest.mark.parametrize("extension", ["ply", "glb"])
def test_a_model_of_depth_gives_the_points_that_it_is_surest_of(
    run, photo: Path, tmp_path: Path, seen, extension: str
) -> None:
    target = tmp_path / f"room.{extension}"
    result = run("scene", photo, photo, photo, "-o", target)
    assert result.exit_code == 0, result.output
    assert seen == [(3, "da3-base", False)]
    points = read_points(target).cloud
    assert 0.95 < points.count / (3 * SIZE[0] * SIZE[1]) < 1
    np.testing.assert_allclose(points.points[:, 2], 3, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["text.jpg", "-o", "out.ply"], "text.jpg: not an image"),
        (["text.jpg", "-o", "out.spz"], "da3-base makes coloured points, which are written as .ply, .glb"),
        (["text.jpg", "-o", "nowhere/out.ply"], "there is no such directory"),
        (["text.jpg", "-o", "out.ply", "--model", "da2-small"], "does not see several photos together; these do: da3"),
        (["text.jpg"] * 65 + ["-o", "out.ply"], "at most 64 are seen together"),
    ],
)
def test_scene_refuses_bad_input_in_one_sentence(run, tmp_path: Path, monkeypatch, arguments, words) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.jpg").write_text("this is no photo")
    result = run("scene", *arguments)
    assert (result.exit_code, "Traceback" in result.output) == (2, False), result.output
    assert words in result.stderr
    assert not Path("out.ply").exists()
