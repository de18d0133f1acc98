"""From a network's output to depth maps, cameras and Gaussians of one scale in the first view's world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from immichvr_depth.depth_map import FloatImage
from immichvr_inference.network import Scene, View, ViewDepth
from immichvr_splats import Camera
from immichvr_splats.turning import moved

from immichvr_networks.depth_anything_3 import poses
from immichvr_networks.depth_anything_3.forward import Output
from immichvr_networks.depth_anything_3.gaussians import cloud_of, merged
from immichvr_networks.depth_anything_3.inputs import Canvas, Window
from immichvr_networks.pictures import in_aspect_of

MEDIAN = 2.0
"""Median of depth that nobody measured."""
METRIC_FOCAL = 300.0
"""Focal length in pixels of the input at which the output of `da3metric-large` is in metres (upstream's README)."""
_FOCALS = (0.1, 30.0)
"""Of a photo's longer side: the shortest and the longest focal length taken for a camera's."""
_NEAREST = 1e-4
"""Of the median: the least depth."""


def monocular(view: View, window: Window, output: Output, *, metric: bool) -> ViewDepth:
    """The depth of a photo by a network that gives no camera; metric: it is depth over the focal length."""
    if metric:
        depth = _fitted(output.depth[0], window, view) * np.float32(_focal(view, window) / METRIC_FOCAL)
        return ViewDepth(depth=depth, metric=True)
    depth = _fitted(output.depth[0], window, view)
    return ViewDepth(depth=depth * np.float32(_to_median(depth)), metric=False)


def scene(views: Sequence[View], canvas: Canvas, output: Output, known: poses.Matrices | None) -> Scene:
    """The place that all views show, with the Gaussians of all of them where the output has any.

    known: extrinsics of the views, (S, 4, 4), in metres; they give the scale where cameras are apart.
    """
    if output.extrinsics is None or output.focals is None:
        raise ValueError("the network gives no cameras")
    depths = [_fitted(*of_view) for of_view in zip(output.depth, canvas.windows, views, strict=True)]
    relative = poses.in_first(output.extrinsics)
    scale = None if known is None else poses.scale_to(known, relative)
    metric = scale is not None or output.scale is not None
    if scale is None:
        scale = 1.0 if output.scale is not None else _to_median(depths[0])
    extrinsics = poses.scaled(relative, scale)
    focals = [_plausible(*of_view) for of_view in zip(output.focals, views, canvas.windows, strict=True)]
    seen = [
        ViewDepth(depth * np.float32(scale), metric, camera=_camera(focal, window, depth.shape, extrinsic))
        for depth, focal, window, extrinsic in zip(depths, focals, canvas.windows, extrinsics, strict=True)
    ]
    if output.confidence is not None:
        sure = zip(output.confidence, canvas.windows, views, strict=True)
        maps = [in_aspect_of(window.of(values), *view.rgb.shape[:2]) for values, window, view in sure]
        seen = [replace(depth, confidence=confidence) for depth, confidence in zip(seen, maps, strict=True)]
    if output.gaussians is None:
        return Scene(tuple(seen))
    # Upstream scales depth and cameras of its nested network, and leaves its Gaussians as they were.
    height, width = canvas.pixels.shape[2:]
    clouds = []
    for index, ((fx, fy), window) in enumerate(zip(focals, canvas.windows, strict=True)):
        seeing = Camera(fx, fy, width / 2, height / 2, width, height, output.extrinsics[index])
        alone, unit = len(views) == 1, scale * (output.scale or 1.0)
        cloud = cloud_of(output.gaussians, index, window, seeing, scale=unit, alone=alone)
        clouds.append(moved(cloud, np.linalg.inv(extrinsics[index])) if index else cloud)
    first = _camera(focals[0], canvas.windows[0], views[0].rgb.shape[:2], extrinsics[0])
    return Scene(tuple(seen), merged(clouds, first))


def _fitted(depth: FloatImage, window: Window, view: View) -> FloatImage:
    """The photo's part of a depth map, in its exact aspect ratio, nowhere zero."""
    fitted = in_aspect_of(window.of(depth), *view.rgb.shape[:2])
    median = float(np.median(fitted))
    if median <= 0:
        raise ValueError("the network's depth is zero")
    return np.maximum(fitted, np.float32(_NEAREST * median))


def _to_median(depth: FloatImage) -> float:
    return MEDIAN / float(np.median(depth))


def _focal(view: View, window: Window) -> float:
    """The photo's focal length in pixels of the input, the mean of both axes."""
    height, width = view.rgb.shape[:2]
    scale: float = (window.width / width + window.height / height) / 2
    return view.focal_px * scale


def _plausible(focals: FloatImage, view: View, window: Window) -> tuple[float, float]:
    """fx and fy that the network sees, in pixels of the canvas; the photo's own where they are no camera's."""
    height, width = view.rgb.shape[:2]
    shares = focals / max(window.height, window.width)
    if ((shares >= _FOCALS[0]) & (shares <= _FOCALS[1])).all():
        return float(focals[0]), float(focals[1])
    return view.focal_px * window.width / width, view.focal_px * window.height / height


def _camera(focals: tuple[float, float], window: Window, shape: tuple[int, ...], extrinsic: poses.Matrices) -> Camera:
    """The camera of a photo in the pixels of a map of this shape, its optical axis in the centre."""
    height, width = shape
    fx, fy = focals[0] * width / window.width, focals[1] * height / window.height
    return Camera(fx, fy, width / 2, height / 2, width, height, extrinsic)
