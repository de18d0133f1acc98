"""The pictures that a moving camera sees."""

from __future__ import annotations

import cv2
import numpy as np
from immichvr_depth import Layers
from immichvr_depth.compiled import Bytes, Floats, Indices, Mask, kernel

from immichvr_video_depth.motion.camera import REACH, View
from immichvr_video_depth.motion.warping import warp

_AROUND = 5  # pixels around what is hidden that belong to the background's picture
_PARTED = 2.0  # pixels by which layers have parted when nothing of a blend may be left
_SEAM = 4  # rows between photo and background, for a filter's reach


class Scene:
    """Two layers, ready to be seen from places near the photo's own."""

    def __init__(self, layers: Layers) -> None:
        self.layers = layers
        differs = (layers.background_shift != layers.shift).astype(np.uint8)
        self._differs: Mask = cv2.dilate(differs, np.ones((_AROUND, _AROUND), np.uint8)).astype(np.bool_)
        blended = (layers.pure_rgb != layers.rgb).any(axis=2)
        self._rims = np.flatnonzero(blended)
        self._rim_colours = layers.rgb[blended].astype(np.float32)
        self._pure_colours = layers.pure_rgb[blended].astype(np.float32)
        self._reach = float(np.ptp(np.percentile(layers.shift[::4, ::4], REACH)))
        self._background = _with_seam(layers.background_rgb)

    def picture(self, view: View) -> Bytes:
        """(h, w, 3) uint8: what the camera sees; every pixel is covered, and without a movement it is the photo."""
        layers = self.layers
        photo = self._without_blends(view)
        warped = warp(layers.shift, layers.right, layers.down, layers.background_shift, self._differs, view)
        height = layers.shift.shape[0]
        rows = np.where(warped.y < height, warped.y, warped.y + np.float32(2 * _SEAM)) + np.float32(_SEAM)
        seen = cv2.remap(
            np.concatenate([_with_seam(photo), self._background]),
            warped.x,
            rows,
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        _soften(seen, photo.reshape(-1, 3), warped.edge, warped.edge_from)
        return np.asarray(seen, np.uint8)

    def _without_blends(self, view: View) -> Bytes:
        """The photo, its blended rims giving way to the colour of their own surface as the layers part."""
        apart = view.apart(self._reach, self.layers.shift.shape)
        share = np.float32(min(1.0, apart / _PARTED))
        photo = self.layers.rgb.copy()
        mixed = self._rim_colours + share * (self._pure_colours - self._rim_colours)
        photo.reshape(-1, 3)[self._rims] = np.rint(mixed)
        return photo


def _with_seam(picture: Bytes) -> Bytes:
    return np.asarray(cv2.copyMakeBorder(picture, _SEAM, _SEAM, 0, 0, cv2.BORDER_REPLICATE), np.uint8)


@kernel
def _soften(picture: Bytes, colours: Bytes, edge: Floats, edge_from: Indices) -> None:
    """Lays the soft edges of nearer things over the picture."""
    height, width = edge.shape
    for y in range(height):
        for x in range(width):
            share = edge[y, x]
            if share <= 0.0:
                continue
            at = edge_from[y, x]
            for channel in range(3):
                here = picture[y, x, channel]
                picture[y, x, channel] = np.uint8(here + share * (float(colours[at, channel]) - here) + 0.5)
