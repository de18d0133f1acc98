"""What is drawn, by whom, and how a pose becomes a camera."""

from __future__ import annotations

import sys
from functools import partial
from types import ModuleType
from typing import Any

import msgpack
import numpy as np
import pytest
import torch
from immichvr_ai.live.messages import BadMessage
from immichvr_ai.render import renderers
from immichvr_ai.render.pacing import SMALLEST_SHARE, TARGET_S, next_share
from immichvr_ai.render.protocol import Pose, parse
from immichvr_ai.render.reach import reach_of
from immichvr_ai.render.renderers import CpuRenderer, open_renderer
from immichvr_inference.errors import DeviceFailed
from immichvr_splats import Camera, GaussianCloud
from immichvr_splats.rendering import render

RED_DC, GREEN_DC = (1.7, -1.7, -1.7), (-1.7, 1.7, -1.7)
POSE: dict[str, Any] = {
    "type": "pose", "seq": 1, "t": 0, "place": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0],
    "fx": 60, "fy": 60, "cx": 40, "cy": 30, "width": 80, "height": 60,
}  # fmt: skip


def two_walls() -> GaussianCloud:
    """Red to the left, green to the right, at two metres."""
    across, down = np.meshgrid(np.linspace(-1.2, 1.2, 40), np.linspace(-1, 1, 30))
    means = np.stack([across.ravel(), down.ravel(), np.full(across.size, 2.0)], 1)
    colours = np.where((means[:, :1] < 0), RED_DC, GREEN_DC)
    return GaussianCloud(
        means, np.full(means.shape, np.log(0.05)), np.tile([1.0, 0, 0, 0], (len(means), 1)),
        np.full(len(means), 6.0), colours[:, None, :],
    )  # fmt: skip


def posed(**more: object) -> Pose:
    pose = parse(msgpack.packb({**POSE, **more}))
    assert isinstance(pose, Pose)
    return pose


def test_a_pose_is_seen_as_the_rasterizer_sees_it_and_smaller_where_it_is_to_be_quick() -> None:
    renderer = CpuRenderer(two_walls())
    whole = renderer.draw(posed().camera(1.0))
    assert whole.shape == (60, 80, 3) and whole.dtype == np.uint8
    assert whole[30, 10].argmax() == 0 and whole[30, 70].argmax() == 1
    half = renderer.draw(posed().camera(0.5))
    assert half.shape == (30, 40, 3)
    assert np.abs(whole[::2, ::2].astype(int) - half).mean() < 12
    moved = renderer.draw(posed(place=[1, 0, 0, 1.0, 0, 1, 0, 0, 0, 0, 1, 0]).camera(1.0))
    assert moved[30, 40].argmax() == 0, "what was to the left comes to the middle for who steps there"


@pytest.mark.parametrize(
    "wrong",
    [
        {"place": [1] * 11},
        {"place": [2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]},
        {"place": [0.0] * 12},
        {"place": [-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]},
        {"place": [float("nan")] * 12},
        {"fx": 0},
        {"cx": float("inf")},
        {"width": 100_000},
        {"width": 1400, "height": 1400},
        {"height": "60"},
        {"seq": -1},
    ],
)
def test_a_pose_that_no_camera_has_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadMessage) as caught:
        posed(**wrong)
    assert caught.value.code == "invalid_message"


def test_pictures_shrink_while_they_are_late_and_grow_while_there_is_time() -> None:
    share = 1.0
    for _ in range(20):
        share = next_share(share, 3 * TARGET_S)
    assert share == SMALLEST_SHARE
    assert next_share(share, TARGET_S) == share
    for _ in range(20):
        share = next_share(share, TARGET_S / 3)
    assert share == 1


def test_what_one_turns_around_is_where_most_of_it_is() -> None:
    reach = reach_of(two_walls())
    assert reach.focus == pytest.approx(2) and reach.nearest == pytest.approx(2)


def _rasterization(**given: Any) -> tuple[torch.Tensor, torch.Tensor, dict[str, Any]]:
    """gsplat's documented shapes and activations, drawn by the rasterizer for CPUs."""
    assert given["viewmats"].shape == (1, 4, 4) and given["Ks"].shape == (1, 3, 3)
    assert (given["sh_degree"] + 1) ** 2 == given["colors"].shape[1]
    lens = given["Ks"][0]
    camera = Camera(*(float(lens[at]) for at in ((0, 0), (1, 1), (0, 2), (1, 2))), given["width"], given["height"])
    cloud = GaussianCloud(
        given["means"].numpy(), given["scales"].log().numpy(), given["quats"].numpy(),
        torch.logit(given["opacities"]).numpy(), given["colors"].numpy(),
    )  # fmt: skip
    drawn = render(cloud, camera, given["viewmats"][0].double().numpy())
    return torch.from_numpy(drawn.rgb)[None], torch.from_numpy(drawn.alpha)[None, ..., None], {}


def test_gsplat_is_told_what_its_interface_wants_and_draws_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from immichvr_ai.render.renderers import GsplatRenderer

    cloud, camera = two_walls(), posed(place=[1, 0, 0, 0.3, 0, 1, 0, 0, 0, 0, 1, 0.2]).camera(1.0)
    drawn = GsplatRenderer(cloud, _rasterization, "cpu").draw(camera)
    assert np.abs(drawn.astype(int) - CpuRenderer(cloud).draw(camera)).max() <= 1
    monkeypatch.setitem(sys.modules, "gsplat", None)
    instead = open_renderer(cloud, on_gpu=True)
    assert instead.name == "cpu" and "not installed" in instead.reason
    assert open_renderer(cloud, on_gpu=False).reason == ""


def gsplat_that(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """gsplat on this processor, which fails whenever it draws."""

    def fails(**_: object) -> None:
        raise error

    fake = ModuleType("gsplat")
    fake.rasterization = fails  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gsplat", fake)
    there = partial(renderers.GsplatRenderer, device="cpu")
    monkeypatch.setattr(renderers, "GsplatRenderer", there)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "too little memory"),
        (AttributeError("'NoneType' object has no attribute 'projection'"), "cannot draw on its GPU"),
        (torch.AcceleratorError("CUDA error: no kernel image is available for execution"), "cannot draw on its GPU"),
    ],
)
def test_where_gsplat_cannot_draw_the_cpu_draws_and_says_why(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gsplat_that(monkeypatch, error)
    instead = open_renderer(two_walls(), on_gpu=True)
    assert instead.name == "cpu" and said in instead.reason


def test_a_device_that_fails_is_no_reason_to_go_on_in_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    gsplat_that(monkeypatch, torch.AcceleratorError("CUDA error: an illegal memory access was encountered"))
    with pytest.raises(DeviceFailed, match="illegal memory access"):
        open_renderer(two_walls(), on_gpu=True)


def test_a_picture_for_which_the_gpu_has_too_little_memory_is_told_as_such() -> None:
    def full(**_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    renderer = renderers.GsplatRenderer(two_walls(), full, "cpu")
    with pytest.raises(MemoryError):
        renderer.draw(posed().camera(1.0))
