"""Maps at another size: bilinear, corners on corners."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt


def resized(values: npt.NDArray[np.float32], width: int, height: int) -> npt.NDArray[np.float32]:
    """A map (h, w) float32 at another size, (height, width) float32; the corners' pixels stay the corners'.

    Not antialiased: this is how Video Depth Anything brings its maps to the size of the frames.
    """
    rows, columns = values.shape
    if (rows, columns) == (height, width):
        return values.copy()
    matrix = np.array([[_step(columns, width), 0, 0], [0, _step(rows, height), 0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    made: npt.NDArray[np.float32] = cv2.warpAffine(
        values, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return made


def _step(source: int, target: int) -> float:
    return (source - 1) / (target - 1) if target > 1 else 0.0
