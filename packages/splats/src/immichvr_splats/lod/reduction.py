"""Levels of detail: fewer Gaussians that together look like the many they stand for.

Gaussians that share a cell are merged; none is pruned, so that no holes open.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial

import numpy as np

from immichvr_splats.cleaning import clean
from immichvr_splats.cloud import Camera, GaussianCloud
from immichvr_splats.conversion import to_bytes
from immichvr_splats.errors import InvalidCloudError
from immichvr_splats.lod.cells import cells
from immichvr_splats.lod.likeness import Likeness
from immichvr_splats.lod.merging import View, merge

LIGHT_COUNT = 200_000
"""The most Gaussians of the light variant."""

LIGHT_BYTES = 5_000_000
"""The largest file of the light variant."""

_LIGHT_FORMAT = "spz"
_LIGHT_MARGIN = 0.98
_AT_THE_ORIGIN = 1e-6  # in metres and of a matrix of ones: files keep cameras in float32


def lod(cloud: GaussianCloud, count: int) -> GaussianCloud:
    """The cloud merged down to exactly `count` Gaussians; itself (cleaned) if it has no more than that.

    Merging matches moments: opacity-weighted mean, covariance and colour, and opacity that keeps the covered area.
    Cells lie in the picture's space for a cloud with a camera, in the world's otherwise.
    Raises InvalidCloudError for a count below 1.
    """
    if count < 1:
        raise InvalidCloudError(f"a level of detail of {count} Gaussians was asked for, wants at least 1")
    cloud, _ = clean(cloud)
    if count >= cloud.count:
        return cloud
    view = View.of(cloud.camera)
    order, starts, mass = cells(cloud, count, view)
    return merge(cloud, order, starts, mass, view)


class Reduction:
    """Levels of detail of one cloud that look like it from the photographer's place, where it is of one photo.

    camera: what took the photo, for a cloud that does not tell, as its file could not keep that. Of a cloud that tells
    alone, it is a photo's if the axes are the camera's: a place has axes of its own, and one of its many cameras.
    """

    def __init__(self, cloud: GaussianCloud, camera: Camera | None = None) -> None:
        cleaned, _ = clean(cloud)
        self._told = cleaned.camera
        self._is_a_photos = camera is not None or _is_where_axes_begin(cleaned.camera)
        self._cloud = replace(cleaned, camera=camera or cleaned.camera)

    def to(self, count: int) -> GaussianCloud:
        """As `lod`, but in the colours with which it looks like the whole. Raises as that does."""
        level = lod(self._cloud, count)
        if level.count < self._cloud.count and self._likeness is not None:
            level = self._likeness.given_to(level)
        return replace(level, camera=self._told)

    @cached_property
    def _likeness(self) -> Likeness | None:
        return Likeness.of(self._cloud) if self._is_a_photos else None


def _is_where_axes_begin(camera: Camera | None) -> bool:
    return camera is not None and np.allclose(camera.extrinsic, np.eye(4), rtol=0, atol=_AT_THE_ORIGIN)


def light(cloud: GaussianCloud, max_bytes: int = LIGHT_BYTES, camera: Camera | None = None) -> GaussianCloud:
    """A level of detail for weak devices and slow networks: never more than half of the cloud, nor than LIGHT_COUNT
    Gaussians, nor an SPZ file of more than `max_bytes`. camera: as of `Reduction`.

    Raises InvalidCloudError if not even one Gaussian fits.
    """
    reduction = Reduction(cloud, camera)
    return _within_bytes(reduction.to(max(1, min(LIGHT_COUNT, cloud.count // 2))), max_bytes, reduction.to)


def within_bytes(cloud: GaussianCloud, max_bytes: int) -> GaussianCloud:
    """The largest level of detail, about, whose SPZ file has at most `max_bytes`; the cloud itself if it fits.

    Raises InvalidCloudError if not even one Gaussian fits.
    """
    return _within_bytes(cloud, max_bytes, partial(lod, cloud))


def _within_bytes(level: GaussianCloud, max_bytes: int, made: Callable[[int], GaussianCloud]) -> GaussianCloud:
    size = len(to_bytes(level, _LIGHT_FORMAT))
    while size > max_bytes:
        count = int(level.count * max_bytes / size * _LIGHT_MARGIN)
        if count < 1:
            raise InvalidCloudError(f"no {_LIGHT_FORMAT} file has as little as {max_bytes} bytes")
        level = made(count)
        size = len(to_bytes(level, _LIGHT_FORMAT))
    return level
