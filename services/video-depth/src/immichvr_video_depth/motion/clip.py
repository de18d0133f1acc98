"""A photo and its depth become a loop of two to four seconds that begins and ends at the photo itself."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from immichvr_depth import DepthMap, split_layers
from immichvr_depth.compiled import Bytes
from immichvr_video import Encoding, VideoWriter

from immichvr_video_depth.motion.camera import Travel, View, is_mirrored, views
from immichvr_video_depth.motion.chroma import for_coarse_chroma
from immichvr_video_depth.motion.pictures import Scene

FPS = 30
LONGER_SIDE, SHORTER_SIDE = 1920, 1080
MOST_BYTES_PER_S = 1_000_000
_THREADS = 2
_RENDERED = 0.8  # of the work
_QUALITIES = ((10, 23), (10, 26), (12, 30), (18, 34), (26, 36))
"""Quantiser of the first picture, which is the photo and is seen as such; and rate of all others. Tried in turn: what
moves gives way first."""


@dataclass(frozen=True)
class MotionClip:
    """What was written: pixels, pictures, seconds."""

    width: int
    height: int
    pictures: int
    seconds: float


def make_clip(
    rgb: Bytes, depth: DepthMap, focal_px: float, travel: Travel, path: Path, progress: Callable[[float], None]
) -> MotionClip:
    """Write the clip of a photo: H.264 High, 8 bits, silent, at most 1920×1080 or 1080×1920, 30 pictures a second.

    rgb: (h, w, 3) uint8, upright. depth: of the same view. focal_px: in pixels of `rgb`. progress: called with 0..1;
    may raise to stop. Raises LiftError where photo, depth or focal length cannot be right.
    """
    width, height = clip_size(rgb.shape[1], rgb.shape[0])
    picture = np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    scene = Scene(split_layers(picture, depth, focal_px * width / rgb.shape[1]))
    count = round(travel.seconds * FPS)
    way = views(scene.layers, travel, count)
    different = (count + 1) // 2 if is_mirrored(travel.path) else count
    with tempfile.TemporaryFile(dir=path.parent) as file:
        pictures = np.memmap(file, np.uint8, "w+", shape=(different, height, width, 3))
        for index, seen in enumerate(_rendered(scene, way[:different])):
            pictures[index] = for_coarse_chroma(seen)
            progress(_RENDERED * (index + 1) / different)
        order = [*range(different), *reversed(range(count - different))]
        _encode(pictures, order, path, lambda done: progress(_RENDERED + (1 - _RENDERED) * done))
    return MotionClip(width, height, count, count / FPS)


def clip_size(width: int, height: int) -> tuple[int, int]:
    """The size of a photo's clip: never larger than the photo, nor than LONGER_SIDE × SHORTER_SIDE; even."""
    scale = min(1.0, LONGER_SIDE / max(width, height), SHORTER_SIDE / min(width, height))
    return max(2, 2 * round(width * scale / 2)), max(2, 2 * round(height * scale / 2))


def _rendered(scene: Scene, way: list[View]) -> Iterator[Bytes]:
    """Pictures in order, a few ahead in other threads: most of the work runs without the interpreter's lock."""
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="pictures") as threads:
        ahead: deque[Future[Bytes]] = deque()
        try:
            for view in way:
                ahead.append(threads.submit(scene.picture, view))
                if len(ahead) > _THREADS:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for one in ahead:
                one.cancel()


def _encode(pictures: Bytes, order: list[int], path: Path, progress: Callable[[float], None]) -> None:
    """The pictures in this order, as well as the size allows. pictures: (n, h, w, 3)."""
    most = MOST_BYTES_PER_S * len(order) / FPS
    for first, others in _QUALITIES:
        encoding = Encoding(
            width=pictures.shape[2],
            height=pictures.shape[1],
            fps=Fraction(FPS),
            quality=others,
            exact=True,
            options={"g": str(len(order)), "x264-params": f"zones=0,0,q={first}:chroma-qp-offset=-3"},
        )
        with VideoWriter(path, encoding) as writer:
            for at, index in enumerate(order):
                writer.write(np.array(pictures[index]), Fraction(at, FPS), Fraction(1, FPS))
                progress((at + 1) / len(order))
        if path.stat().st_size <= most:
            return
