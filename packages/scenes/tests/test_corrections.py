"""Exposures and cameras are put right by what pictures show; no rasterizer runs."""

from __future__ import annotations

import numpy as np
import torch
from immichvr_scenes import Camera, View
from immichvr_scenes.testing import around
from immichvr_scenes.training.corrections import Corrections

VIEWS = around(Camera.central(80, 60, 65), 4)
AHEAD = VIEWS[0].centre + 3 * VIEWS[0].rotation[2]
POINTS = torch.from_numpy(AHEAD + np.random.default_rng(0).uniform(-0.5, 0.5, (60, 3))).float()


def seen(camera: Camera, place: torch.Tensor) -> torch.Tensor:
    """Where the points are on the screen, (60, 2), in pixels."""
    points = POINTS @ place[:3, :3].T + place[:3, 3]
    return points[:, :2] / points[:, 2:] * torch.tensor([camera.fx, camera.fy])


def test_pictures_of_different_exposure_are_told_apart_and_cameras_stay() -> None:
    corrections = Corrections(VIEWS, 1.0, torch.device("cpu"))
    cloud, gains = torch.rand(6, 8, 3, generator=torch.Generator().manual_seed(0)), (0.75, 1.25, 0.75, 1.25)
    for _ in range(100):
        for index, gain in enumerate(gains):
            (corrections.exposed(cloud, index) - gain * cloud).abs().mean().backward()
        corrections.step(1.0, ["exposure"])
    dark, bright = (float(corrections.exposed(cloud, index).detach().mean()) for index in (0, 1))
    assert abs(bright / dark - 1.25 / 0.75) < 0.1
    assert corrections.values["turn"].abs().max() == 0


def test_cameras_that_are_off_go_to_where_what_they_see_is_theirs() -> None:
    rng = np.random.default_rng(2)
    true = [seen(view.camera, torch.from_numpy(view.world_to_camera).float()) for view in VIEWS]
    moved = []
    for view in VIEWS:
        place = view.world_to_camera.copy()
        place[:3, 3] += rng.normal(0, 0.03, 3)
        moved.append(View(view.name, view.camera, place))
    corrections = Corrections(moved, 1.0, torch.device("cpu"))

    def off(views: list[View]) -> float:
        places = [torch.from_numpy(view.world_to_camera).float() for view in views]
        apart = [seen(view.camera, place) - pixels for view, place, pixels in zip(views, places, true, strict=True)]
        return float(torch.stack(apart).norm(dim=-1).median())

    for _ in range(60):
        for index, view in enumerate(moved):
            loss = (seen(view.camera, corrections.place(index)) - true[index]).square().mean()
            (loss + corrections.held_back(index)).backward()
        corrections.step(1.0, ["turn", "move"])
    refined = corrections.refined(moved)
    assert off(refined) < 0.3 * off(moved)
    assert all(np.allclose(view.rotation @ view.rotation.T, np.eye(3), atol=1e-9) for view in refined)
