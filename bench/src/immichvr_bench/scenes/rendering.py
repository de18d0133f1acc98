"""A scene seen from a camera: the picture, and the true depth of every pixel."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from immichvr_splats import Camera

from immichvr_bench.scenes.compiled import Bytes, Doubles, Floats, Indices, kernel
from immichvr_bench.scenes.geometry import Solids, Vector
from immichvr_bench.scenes.materials import Material, table
from immichvr_bench.scenes.shading import LIGHT_SIZE, shade
from immichvr_bench.scenes.tracing import NOTHING, trace

_BAND = 8


@dataclass(frozen=True)
class Light:
    """Sun, sky and air. Colours are linear radiance; sun: direction towards it, up is +y.

    bounce: light from where rays end below the horizon, and what hidden places get. haze: extinction per metre.
    clouds: 0 for a clear sky to 1 for a covered one. sun_size: radius of its disc as a tangent.
    """

    sun: Vector
    sun_colour: Vector
    zenith: Vector
    horizon: Vector
    bounce: Vector
    haze: float = 0.0
    clouds: float = 0.0
    sun_size: float = 0.02
    exposure: float = 1.0


@dataclass(frozen=True)
class Scene:
    """A world and the place it is best seen from.

    eye, target: metres, y up. fov: vertical field of view in degrees. terrain: (n, n) float32 heights over a
    square of `terrain_extent` metres to each side, or None. lamps: (n, 6) position and colour.
    """

    name: str
    solids: Solids
    materials: tuple[Material, ...]
    light: Light
    eye: Vector
    target: Vector
    fov: float
    terrain: Floats | None = None
    terrain_extent: float = 1.0
    terrain_material: int = 0
    lamps: Doubles = field(default_factory=lambda: np.zeros((0, 6)))
    sky_depth: float = 5000.0

    def camera(self, width: int, height: int) -> Camera:
        """The scene's camera at a resolution: OpenCV axes, world to camera in its extrinsic."""
        focal = height / 2 / np.tan(np.radians(self.fov) / 2)
        eye = np.asarray(self.eye, float)
        forward = np.asarray(self.target, float) - eye
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0.0, 1.0, 0.0])
        right /= np.linalg.norm(right)
        extrinsic = np.eye(4)
        extrinsic[:3, :3] = [right, np.cross(forward, right), forward]
        extrinsic[:3, 3] = -extrinsic[:3, :3] @ eye
        return Camera(focal, focal, width / 2, height / 2, width, height, extrinsic)


@dataclass(frozen=True)
class View:
    """rgb: (h, w, 3) uint8, sRGB. depth: (h, w) float32, metres along the axis, at pixel centres."""

    rgb: Bytes
    depth: Floats
    camera: Camera


def render_view(scene: Scene, camera: Camera, samples: int = 2) -> View:
    """Render with samples² rays a pixel."""
    world = _World.of(scene)
    shape = (camera.height, camera.width)
    light = np.zeros((*shape, 9), np.float32)
    depth = np.zeros(shape, np.float32)
    to_world = np.linalg.inv(camera.extrinsic).astype(np.float64)
    lens = (camera.fx, camera.fy, camera.cx, camera.cy)

    def render_band(top: int) -> None:
        stack = np.empty(48, np.int32)
        bottom = min(top + _BAND, camera.height)
        _render_rows(
            top, bottom, samples, to_world, lens, world.solids, world.terrain, world.materials, world.lamps,
            world.light, scene.sky_depth, stack, light, depth,
        )  # fmt: skip

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(render_band, range(0, camera.height, _BAND)))
    around = _smooth_irradiance(light[..., 6:], depth)
    linear = (light[..., :3] + light[..., 3:6] * around) * np.float32(scene.light.exposure)
    return View(_develop(linear), depth, camera)


@dataclass(frozen=True)
class _World:
    """A scene as the compiled loops take it."""

    solids: tuple[Doubles, Indices, Indices, Doubles, Doubles, Indices]
    terrain: tuple[Floats, float, float]
    materials: Doubles
    lamps: Doubles
    light: Doubles

    @classmethod
    def of(cls, scene: Scene) -> _World:
        solids = scene.solids
        heights = np.zeros((1, 1), np.float32) if scene.terrain is None else scene.terrain
        sun = np.asarray(scene.light.sun, float)
        source = scene.light
        light = np.array(
            [*(sun / np.linalg.norm(sun)), *source.sun_colour, *source.zenith, *source.horizon, *source.bounce,
             source.haze, source.clouds, source.sun_size, source.exposure, scene.terrain_material,
             scene.sky_depth]
        )  # fmt: skip
        assert light.size == LIGHT_SIZE
        return cls(
            (solids.to_local, solids.kind, solids.material, solids.taper, solids.boxes, solids.links),
            (np.ascontiguousarray(heights, np.float32), float(scene.terrain_extent), float(heights.max())),
            table(scene.materials),
            np.ascontiguousarray(scene.lamps, np.float64),
            light,
        )


@kernel
def _render_rows(
    top: int,
    bottom: int,
    samples: int,
    to_world: Doubles,
    lens: tuple[float, float, float, float],
    solids: tuple[Doubles, Indices, Indices, Doubles, Doubles, Indices],
    terrain: tuple[Floats, float, float],
    materials: Doubles,
    lamps: Doubles,
    light: Doubles,
    sky_depth: float,
    stack: Indices,
    out: Floats,
    depth: Floats,
) -> None:
    """Fill rows of out (h, w, 9) with mean samples and of depth (h, w) with what the pixels' centres see."""
    fx, fy, cx, cy = lens
    origin = (to_world[0, 3], to_world[1, 3], to_world[2, 3])
    for y in range(top, bottom):
        for x in range(out.shape[1]):
            for sample in range(samples * samples + 1):
                centre = sample == samples * samples
                u, v = 0.5, 0.5
                if not centre:
                    u = (sample % samples + 0.5) / samples
                    v = (sample // samples + 0.5) / samples
                rx, ry = (x + u - cx) / fx, (y + v - cy) / fy
                dx = to_world[0, 0] * rx + to_world[0, 1] * ry + to_world[0, 2]
                dy = to_world[1, 0] * rx + to_world[1, 1] * ry + to_world[1, 2]
                dz = to_world[2, 0] * rx + to_world[2, 1] * ry + to_world[2, 2]
                length = np.sqrt(dx * dx + dy * dy + dz * dz)
                direction = (dx / length, dy / length, dz / length)
                if centre:
                    t, what = trace(solids, terrain, origin, direction, 1e-3, 1e9, False, stack)
                    depth[y, x] = sky_depth if what == NOTHING else min(t / length, sky_depth)
                else:
                    shade(
                        solids, terrain, materials, lamps, light, origin, direction, (x, y, sample), stack,
                        out[y, x],
                    )  # fmt: skip
            for k in range(9):
                out[y, x, k] /= samples * samples


@kernel
def _filter_pass(irradiance: Floats, depth: Floats, step: int) -> Floats:
    """One pass of an à-trous filter (Dammertz et al. 2010) that stops at differences of depth."""
    height, width = depth.shape
    out = np.empty_like(irradiance)
    for y in range(height):
        for x in range(width):
            weight = red = green = blue = 0.0
            for dy in range(-2, 3):
                for dx in range(-2, 3):
                    ny, nx = y + step * dy, x + step * dx
                    if not (0 <= ny < height and 0 <= nx < width):
                        continue
                    tolerance = 0.004 * depth[y, x] * (1 + step * max(abs(dx), abs(dy)))
                    gap = (depth[ny, nx] - depth[y, x]) / tolerance
                    w = np.exp(-gap * gap) / (1.0 + dx * dx + dy * dy)
                    weight += w
                    red += w * irradiance[ny, nx, 0]
                    green += w * irradiance[ny, nx, 1]
                    blue += w * irradiance[ny, nx, 2]
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = red / weight, green / weight, blue / weight
    return out


def _smooth_irradiance(irradiance: Floats, depth: Floats) -> Floats:
    """Indirect light is smooth on surfaces; what is not smooth in few samples is noise."""
    smooth = np.ascontiguousarray(irradiance)
    for step in (1, 2):
        smooth = _filter_pass(smooth, depth, step)
    return smooth


def _develop(linear: Floats) -> Bytes:
    """Filmic tone curve (Narkowicz' fit of ACES) and the sRGB transfer function."""
    x = np.maximum(linear, 0)
    toned = np.clip(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 0, 1)
    encoded = np.where(toned <= 0.0031308, 12.92 * toned, 1.055 * toned ** (1 / 2.4) - 0.055)
    rgb: Bytes = np.rint(encoded * 255).astype(np.uint8)
    return rgb
