"""Pictures made ready for chroma of half the resolution, which is what bounds how like a photo a film can be."""

from __future__ import annotations

import cv2
import numpy as np
from immichvr_depth.compiled import Bytes

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # BT.709
_MEAN_OVER_LUMA = (np.float32(1 / 3) - _LUMA)[None]


def for_coarse_chroma(picture: Bytes) -> Bytes:
    """(h, w, 3) uint8, even: with its luma moved so that red, green and blue come back as they were on average.

    What of chroma is finer than two pixels is lost to a 4:2:0 film, while luma comes back. As red, green and blue weigh
    differently in luma, their mean is then off by what of mean − luma is so fine. Moved by it, luma gives the least
    squared error of the three; chroma does not change.
    """
    height, width = picture.shape[:2]
    apart = cv2.transform(picture.astype(np.float32), _MEAN_OVER_LUMA)
    coarse = cv2.resize(apart, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    lost = apart - cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.add(picture, cv2.merge([lost, lost, lost]), dtype=cv2.CV_8U), np.uint8)
