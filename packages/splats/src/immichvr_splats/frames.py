"""Axes of clouds. In memory they are OpenCV's: x right, y down, z forward (RDF)."""

from dataclasses import replace
from typing import Literal

import numpy as np

from immichvr_splats.cloud import GaussianCloud
from immichvr_splats.compiled import F32, F64
from immichvr_splats.errors import InvalidCloudError
from immichvr_splats.stream import Stream
from immichvr_splats.turning import moved

Frame = Literal["rdf", "rub"]
FRAMES = ("rdf", "rub")
"""Those that are written."""

SPZ_FRAMES = (
    "ldb", "rdb", "lub", "rub", "ldf", "rdf", "luf", "ruf", "lfd", "rfd", "lfu", "rfu", "lbd", "rbd", "lbu", "rbu",
)  # fmt: skip
"""All that are read, in the order of SPZ's CoordinateSystem, which counts from 1: where x, y and z point to."""

_DIRECTIONS = {"r": (1, 0, 0), "l": (-1, 0, 0), "d": (0, 1, 0), "u": (0, -1, 0), "f": (0, 0, 1), "b": (0, 0, -1)}

_MEAN_SIGNS: F32 = np.array([1, -1, -1], np.float32)
_QUATERNION_SIGNS: F32 = np.array([1, 1, -1, -1], np.float32)
# Of each real spherical harmonic under y, z -> -y, -z, in the order of the coefficients.
_SH_SIGNS: F32 = np.array([1, -1, -1, 1, -1, 1, 1, -1, 1, -1, 1, -1, -1, 1, -1, 1], np.float32)


def check_frame(frame: str, format: str) -> None:
    """Raise InvalidCloudError unless `frame` is one of FRAMES."""
    if frame not in FRAMES:
        raise InvalidCloudError(f"frame is {frame!r}, {format} takes one of {', '.join(FRAMES)}")


def half_turn_about_x(cloud: GaussianCloud) -> GaussianCloud:
    """The values of the cloud in RUB axes (right, up, back), or from there back in RDF."""
    return replace(
        cloud,
        means=cloud.means * _MEAN_SIGNS,
        quaternions=cloud.quaternions * _QUATERNION_SIGNS,
        sh=cloud.sh * _SH_SIGNS[: cloud.sh.shape[1], None],
    )


def check_frame_of_file(frame: str, format: str) -> None:
    """Raise InvalidCloudError unless `frame` is one of SPZ_FRAMES."""
    if frame not in SPZ_FRAMES:
        raise InvalidCloudError(f"frame is {frame!r}, {format} is read in one of {', '.join(SPZ_FRAMES)}")


def turned(stream: Stream, frame: str) -> Stream:
    """The Gaussians of a file whose axes are those of `frame`, one of SPZ_FRAMES, in RDF, with camera and origin."""
    if frame == "rdf":
        return stream
    matrix: F64 = np.eye(4)
    matrix[:3, :3] = np.array([_DIRECTIONS[letter] for letter in frame], np.float64).T
    camera, marks = stream.camera, stream.marks
    if camera is not None:
        camera = replace(camera, extrinsic=camera.extrinsic @ matrix.T)
    if marks.origin is not None:
        x, y, z = (matrix[:3, :3] @ marks.origin).tolist()
        marks = replace(marks, origin=(x, y, z))
    change = half_turn_about_x if frame == "rub" else lambda block: moved(block, matrix)
    return replace(stream.changed(change), decode_means=None, camera=camera, marks=marks)
