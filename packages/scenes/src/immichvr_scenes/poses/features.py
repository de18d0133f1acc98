"""What is recognised in frames: SIFT features, found by COLMAP in pixels that are handed to it, never in files."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import local

import numpy as np
import numpy.typing as npt
import pycolmap
from immichvr_media import decode_photo

from immichvr_scenes.frames import Frame
from immichvr_scenes.frames.sharpness import grey_of

F32 = npt.NDArray[np.float32]

MOST = 2000
"""Features of one frame, the largest."""
LONGEST_SIDE = 1600

pycolmap.logging.minloglevel = pycolmap.logging.FATAL.value


@dataclass(frozen=True, eq=False)
class Features:
    """keypoints: (n, 4) float32, x, y, scale, direction, in pixels of the frame. descriptors: (n, 128) uint8."""

    keypoints: F32
    descriptors: npt.NDArray[np.uint8]

    @property
    def count(self) -> int:
        """How many."""
        return len(self.keypoints)


def features_of(frames: Sequence[Frame], threads: int) -> Generator[Features]:
    """Those of each frame, in their order; as many frames are in memory as there are threads, and a few more."""
    extractors = local()
    pool = ThreadPoolExecutor(threads)
    try:
        waiting = []
        for frame in frames:
            waiting.append(pool.submit(partial(_extracted, extractors, frame)))
            if len(waiting) > 2 * threads:
                yield waiting.pop(0).result()
        for one in waiting:
            yield one.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _extracted(extractors: local, frame: Frame) -> Features:
    if not hasattr(extractors, "own"):
        extractors.own = _extractor()
    grey = grey_of(decode_photo(frame.path).rgb, LONGEST_SIDE)
    found, described = extractors.own.extract_from_uint8_array(grey)
    keypoints = np.array(pycolmap.keypoints_to_matrix(found))
    scale = frame.width / grey.shape[1]
    keypoints[:, :3] *= np.float32(scale)
    return Features(keypoints, np.array(described.data))


def _extractor() -> pycolmap.FeatureExtractor:
    options = pycolmap.FeatureExtractionOptions()
    options.use_gpu, options.num_threads = False, 1
    options.sift.max_num_features = MOST
    options.sift.first_octave = 0  # not enlarged: a quarter of the work, and the largest features are what is kept
    return pycolmap.FeatureExtractor.create(options, pycolmap.Device.cpu)
