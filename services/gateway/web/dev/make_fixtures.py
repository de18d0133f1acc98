"""Makes the photos, depth layers, splats and videos that the development server shows.

Landscapes are drawn with true depth; one real photo has the disparity that ships with
scikit-image. Output: `dev/.fixtures/`, with `index.json` naming everything.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import skimage
from immichvr_depth.depth_map import DepthMap
from immichvr_depth.files import disparity
from immichvr_depth.lift import lift
from immichvr_splats import Reduction, write
from make_videos import make_videos
from numpy.typing import NDArray

OUT = Path(__file__).parent / ".fixtures"
SKIMAGE_DATA = Path(skimage.__file__).parent / "data"
PLAIN_PHOTOS = ("chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png", "hubble_deep_field.jpg")
FULL = 60_000
LIGHT = 4_000
SIZES = ((1280, 853), (1024, 683), (853, 1280), (1280, 720), (960, 960))
PALETTES = (
    ((0.98, 0.72, 0.48), (0.36, 0.45, 0.62), (0.09, 0.12, 0.17)),
    ((0.80, 0.90, 0.96), (0.42, 0.58, 0.66), (0.07, 0.16, 0.16)),
    ((0.96, 0.60, 0.60), (0.40, 0.28, 0.48), (0.11, 0.07, 0.16)),
    ((0.95, 0.90, 0.76), (0.52, 0.58, 0.50), (0.12, 0.14, 0.09)),
    ((0.36, 0.42, 0.66), (0.16, 0.20, 0.36), (0.03, 0.04, 0.08)),
)
FloatImage = NDArray[np.float32]


def fractal(rng: np.random.Generator, length: int, roughness: float) -> NDArray[np.float64]:
    """A curve of fractal noise in about [-1, 1], shape (length,)."""
    curve = np.zeros(length)
    amplitude = 1.0
    for octave in range(1, 9):
        knots = rng.normal(size=2**octave + 2)
        curve += amplitude * np.interp(np.linspace(0, len(knots) - 1, length), np.arange(len(knots)), knots)
        amplitude *= roughness
    return np.asarray(curve / np.abs(curve).max())


def landscape(seed: int, width: int, height: int) -> tuple[FloatImage, FloatImage]:
    """Ridges in haze below a sky: RGB in [0, 1] (H, W, 3) and depth in metres (H, W)."""
    rng = np.random.default_rng(seed)
    sky, haze, near = (np.array(colour, np.float32) for colour in PALETTES[seed % len(PALETTES)])
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    rise = (1 - y / height)[..., None]
    rgb = sky * (1 - rise * 0.55) + haze * rise * 0.55
    sun = np.hypot(x - width * rng.uniform(0.25, 0.75), y - height * 0.3) / height
    rgb = np.clip(rgb + 0.5 * np.exp(-((sun / 0.11) ** 2))[..., None] * sky, 0, 1)
    depth = np.full((height, width), 120.0, np.float32)
    ridges = 7
    for i in range(ridges):
        t = i / (ridges - 1)
        base = height * (0.40 + 0.50 * t**1.25)
        curve = base - height * (0.16 - 0.08 * t) * fractal(rng, width, 0.42 + 0.14 * t)
        inside = y > curve[None, :]
        shade = np.clip((y - curve[None, :]) / (height * 0.3), 0, 1)[..., None]
        colour = haze * (1 - t) + near * t
        grain = rng.normal(scale=0.012 + 0.02 * t, size=(height, width, 1)).astype(np.float32)
        surface = colour * (1.08 - 0.3 * shade) + sky * 0.16 * (1 - t) * shade + grain
        rgb = np.where(inside[..., None], surface, rgb)
        distance = 40.0 * (1 - t) ** 1.7 + 2.6
        depth = np.where(inside, distance * (1 - 0.25 * shade[..., 0]), depth).astype(np.float32)
    return np.clip(rgb, 0, 1).astype(np.float32), depth


def motorcycle() -> tuple[FloatImage, FloatImage, float]:
    """The Middlebury motorcycle: RGB, depth in metres, focal length in pixels."""
    rgb = cv2.imread(str(SKIMAGE_DATA / "motorcycle_left.png"))[..., ::-1] / np.float32(255)
    disparity = np.load(SKIMAGE_DATA / "motorcycle_disp.npz")["arr_0"].astype(np.float32)
    known = np.isfinite(disparity) & (disparity > 0)
    filled = np.where(known, disparity, 0).astype(np.float32)
    scaled = (filled / filled.max() * 255).astype(np.uint8)
    disparity = cv2.inpaint(scaled, (~known).astype(np.uint8), 5, cv2.INPAINT_TELEA) / 255
    disparity = cv2.medianBlur((disparity * filled.max()).astype(np.float32), 5)
    focal, baseline, offset = 994.978, 0.193001, 31.086
    return rgb.astype(np.float32), focal * baseline / (disparity + offset), focal


def write_webp(name: str, picture: NDArray[np.floating], quality: int) -> None:
    """Writes an RGB or grey picture in [0, 1]; quality above 100 is lossless."""
    pixels = np.round(picture * 255).astype(np.uint8)
    if pixels.ndim == 3:
        pixels = np.ascontiguousarray(pixels[..., ::-1])
    cv2.imwrite(str(OUT / name), pixels, [cv2.IMWRITE_WEBP_QUALITY, quality])


def with_depth(name: str, rgb: FloatImage, depth: FloatImage, focal: float) -> dict[str, object]:
    """Writes everything of one photo with depth; returns its entry of the index."""
    height, width = depth.shape
    near, far = float(depth.min()), float(depth.max())
    pixels = np.round(rgb * 255).astype(np.uint8)
    lifted = lift(pixels, DepthMap(depth, True, "embedded", "1"), focal, FULL)
    write_webp(f"{name}.webp", rgb, 92)
    write_webp(f"{name}-disparity.webp", disparity(lifted.foreground_depth, near, far, 255) / 255, 101)
    write_webp(f"{name}-background.webp", lifted.background_rgb / 255, 88)
    hidden = disparity(lifted.background_depth, near, far, 255) / 255
    write_webp(f"{name}-background-disparity.webp", hidden, 101)
    write(lifted.cloud, OUT / f"{name}-full.spz")
    write(Reduction(lifted.cloud).to(LIGHT), OUT / f"{name}-light.spz")
    camera = {"fx": focal, "fy": focal, "cx": width / 2, "cy": height / 2}
    return {
        "name": name,
        "width": width,
        "height": height,
        "camera": camera | {"width": width, "height": height},
        "depth": {"near": near, "far": far, "metric": True},
    }


def main() -> None:
    """Makes all fixtures."""
    OUT.mkdir(exist_ok=True)
    index = [with_depth("motorcycle", *motorcycle())]
    for seed in range(10):
        width, height = SIZES[seed % len(SIZES)]
        rgb, depth = landscape(seed, width, height)
        index.append(with_depth(f"ridges-{seed}", rgb, depth, 0.9 * max(width, height)))
    for file in PLAIN_PHOTOS:
        rgb = cv2.imread(str(SKIMAGE_DATA / file))[..., ::-1] / np.float32(255)
        name = Path(file).stem
        write_webp(f"{name}.webp", rgb.astype(np.float32), 92)
        index.append({"name": name, "width": rgb.shape[1], "height": rgb.shape[0]})
    (OUT / "index.json").write_text(json.dumps(index, indent=1))
    make_videos(OUT)


if __name__ == "__main__":
    main()
