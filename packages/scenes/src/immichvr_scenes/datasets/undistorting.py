"""Pictures of lenses that bend straight lines, as a pinhole would have taken them. Source: OpenCV's model of lenses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
import numpy.typing as npt

from immichvr_scenes.cameras import Camera
from immichvr_scenes.pictures import Picture

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Lens:
    """Radial (k) and tangential (p) distortion."""

    k1: float = 0.0
    k2: float = 0.0
    p1: float = 0.0
    p2: float = 0.0
    k3: float = 0.0

    @property
    def bends(self) -> bool:
        """Whether it is more than a pinhole."""
        return any((self.k1, self.k2, self.p1, self.p2, self.k3))


def undistorted(picture: Picture, lens: Lens) -> Picture:
    """The picture without what the lens bent, for the same camera; where nothing was seen, it is not known."""
    return replace(
        picture,
        image=partial(_image, picture, lens),
        mask=partial(_mask, picture, lens),
        depth=None if picture.depth is None else partial(_depth, picture, lens),
    )


def _image(picture: Picture, lens: Lens) -> npt.NDArray[np.uint8]:
    bent = picture.read_image_as_it_is()
    height, width = bent.shape[:2]
    return np.asarray(cv2.remap(bent, *_maps(picture.view.camera.scaled(width, height), lens), cv2.INTER_LINEAR))


def _mask(picture: Picture, lens: Lens) -> Mask:
    known = picture.read_mask()
    camera = picture.view.camera
    before = np.ones((camera.height, camera.width), np.uint8) if known is None else known.astype(np.uint8)
    return np.asarray(cv2.remap(before, *_maps(camera, lens), cv2.INTER_NEAREST) > 0)


def _depth(picture: Picture, lens: Lens) -> npt.NDArray[np.float32]:
    depth = picture.read_depth()
    assert depth is not None  # noqa: S101 - only pictures with depth come here
    return np.asarray(cv2.remap(depth, *_maps(picture.view.camera, lens), cv2.INTER_NEAREST))


def _maps(camera: Camera, lens: Lens) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Where in the bent picture each pixel is; OpenCV's first pixel is at 0, ours at 0.5."""
    matrix = camera.matrix - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
    bends = np.array([lens.k1, lens.k2, lens.p1, lens.p2, lens.k3])
    across, down = cv2.initUndistortRectifyMap(
        matrix, bends, np.eye(3), matrix, (camera.width, camera.height), cv2.CV_32FC1
    )
    return np.asarray(across), np.asarray(down)
