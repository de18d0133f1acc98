"""Axes of clouds. In memory they are OpenCV's: x right, y down, z forward (RDF)."""

from dataclasses import replace
from typing import Literal

import numpy as np

from .cloud import GaussianCloud
from .compiled import F32
from .errors import InvalidCloudError

Frame = Literal["rdf", "rub"]
FRAMES = ("rdf", "rub")

_MEAN_SIGNS: F32 = np.array([1, -1, -1], np.float32)
_QUATERNION_SIGNS: F32 = np.array([1, 1, -1, -1], np.float32)
# Of each real spherical harmonic under y, z -> -y, -z, in the order of the coefficients.
_SH_SIGNS: F32 = np.array([1, -1, -1, 1, -1, 1, 1, -1, 1, -1, 1, -1, -1, 1, -1, 1], np.float32)


def check_frame(frame: str, format: str) -> None:
    """Raise InvalidCloudError unless `frame` is one of FRAMES."""
    if frame not in FRAMES:
        raise InvalidCloudError(f"frame is {frame!r}, {format} takes one of {', '.join(FRAMES)}")


def half_turn(cloud: GaussianCloud) -> GaussianCloud:
    """The values of the cloud in RUB axes (right, up, back), or from there back in RDF: half a turn about x."""
    return replace(
        cloud,
        means=cloud.means * _MEAN_SIGNS,
        quaternions=cloud.quaternions * _QUATERNION_SIGNS,
        sh=cloud.sh * _SH_SIGNS[: cloud.sh.shape[1], None],
    )
