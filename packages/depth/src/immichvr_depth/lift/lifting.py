"""A photo and its depth become a layered cloud of Gaussians."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from immichvr_splats import Camera, GaussianCloud
from immichvr_splats.color import dc_coefficients

from immichvr_depth.compiled import Bytes, Floats
from immichvr_depth.depth_map import DepthMap
from immichvr_depth.errors import LiftError
from immichvr_depth.lift.background import Sheet, background_images
from immichvr_depth.lift.colours import fit_to_photo
from immichvr_depth.lift.edges import near_side
from immichvr_depth.lift.grid import MOST_MAGNIFIED, WorkingGrid, grid_size, make_grid
from immichvr_depth.lift.inverse_depth import clamp_depth
from immichvr_depth.lift.surface import Surface, check_view, first_layer, hidden_sheets
from immichvr_depth.lift.surfels import Surfels, place_surfels

SIGMA = 0.6  # cells of the first layer
MAGNIFIED_SIGMA = 0.7  # where a cell is half a pixel or less: nothing is that fine, and no gap may show between them
RIM_SIGMA = 0.4  # of cells before a step: they would make the foreground grow
BACKGROUND_SIGMA = 0.7  # half cells: smooth content, and holes would show
OPACITY = 0.98
_BACKGROUND_SETBACK = 0.25  # cells of shift that keep the second layer behind the rim it overlaps
_ESTIMATE_CELLS = 24_000
_SMALLEST_BUDGET = 16


@dataclass(frozen=True)
class LiftedPictures:
    """The two layers of a lift as pictures, for a layered parallax view.

    foreground_rgb: (h, w, 3) uint8 and foreground_depth: (h, w) float32, the photo and the depth that the first
        layer is made with. background_rgb, background_depth: the same size, without the rims of the foreground.
    """

    foreground_rgb: Bytes
    foreground_depth: Floats
    background_rgb: Bytes
    background_depth: Floats


@dataclass(frozen=True)
class Lifted(LiftedPictures):
    """What a photo was lifted to.

    cloud: first layer in raster order, then the second layer; OpenCV axes of the photo's camera, in the
        depth map's units. stats: counts and shares, by name.
    """

    cloud: GaussianCloud
    stats: dict[str, float]


def lift(rgb: Bytes, depth: DepthMap, focal_px: float, max_gaussians: int = 500_000) -> Lifted:
    """Lift a photo to at most `max_gaussians` Gaussians in two layers.

    rgb: (h, w, 3) uint8, sRGB, upright. depth: of the same view, any resolution. focal_px: focal length in
    pixels of `rgb`. Raises LiftError where one of them cannot be right.
    """
    surface, sheets, median = _to_layers(rgb, depth, focal_px, max_gaussians)
    grid = surface.grid
    camera = Camera(
        fx=focal_px, fy=focal_px, cx=rgb.shape[1] / 2, cy=rgb.shape[0] / 2, width=rgb.shape[1], height=rgb.shape[0]
    )
    cloud, second = _to_cloud(surface, sheets, camera, max_gaussians)
    cloud = replace(cloud, sh=fit_to_photo(cloud, rgb, grid, surface.blends)[:, None, :])
    stats = {
        "gaussians": float(grid.width * grid.height + second),
        "first_layer": float(grid.width * grid.height),
        "second_layer": float(second),
        "grid_width": float(grid.width),
        "grid_height": float(grid.height),
        "median_depth": median,
        "step_share": float((surface.right | surface.down).mean()),
    }
    return Lifted(**vars(_to_pictures(surface, sheets)), cloud=cloud, stats=stats)


def lift_pictures(rgb: Bytes, depth: DepthMap, focal_px: float, max_gaussians: int) -> LiftedPictures:
    """The pictures that come with what `lift` makes of the same, without the work of the cloud. Raises as it does."""
    surface, sheets, _ = _to_layers(rgb, depth, focal_px, max_gaussians)
    return _to_pictures(surface, sheets)


def _to_layers(
    rgb: Bytes, depth: DepthMap, focal_px: float, max_gaussians: int
) -> tuple[Surface, tuple[Sheet, Sheet], float]:
    """What is seen, what it hides, and the median depth."""
    check_view(rgb, depth, focal_px)
    if max_gaussians < _SMALLEST_BUDGET:
        raise LiftError(f"{max_gaussians} Gaussians are asked for; at least {_SMALLEST_BUDGET} are needed")
    clamped, median = clamp_depth(depth.depth)
    photo_size = (rgb.shape[1], rgb.shape[0])
    share = _second_layer_share(rgb, clamped, median, focal_px)
    size = grid_size(*photo_size, max_gaussians / (1 + share), MOST_MAGNIFIED)
    surface = first_layer(rgb, clamped, make_grid(size, photo_size, focal_px, median))
    return surface, hidden_sheets(surface), median


def _to_pictures(surface: Surface, sheets: tuple[Sheet, Sheet]) -> LiftedPictures:
    background_rgb, background_shift = background_images(sheets, surface.shift, surface.rgb)
    parallax = np.float32(surface.grid.parallax)
    return LiftedPictures(surface.rgb, parallax / surface.shift, background_rgb, parallax / background_shift)


def _second_layer_share(rgb: Bytes, clamped: Floats, median: float, focal_px: float) -> float:
    """Gaussians of the second layer for each of the first, measured on a grid small enough to cost nothing."""
    photo_size = (rgb.shape[1], rgb.shape[0])
    size = grid_size(*photo_size, _ESTIMATE_CELLS)
    grid = make_grid(size, photo_size, focal_px, median)
    # Every n-th pixel is enough here, and spares a second pass over all of a large photo.
    rows = np.linspace(0, rgb.shape[0] - 1, grid.height).astype(int)
    columns = np.linspace(0, rgb.shape[1] - 1, grid.width).astype(int)
    surface = first_layer(np.ascontiguousarray(rgb[np.ix_(rows, columns)]), clamped, grid)
    sheets = hidden_sheets(surface)
    return sum(np.count_nonzero(sheet.shown) for sheet in sheets) / surface.shift.size


def _to_cloud(
    surface: Surface, sheets: tuple[Sheet, Sheet], camera: Camera, max_gaussians: int
) -> tuple[GaussianCloud, int]:
    kept = _within_budget(sheets, max_gaussians - surface.shift.size)
    front_opacity, sigma = _shape_front(surface)
    parts = [_place_front(surface, sigma), *(_place_back(sheet, surface.grid) for sheet in kept)]
    colours = np.concatenate([surface.colours.reshape(-1, 3), *(sheet.colours[sheet.shown] for sheet in kept)])
    opacity = np.full(colours.shape[0], OPACITY, np.float32)
    opacity[: surface.shift.size] = front_opacity.ravel()
    cloud = GaussianCloud(
        means=np.concatenate([part.means for part in parts]),
        log_scales=np.concatenate([part.log_scales for part in parts]),
        quaternions=np.concatenate([part.quaternions for part in parts]),
        opacity_logits=np.log(opacity / (1 - opacity)),
        sh=dc_coefficients(colours)[:, None, :],
        camera=camera,
        color_space="srgb",
    )
    return cloud, cloud.count - surface.shift.size


def _cell_centres(rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], size: float) -> Floats:
    return np.stack([(columns + 0.5) * size, (rows + 0.5) * size], axis=-1).astype(np.float32)


def _shape_front(surface: Surface) -> tuple[Floats, Floats]:
    """(h, w) opacity, and (h, w) sigma in cells, of the first layer's Gaussians."""
    near_rim = near_side(surface.shift, surface.right, surface.down)
    widest = np.interp(surface.magnified, (1, 2), (SIGMA, MAGNIFIED_SIGMA))
    sigma = np.where(near_rim, np.float32(RIM_SIGMA), np.float32(widest))
    return np.float32(OPACITY) * np.maximum(surface.coverage, np.float32(0.02)), sigma


def _place_front(surface: Surface, sigma: Floats) -> Surfels:
    rows, columns = np.indices(surface.shift.shape)
    return place_surfels(
        _cell_centres(rows.ravel(), columns.ravel(), 1.0),
        surface.shift.ravel(),
        surface.gradient.reshape(-1, 2),
        surface.grid,
        sigma.ravel(),
    )


def _within_budget(sheets: tuple[Sheet, Sheet], budget: int) -> list[Sheet]:
    """All of the sheets, or of both together what the smallest sidesteps reveal."""
    kept = []
    for sheet in sheets:
        shown = sheet.shown
        if np.count_nonzero(shown) > budget:
            order = np.argsort(np.where(shown, sheet.distance, np.inf), axis=None, kind="stable")
            shown = np.zeros_like(shown)
            shown.ravel()[order[: max(budget, 0)]] = True
        budget -= int(np.count_nonzero(shown))
        kept.append(replace(sheet, shown=shown))
    return kept


def _place_back(sheet: Sheet, grid: WorkingGrid) -> Surfels:
    rows, columns = np.nonzero(sheet.shown)
    shift = 2 * sheet.shift[sheet.shown]
    shift = np.maximum(shift - np.float32(_BACKGROUND_SETBACK), shift / 2)
    # Shift and place are halved alike, so a slope is the same number on either grid.
    gradient = sheet.slope[sheet.shown][:, ::-1]
    sigma = np.full(shift.shape, 2 * BACKGROUND_SIGMA, np.float32)
    return place_surfels(_cell_centres(rows, columns, 2.0), shift, gradient, grid, sigma)
