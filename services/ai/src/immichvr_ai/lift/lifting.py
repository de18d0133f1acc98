"""A photo and its depth become a layered cloud of Gaussians."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from immichvr_splats import SH_C0, Camera, GaussianCloud

from immichvr_ai.depth_map import DepthMap
from immichvr_ai.lift.background import Sheet, background_images, build_sheets
from immichvr_ai.lift.colours import fit_colours, unmix_colours
from immichvr_ai.lift.compiled import Bytes, Floats, Mask
from immichvr_ai.lift.edges import STEP, around_steps, find_steps, near_side, snap
from immichvr_ai.lift.errors import LiftError
from immichvr_ai.lift.grid import WorkingGrid, grid_size, make_grid, resample_photo
from immichvr_ai.lift.inverse_depth import clamp_depth, dequantise, quantum_of, resample_shift
from immichvr_ai.lift.surfels import Surfels, place_surfels, shift_gradients

SIGMA = 0.6  # cells of the first layer
RIM_SIGMA = 0.4  # of cells before a step: they would make the foreground grow
BACKGROUND_SIGMA = 0.7  # half cells: smooth content, and holes would show
OPACITY = 0.98
_BACKGROUND_SETBACK = 0.25  # cells of shift that keep the second layer behind the rim it overlaps
_QUANTA = 1.2  # steps of quantisation that are no step between surfaces
_ESTIMATE_CELLS = 24_000
_SMALLEST_BUDGET = 16


@dataclass(frozen=True)
class Lifted:
    """What a photo was lifted to.

    cloud: first layer in raster order, then the second layer; OpenCV axes of the photo's camera, in the
        depth map's units. background_rgb: (h, w, 3) uint8 and background_depth: (h, w) float32, the photo
        without the rims of its foreground, for a layered parallax view. foreground_rgb, foreground_depth: the
        same size, the photo and the depth that the first layer was made with. stats: counts and shares, by name.
    """

    cloud: GaussianCloud
    background_rgb: Bytes
    background_depth: Floats
    foreground_rgb: Bytes
    foreground_depth: Floats
    stats: dict[str, float]


@dataclass(frozen=True)
class _Surface:
    """The first layer on its grid, before it becomes Gaussians."""

    grid: WorkingGrid
    rgb: Bytes
    shift: Floats
    tolerance: Floats
    right: Mask
    down: Mask
    blends: Mask
    gradient: Floats
    colours: Floats
    coverage: Floats


def lift(rgb: Bytes, depth: DepthMap, focal_px: float, max_gaussians: int = 500_000) -> Lifted:
    """Lift a photo to at most `max_gaussians` Gaussians in two layers.

    rgb: (h, w, 3) uint8, sRGB, upright. depth: of the same view, any resolution. focal_px: focal length in
    pixels of `rgb`. Raises LiftError where one of them cannot be right.
    """
    _check(rgb, depth, focal_px, max_gaussians)
    clamped, median = clamp_depth(depth.depth)
    photo_size = (rgb.shape[1], rgb.shape[0])
    share = _second_layer_share(rgb, clamped, median, focal_px)
    size = grid_size(*photo_size, max_gaussians / (1 + share))
    grid = make_grid(size, photo_size, focal_px, median)
    surface = _first_layer(rgb, clamped, grid)
    sheets = build_sheets(surface.shift, surface.gradient, surface.colours, surface.blends, surface.right, surface.down)
    camera = Camera(
        fx=focal_px,
        fy=focal_px,
        cx=photo_size[0] / 2,
        cy=photo_size[1] / 2,
        width=photo_size[0],
        height=photo_size[1],
    )
    cloud, second = _to_cloud(surface, sheets, camera, max_gaussians)
    background_rgb, background_shift = background_images(sheets, surface.shift, surface.rgb)
    stats = {
        "gaussians": float(grid.width * grid.height + second),
        "first_layer": float(grid.width * grid.height),
        "second_layer": float(second),
        "grid_width": float(grid.width),
        "grid_height": float(grid.height),
        "median_depth": median,
        "step_share": float((surface.right | surface.down).mean()),
    }
    parallax = np.float32(grid.parallax)
    return Lifted(cloud, background_rgb, parallax / background_shift, surface.rgb, parallax / surface.shift, stats)


def _check(rgb: Bytes, depth: DepthMap, focal_px: float, max_gaussians: int) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or min(rgb.shape) < 1:
        raise LiftError(f"the photo is {rgb.dtype} {rgb.shape}; (height, width, 3) uint8 is needed")
    if depth.depth.ndim != 2 or min(depth.depth.shape) < 1:
        raise LiftError(f"the depth map has shape {depth.depth.shape}; (height, width) is needed")
    photo_aspect = rgb.shape[1] / rgb.shape[0]
    map_aspect = depth.depth.shape[1] / depth.depth.shape[0]
    slack = 1.05 + 1.0 / min(depth.depth.shape)
    if not 1 / slack <= photo_aspect / map_aspect <= slack:
        raise LiftError(
            f"the photo is {rgb.shape[1]}×{rgb.shape[0]} and its depth map "
            f"{depth.depth.shape[1]}×{depth.depth.shape[0]}; they must show the same view"
        )
    if not (np.isfinite(focal_px) and focal_px > 0):
        raise LiftError(f"the focal length is {focal_px} pixels; a positive number is needed")
    if max_gaussians < _SMALLEST_BUDGET:
        raise LiftError(f"{max_gaussians} Gaussians are asked for; at least {_SMALLEST_BUDGET} are needed")


def _first_layer(rgb: Bytes, clamped: Floats, grid: WorkingGrid) -> _Surface:
    stored = np.float32(grid.parallax) / clamped
    quantum = quantum_of(stored)
    tolerance = np.full((grid.height, grid.width), STEP, np.float32)
    if quantum is not None:
        steps = resample_shift(quantum, grid.height, grid.width, np.inf)
        tolerance += _QUANTA * steps
    shift = resample_shift(stored, grid.height, grid.width, STEP)
    if quantum is not None:
        shift = dequantise(shift, steps)
    photo = resample_photo(rgb, grid)
    shift, doubt = snap(shift, photo, tolerance, grid.width / clamped.shape[1])
    right, down = find_steps(shift, tolerance)
    blends = around_steps(right, down, doubt)
    colours, coverage = unmix_colours(photo, shift, tolerance, blends)
    gradient = shift_gradients(shift, right, down)
    return _Surface(grid, photo, shift, tolerance, right, down, blends, gradient, colours, coverage)


def _second_layer_share(rgb: Bytes, clamped: Floats, median: float, focal_px: float) -> float:
    """Gaussians of the second layer for each of the first, measured on a grid small enough to cost nothing."""
    photo_size = (rgb.shape[1], rgb.shape[0])
    size = grid_size(*photo_size, _ESTIMATE_CELLS)
    grid = make_grid(size, photo_size, focal_px, median)
    # Every n-th pixel is enough here, and spares a second pass over all of a large photo.
    rows = np.linspace(0, rgb.shape[0] - 1, grid.height).astype(int)
    columns = np.linspace(0, rgb.shape[1] - 1, grid.width).astype(int)
    surface = _first_layer(np.ascontiguousarray(rgb[np.ix_(rows, columns)]), clamped, grid)
    sheets = build_sheets(surface.shift, surface.gradient, surface.colours, surface.blends, surface.right, surface.down)
    return sum(np.count_nonzero(sheet.shown) for sheet in sheets) / surface.shift.size


def _to_cloud(
    surface: _Surface, sheets: tuple[Sheet, Sheet], camera: Camera, max_gaussians: int
) -> tuple[GaussianCloud, int]:
    kept = _within_budget(sheets, max_gaussians - surface.shift.size)
    front = _shape_front(surface)
    parts = [_place_front(surface, front.sigma), *(_place_back(sheet, surface.grid) for sheet in kept)]
    colours = np.concatenate([front.colours.reshape(-1, 3), *(sheet.colours[sheet.shown] for sheet in kept)])
    opacity = np.full(colours.shape[0], OPACITY, np.float32)
    opacity[: surface.shift.size] = front.opacity.ravel()
    cloud = GaussianCloud(
        means=np.concatenate([part.means for part in parts]),
        log_scales=np.concatenate([part.log_scales for part in parts]),
        quaternions=np.concatenate([part.quaternions for part in parts]),
        opacity_logits=np.log(opacity / (1 - opacity)),
        sh=_dc_coefficients(colours)[:, None, :],
        camera=camera,
        color_space="srgb",
    )
    return cloud, cloud.count - surface.shift.size


def _dc_coefficients(colours: Floats) -> Floats:
    return ((colours / 255 - 0.5) / SH_C0).astype(np.float32)


def _cell_centres(rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], size: float) -> Floats:
    return np.stack([(columns + 0.5) * size, (rows + 0.5) * size], axis=-1).astype(np.float32)


@dataclass(frozen=True)
class _Front:
    """What the first layer's Gaussians look like: (h, w) opacity and sigma in cells, (h, w, 3) colours."""

    opacity: Floats
    sigma: Floats
    colours: Floats


def _shape_front(surface: _Surface) -> _Front:
    near_rim = near_side(surface.shift, surface.right, surface.down)
    sigma = np.where(near_rim, np.float32(RIM_SIGMA), np.float32(SIGMA))
    opacity = np.float32(OPACITY) * np.maximum(surface.coverage, np.float32(0.02))
    colours = fit_colours(surface.colours, surface.shift, surface.tolerance, surface.blends, opacity, sigma)
    return _Front(opacity, sigma, colours)


def _place_front(surface: _Surface, sigma: Floats) -> Surfels:
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
