"""The depth of a scene's views as coloured points in its one world."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_depth import FloatImage, unproject
from immichvr_inference.network import Scene, ViewDepth
from immichvr_media import Photo
from immichvr_splats import Camera
from immichvr_splats.pointclouds import PointCloud


def scene_points(photos: Sequence[Photo], scene: Scene) -> PointCloud:
    """A point for each pixel of each view's depth map, in OpenCV axes of the first view's camera.

    photos: those of the scene's views, in their order. Raises ValueError where a view has no camera.
    """
    parts = [_view_points(photo, view) for photo, view in zip(photos, scene.views, strict=True)]
    confidences = [part.confidence for part in parts if part.confidence is not None]
    return PointCloud(
        points=np.concatenate([part.points for part in parts]),
        colors=np.concatenate([part.colors for part in parts]),
        confidence=np.concatenate(confidences) if len(confidences) == len(parts) else None,
    )


def _view_points(photo: Photo, view: ViewDepth) -> PointCloud:
    if view.camera is None:
        raise ValueError("this model says nothing of where the photos were taken from")
    height, width = view.depth.shape
    colors = cv2.resize(photo.rgb, (width, height), interpolation=cv2.INTER_AREA)
    confidence = None if view.confidence is None else view.confidence.ravel()
    return PointCloud(_in_world(view.depth, view.camera), colors.reshape(-1, 3), confidence)


def _in_world(depth: FloatImage, camera: Camera) -> npt.NDArray[np.float32]:
    """(h·w, 3): the middle of each pixel at its depth. camera: in pixels of the depth map, world to camera."""
    seen = unproject(depth.astype(np.float64), camera).reshape(-1, 3)
    rotation, translation = camera.extrinsic[:3, :3], camera.extrinsic[:3, 3]
    return np.asarray((seen - translation) @ rotation, np.float32)
