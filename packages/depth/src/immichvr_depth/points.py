"""Depth as coloured points."""

from __future__ import annotations

import math

import cv2
import numpy as np
from immichvr_media import Photo
from immichvr_splats import Camera
from immichvr_splats.pointclouds import PointCloud

from immichvr_depth.depth_map import DepthMap, resized
from immichvr_depth.unprojection import unproject

LARGEST = 1_000_000
"""Points of one photo, at most: one for each pixel of the depth map, or of a smaller one."""


def point_cloud(photo: Photo, depth: DepthMap, near: float, far: float) -> PointCloud:
    """A point for each pixel of the depth map, in OpenCV axes of the photo's camera, in the map's units.

    near, far: depth beyond them is brought back to them.
    """
    height, width = depth.depth.shape
    shrink = min(1.0, math.sqrt(LARGEST / (height * width)))
    size = (max(1, int(width * shrink)), max(1, int(height * shrink)))
    # Depth is picked, not averaged: a mean across an edge would be a point in mid-air.
    z = np.clip(cv2.resize(depth.depth, size, interpolation=cv2.INTER_NEAREST), near, far)
    focal = (depth.focal_px or photo.focal.px) * size[0] / photo.width
    points = unproject(z, Camera(focal, focal, size[0] / 2, size[1] / 2, *size))
    colors = cv2.resize(photo.rgb, size, interpolation=cv2.INTER_AREA if size[0] < photo.width else cv2.INTER_LINEAR)
    confidence = None if depth.confidence is None else resized(depth.confidence, *size).ravel()
    return PointCloud(points.reshape(-1, 3), colors.reshape(-1, 3), confidence)
