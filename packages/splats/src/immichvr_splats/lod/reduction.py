"""Levels of detail: fewer Gaussians that together look like the many they stand for.

Gaussians that share a cell are merged; none is pruned, so that no holes open.
"""

from immichvr_splats.cleaning import clean
from immichvr_splats.cloud import GaussianCloud
from immichvr_splats.conversion import to_bytes
from immichvr_splats.errors import InvalidCloudError
from immichvr_splats.lod.cells import cells
from immichvr_splats.lod.merging import View, merge

LIGHT_COUNT = 200_000
"""The most Gaussians of the light variant."""

LIGHT_BYTES = 5_000_000
"""The largest file of the light variant."""

_LIGHT_FORMAT = "spz"
_LIGHT_MARGIN = 0.98


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


def light(cloud: GaussianCloud, max_bytes: int = LIGHT_BYTES) -> GaussianCloud:
    """A level of detail for weak devices and slow networks: never more than half of the cloud, nor than LIGHT_COUNT
    Gaussians, nor an SPZ file of more than `max_bytes`.

    Raises InvalidCloudError if not even one Gaussian fits.
    """
    return within_bytes(lod(cloud, max(1, min(LIGHT_COUNT, cloud.count // 2))), max_bytes)


def within_bytes(cloud: GaussianCloud, max_bytes: int) -> GaussianCloud:
    """The largest level of detail, about, whose SPZ file has at most `max_bytes`; the cloud itself if it fits.

    Raises InvalidCloudError if not even one Gaussian fits.
    """
    level = cloud
    size = len(to_bytes(level, _LIGHT_FORMAT))
    while size > max_bytes:
        count = int(level.count * max_bytes / size * _LIGHT_MARGIN)
        if count < 1:
            raise InvalidCloudError(f"no {_LIGHT_FORMAT} file has as little as {max_bytes} bytes")
        level = lod(cloud, count)
        size = len(to_bytes(level, _LIGHT_FORMAT))
    return level
