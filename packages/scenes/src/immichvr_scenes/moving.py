"""What moved while pictures were taken: where a picture shows something else than all others that see the same place.

Each view says, by its own depth, what another should show; of several such sayings the median is taken. Where a picture
is far from it, and they agree among themselves, whatever it shows was not there for them: it moved.
Source of the idea: Sabour et al., "RobustNeRF: ignoring distractors with robust losses" (2023).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from immichvr_scenes.cameras import View
from immichvr_scenes.pictures import Picture
from immichvr_scenes.points.neighbours import neighbours_of
from immichvr_scenes.progress import Report, silent

F32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_NEIGHBOURS = 6
_READ = 0.3
"""Of the work, what is done when all pictures have been read once."""
_LEAST = 3
"""Other views that have to see a place before any of them is called wrong."""
_DIFFERENT = 26.0
"""Difference of colours, 0 to 255, beyond what views differ by themselves, that is no matter of light and focus."""
_SOMEWHAT = 12.0
"""The same of what hangs together with such."""
_SPREAD = 2.5
"""Times how far the others differ among themselves."""
_SAME_DEPTH = 0.05
_CLOSED = 7
_GROWN = 7
"""Pixels that a mask is dilated by: hair, shadows and blur lie around what moves."""
_MOST = 0.5
"""Share of a picture; where more seems to move, it is the depth that is wrong."""


@dataclass(frozen=True)
class MovingOptions:
    """longest_side: pixels at which pictures are compared. least_area: share of a picture below which nothing moved."""

    longest_side: int = 320
    least_area: float = 0.003


USUAL = MovingOptions()


def mask_moving(
    pictures: Sequence[Picture], folder: Path, options: MovingOptions = USUAL, report: Report = silent
) -> list[Picture]:
    """The pictures with masks in `folder` that leave out what moved; those in which nothing did are as they were.

    pictures: with depth, which is what most of them agree on; a few are in memory at once.
    """
    folder.mkdir(parents=True, exist_ok=True)
    seen = _Looks(pictures, options.longest_side)
    middles = []
    for number in range(len(pictures)):
        report(_READ * number / len(pictures), "points", "which pictures see the same")
        middles.append(seen[number].middle)
    neighbours = neighbours_of([picture.view for picture in pictures], middles, _NEIGHBOURS)
    made = []
    for number, picture in enumerate(pictures):
        moved = _moved(seen[number], [seen[other] for other in neighbours[number]], options)
        made.append(picture if moved is None else _masked(picture, ~moved, folder))
        done = _READ + (1 - _READ) * (number + 1) / len(pictures)
        report(done, "points", f"what moves in picture {number + 1} of {len(pictures)}")
    return made


@dataclass(frozen=True, eq=False)
class _Look:
    """A picture as it is compared. view: whose camera has this size; rgb: (h, w, 3), smoothed; depth: (h, w)."""

    view: View
    rgb: F32
    depth: F32

    @property
    def middle(self) -> float:
        known = self.depth[self.depth > 0]
        return float(np.median(known)) if len(known) else 1.0


class _Looks:
    """Pictures as they are compared, the last few in memory."""

    def __init__(self, pictures: Sequence[Picture], longest_side: int) -> None:
        self._pictures, self._longest_side = pictures, longest_side
        self._kept: OrderedDict[int, _Look] = OrderedDict()

    def __getitem__(self, number: int) -> _Look:
        if number not in self._kept:
            self._kept[number] = self._made(self._pictures[number])
            while len(self._kept) > 4 * _NEIGHBOURS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]

    def _made(self, picture: Picture) -> _Look:
        camera = picture.view.camera
        scale = min(1.0, self._longest_side / max(camera.width, camera.height))
        small = picture.with_view(
            picture.view.scaled(max(1, round(camera.width * scale)), max(1, round(camera.height * scale)))
        )
        depth = small.read_depth()
        if depth is None:
            raise ValueError(f"{picture.name} has no depth, without which nothing tells what moves")
        rgb = cv2.GaussianBlur(small.read_image().astype(np.float32), (0, 0), 1.2)
        return _Look(small.view, np.asarray(rgb), np.where(np.isfinite(depth), depth, 0).astype(np.float32))


def _moved(own: _Look, others: Sequence[_Look], options: MovingOptions) -> Mask | None:
    """(h, w), True where something moved; None where nothing did, or nobody can tell."""
    if len(others) < _LEAST:
        return None
    told = np.stack([_told(other, own.view) for other in others])
    counted = np.isfinite(told[..., 0]).sum(axis=0)
    sure = counted >= _LEAST
    if not sure.any():
        return None
    seen = told[:, sure]
    middle = np.nanmedian(seen, axis=0)
    spread = np.nanmedian(np.abs(seen - middle), axis=0).max(axis=1)
    away = np.abs(own.rgb[sure] - middle).max(axis=1)
    excess = np.zeros(own.depth.shape, np.float32)
    excess[sure] = away - _SPREAD * spread
    return _cleaned(excess, options)


def _told(other: _Look, view: View) -> F32:
    """What `view` should show as another sees it, (h, w, 3); NaN where that says nothing."""
    height, width = view.camera.height, view.camera.width
    rows, columns = np.nonzero(other.depth > 0)
    points = other.view.unprojected(other.depth)[rows, columns]
    pixels, depth = view.projected(points)
    with np.errstate(invalid="ignore"):
        inside = ((pixels >= 0) & (pixels < [width, height])).all(axis=1)
    x, y = pixels[inside].astype(int).T
    at, depth = y * width + x, depth[inside]
    nearest = np.full(height * width, np.inf)
    np.minimum.at(nearest, at, depth)
    # Through gaps between the points of what is near, what is behind it shows: its neighbours say so.
    around = cv2.erode(nearest.reshape(height, width).astype(np.float32), np.ones((3, 3), np.uint8)).ravel()
    front = depth <= around[at] * (1 + _SAME_DEPTH)
    told = np.full((height * width, 3), np.nan, np.float32)
    order = np.argsort(-depth[front], kind="stable")
    told[at[front][order]] = other.rgb[rows[inside][front][order], columns[inside][front][order]]
    return told.reshape(height, width, 3)


def _cleaned(excess: F32, options: MovingOptions) -> Mask | None:
    """What is different beyond doubt, and what hangs together with it and is somewhat different; no small spots."""
    beyond = cv2.blur((excess > _DIFFERENT).astype(np.float32), (5, 5)) > 0.5
    somewhat = cv2.blur((excess > _SOMEWHAT).astype(np.float32), (5, 5)) > 0.4
    closed = cv2.morphologyEx(
        (somewhat | beyond).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((_CLOSED, _CLOSED), np.uint8)
    )
    count, labels = cv2.connectedComponents(closed, connectivity=8)
    sure = np.bincount(labels[beyond], minlength=count)
    large = np.flatnonzero(sure >= options.least_area * excess.size)
    moved = np.isin(labels, large[large > 0])
    if not 0 < moved.mean() < _MOST:
        return None
    return np.asarray(cv2.dilate(moved.astype(np.uint8), np.ones((_GROWN, _GROWN), np.uint8)) > 0)


def _masked(picture: Picture, still: Mask, folder: Path) -> Picture:
    """The picture that is known only where it was, and where nothing moved."""
    size = (picture.view.camera.width, picture.view.camera.height)
    mask = np.asarray(cv2.resize(still.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0)
    before = picture.read_mask()
    if before is not None:
        mask &= before
    path = folder / f"{picture.name.replace('/', '_')}.mask.png"
    Image.fromarray(mask.astype(np.uint8) * 255).save(path)
    return replace(picture, mask=path)
