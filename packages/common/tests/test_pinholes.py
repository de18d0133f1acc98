"""Cameras that cannot be are told from those that can."""

from __future__ import annotations

import math
from typing import Any

import pytest
from immichvr_common.pinholes import camera_fault

CAMERA: dict[str, Any] = {"fx": 900.0, "fy": 910.0, "cx": 480.0, "cy": 360.0, "width": 960, "height": 720}
TURNED = [0.6, 0, 0.8, 3, 0, 1, 0, -1, -0.8, 0, 0.6, 2, 0, 0, 0, 1]


def in_millimetres(pose: list[float]) -> list[float]:
    return [one / 1000 if at < 12 and at % 4 != 3 else one for at, one in enumerate(pose)]


@pytest.mark.parametrize("extrinsic", [[], TURNED, in_millimetres(TURNED)])
def test_a_camera_stands_anywhere_and_in_any_unit(extrinsic: list[float]) -> None:
    assert camera_fault(**CAMERA, extrinsic=extrinsic) == ""


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"fx": 0.0}, "focal length"),
        ({"fy": -1.0}, "focal length"),
        ({"cx": math.nan}, "focal length"),
        ({"fx": math.inf}, "focal length"),
        ({"width": 0}, "size"),
        ({"height": 2**32}, "size"),
        ({"extrinsic": TURNED[:12]}, "16 values"),
        ({"extrinsic": [0.0] * 16}, "no rotation"),
        ({"extrinsic": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]}, "no rotation"),
        ({"extrinsic": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1]}, "no rotation"),
        ({"extrinsic": [1, 0.5, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]}, "no rotation"),
        ({"extrinsic": [*TURNED[:3], math.nan, *TURNED[4:]]}, "no rotation"),
    ],
)
def test_a_camera_that_cannot_be_is_told_with_what_is_wrong(wrong: dict[str, Any], why: str) -> None:
    assert why in camera_fault(**CAMERA | wrong)
