"""Depth of every picture of a place: seen by its neighbours, and where they cannot tell, by a network."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_inference.context import RunContext
from immichvr_splats.threads import workers

from immichvr_scenes.arrays import write_array
from immichvr_scenes.cameras import View
from immichvr_scenes.pictures import Picture
from immichvr_scenes.points.fitting import fitted
from immichvr_scenes.points.guessing import network_depth
from immichvr_scenes.points.neighbours import neighbours_of
from immichvr_scenes.points.sweeping import Grey, swept
from immichvr_scenes.poses.placing import USUAL_DISTANCE
from immichvr_scenes.poses.result import SparsePoints
from immichvr_scenes.progress import Report, silent

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_NEIGHBOURS = 4
_REACH = (0.7, 1.5)
"""Of the nearest and the farthest point that a view is known to see, where depth is looked for."""
_ANYWHERE = (0.15, 6.0)
"""Of the usual distance, where nothing is known."""
_WORST_FIT = 0.15
"""Relative error at known points above which a network's depth is not believed."""


@dataclass(frozen=True)
class DepthOptions:
    """How depth is found. longest_side: pixels of the maps. likeness: 0 to 1, below which neighbours do not tell.

    network: its key; "": the best that is here; None: none. threads: None: every core, eight at most.
    """

    longest_side: int = 400
    likeness: float = 0.65
    network: str | None = ""
    threads: int | None = None


USUAL = DepthOptions()


def dense_depth(
    pictures: Sequence[Picture],
    sparse: SparsePoints,
    folder: Path,
    options: DepthOptions = USUAL,
    report: Report = silent,
    context: RunContext | None = None,
) -> list[Picture]:
    """The pictures with depth maps as files in `folder`, float32 in the unit of their world, 0 where it is not known.

    sparse: points that the pictures' views show, numbered as the pictures are. context: networks, if there are any;
    what they see is fitted to what is known of each view, and fills what the neighbours leave open.
    """
    folder.mkdir(parents=True, exist_ok=True)
    seen = [_Seen.of(number, picture, sparse) for number, picture in enumerate(pictures)]
    neighbours = neighbours_of([picture.view for picture in pictures], [one.middle for one in seen], _NEIGHBOURS)
    greys = _Greys(pictures, options.longest_side)
    threads = options.threads or workers()

    def work(number: int) -> Path:
        others = [greys[other] for other in neighbours[number]]
        return _written(folder, pictures[number], greys[number], others, seen[number], options, context)

    made = []
    pool = ThreadPoolExecutor(threads)
    try:
        for number, path in enumerate(pool.map(work, range(len(pictures)))):
            report((number + 1) / len(pictures), "points", f"depth of picture {number + 1} of {len(pictures)}")
            made.append(replace(pictures[number], depth=path))
    finally:
        pool.shutdown(cancel_futures=True)
    return made


@dataclass(frozen=True, eq=False)
class _Seen:
    """What is known of a view beforehand. pixels: (n, 2) of its camera; depth: (n,)."""

    pixels: F64
    depth: F64

    @classmethod
    def of(cls, number: int, picture: Picture, sparse: SparsePoints) -> _Seen:
        points, pixels = sparse.of_view(number)
        _, depth = picture.view.projected(points)
        ahead = depth > 0
        return cls(pixels[ahead], depth[ahead])

    @property
    def middle(self) -> float:
        return float(np.median(self.depth)) if len(self.depth) else USUAL_DISTANCE

    @property
    def reach(self) -> tuple[float, float]:
        if len(self.depth) < 5:
            return _ANYWHERE[0] * USUAL_DISTANCE, _ANYWHERE[1] * USUAL_DISTANCE
        near, far = np.percentile(self.depth, (1, 99))
        return float(near * _REACH[0]), float(far * _REACH[1])


class _Greys:
    """Pictures as they are compared, the last few in memory."""

    def __init__(self, pictures: Sequence[Picture], longest_side: int) -> None:
        self._pictures, self._longest_side = pictures, longest_side
        self._kept: OrderedDict[int, Grey] = OrderedDict()
        self._lock = Lock()

    def __getitem__(self, number: int) -> Grey:
        with self._lock:
            if number in self._kept:
                self._kept.move_to_end(number)
                return self._kept[number]
        picture = self._pictures[number]
        small = picture.with_view(_reduced(picture.view, self._longest_side))
        made = Grey(small.view, cv2.cvtColor(small.read_image(), cv2.COLOR_RGB2GRAY).astype(np.float32))
        with self._lock:
            self._kept[number] = made
            while len(self._kept) > 8 * _NEIGHBOURS:
                self._kept.popitem(last=False)
        return made


def _reduced(view: View, longest_side: int) -> View:
    camera = view.camera
    scale = min(1.0, longest_side / max(camera.width, camera.height))
    return view.scaled(max(1, round(camera.width * scale)), max(1, round(camera.height * scale)))


def _written(
    folder: Path,
    picture: Picture,
    grey: Grey,
    others: Sequence[Grey],
    seen: _Seen,
    options: DepthOptions,
    context: RunContext | None,
) -> Path:
    depth = np.zeros(grey.grey.shape, np.float32)
    if others:
        found = swept(grey, others, *seen.reach)
        depth = np.where(found.likeness >= options.likeness, found.depth, np.float32(0))
    if context is not None and options.network is not None and (depth == 0).any():
        depth = _filled(depth, picture, grey.view, seen, options, context)
    path = folder / f"{picture.name.replace('/', '_')}.depth.npy"
    write_array(path, depth)
    return path


def _filled(depth: F32, picture: Picture, view: View, seen: _Seen, options: DepthOptions, context: RunContext) -> F32:
    """What neighbours left open, by a network's depth, brought onto everything that is known of this view."""
    guess = network_depth(picture.read_image(), picture.view.camera.fx, options.network or "", context)
    if guess is None:
        return depth
    height, width = depth.shape
    guess = np.asarray(cv2.resize(guess, (width, height), interpolation=cv2.INTER_LINEAR))
    scale = width / picture.view.camera.width
    rows, columns = np.nonzero(depth)
    pixels = np.concatenate([seen.pixels * scale, np.stack([columns, rows], axis=1) + 0.5])
    fit = fitted(guess, pixels, np.concatenate([seen.depth, depth[rows, columns]]))
    if fit is None or fit.error > _WORST_FIT:
        return depth
    return np.where(depth > 0, depth, fit.depth)
