"""Rendering of clouds by EWA splatting (Zwicker et al. 2001), with 3D Gaussian splatting's conventions.

Covariances are projected with the Jacobian of the perspective and get a low-pass of `dilation` square pixels; alpha
below 1/255 is skipped, and a pixel is finished at a transmittance of 1e-4. Source: Kerbl et al. 2023. Otherwise than
there, what is nearer to the eye covers what is farther, not what is less deep.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from immichvr_splats.cloud import Camera, GaussianCloud
from immichvr_splats.compiled import F32, F64, I64
from immichvr_splats.rendering.blending import draw_row
from immichvr_splats.rendering.colors import color_spots
from immichvr_splats.rendering.projection import DILATION, project_cloud, view_of
from immichvr_splats.rendering.spots import WIDTH
from immichvr_splats.rendering.tiles import count_in_tiles, put_into_tiles, tiles_along, total_in_tiles
from immichvr_splats.threads import in_order, workers

_MOST_MEMBERS = 1 << 25
"""Of tiles drawn in one go, which keeps memory within 256 MB; a single row of tiles may take more."""


@dataclass(frozen=True, eq=False)
class Rendering:
    """rgb: (h, w, 3) float32, from 0, over black. alpha: (h, w) float32.

    depth: (h, w) float32, mean depth along the axis weighted by contribution; 0 where nothing is.
    """

    rgb: F32
    alpha: F32
    depth: F32


def render(
    cloud: GaussianCloud,
    camera: Camera,
    world_to_camera: F64 | None = None,
    dilation: float = DILATION,
    compensate: bool = False,
) -> Rendering:
    """The cloud as `camera` sees it, the same on every call, whatever the number of cores.

    world_to_camera: (4, 4), OpenCV axes; the camera's extrinsic if None. dilation: low-pass in square pixels.
    compensate: scale opacity so that the low-pass keeps each Gaussian's mass (Mip-Splatting, Yu et al. 2024).
    Gaussians with values that are not finite are not drawn.
    """
    transform = camera.extrinsic if world_to_camera is None else np.asarray(world_to_camera, np.float64)
    eye = -np.linalg.inv(transform[:3, :3]) @ transform[:3, 3]
    spots = np.empty((cloud.count, WIDTH), np.float32)
    grid = (tiles_along(camera.height), tiles_along(camera.width))

    def project_part(part: slice) -> I64:
        counts = np.zeros(grid, np.int64)
        project_cloud(cloud.rows(part), camera, transform, dilation, compensate, spots[part])
        color_spots(cloud.means[part], cloud.sh[part], eye, spots[part])
        count_in_tiles(spots[part], counts)
        return counts

    parts = _parts(cloud.count)
    counts = np.array([*in_order(project_part, parts)], np.int64).reshape(len(parts), *grid)
    picture = Rendering(
        np.empty((camera.height, camera.width, 3), np.float32),
        np.empty((camera.height, camera.width), np.float32),
        np.empty((camera.height, camera.width), np.float32),
    )
    for rows in _bands(counts):
        _draw(spots, parts, counts[:, rows], rows.start, picture)
    return picture


def count_reaches(cloud: GaussianCloud, camera: Camera) -> int:
    """In how many tiles of the camera's picture each Gaussian is, in all: what it takes to draw them, before it is."""
    spots = np.empty((cloud.count, WIDTH), np.float32)
    project_cloud(cloud, camera, view_of(cloud, camera), DILATION, False, spots)
    return int(total_in_tiles(spots, tiles_along(camera.height), tiles_along(camera.width)))


def shifted(camera: Camera, right: float = 0.0, down: float = 0.0, forward: float = 0.0) -> F64:
    """World to camera, (4, 4), after the camera has moved along its own axes by metres."""
    move = np.eye(4)
    move[:3, 3] = -right, -down, -forward
    moved: F64 = move @ camera.extrinsic
    return moved


def _parts(count: int) -> list[slice]:
    """Slices of equal size, one for each thread."""
    cuts = [count * i // workers() for i in range(workers() + 1)]
    return [slice(*ends) for ends in pairwise(cuts)]


def _bands(counts: I64) -> Iterator[slice]:
    """Rows of tiles to draw in one go. counts: (parts, rows, columns)."""
    of_rows = counts.sum(axis=(0, 2))
    first = members = 0
    for row, more in enumerate(of_rows):
        if row > first and members + more > _MOST_MEMBERS:
            yield slice(first, row)
            first, members = row, 0
        members += int(more)
    yield slice(first, len(of_rows))


def _draw(spots: F32, parts: list[slice], counts: I64, first_row: int, picture: Rendering) -> None:
    """Draw those rows of tiles, from `first_row`, that `counts`, (parts, rows, columns), is of."""
    _, rows, columns = counts.shape
    per_tile = counts.reshape(len(parts), -1).T.reshape(-1)  # of one tile, part after part
    ends = np.concatenate(([0], np.cumsum(per_tile)))
    starts = np.append(ends[:-1].reshape(-1, len(parts))[:, 0], ends[-1])
    begins = np.ascontiguousarray(ends[:-1].reshape(rows, columns, len(parts)).transpose(2, 0, 1))
    members = np.empty(ends[-1], np.uint64)
    all_rows = tiles_along(picture.alpha.shape[0])

    def put(number: int) -> None:
        part = parts[number]
        put_into_tiles(spots[part], part.start, all_rows, first_row, begins[number], members)

    def draw(row: int) -> None:
        of_row = starts[row * columns : (row + 1) * columns + 1]
        draw_row(first_row + row, spots, of_row, members, picture.rgb, picture.alpha, picture.depth)

    for work, pieces in ((put, len(parts)), (draw, rows)):
        for _ in in_order(work, range(pieces)):
            pass
