"""`poster.webp` and `strip.webp`: what the player shows before it plays, and while one looks for a moment."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_common.tasks import MadeFile
from PIL import Image

from immichvr_video_depth.engine.frames import DepthFrame
from immichvr_video_depth.outputs.clip import Clip

Picture = npt.NDArray[np.uint8]
_WEBP = "image/webp"

_POSTER_SIDE = 1280
_POSTER_UNTIL_S = 10
_POSTER_EVERY_S = Fraction(1, 2)

_TILE_SIDE = 160
_COLUMNS = 10
_MOST_TILES = 100
_FIRST_EVERY_S = 0.5


class Poster:
    """The frame with the most contrast among those of the first ten seconds, two a second: hardly a black one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._best: Picture | None = None
        self._contrast = -1.0
        self._is_new = False
        self._parts: list[Path] = []

    def write(self, frame: DepthFrame) -> None:
        """The next frame."""
        is_next = frame.time % _POSTER_EVERY_S < frame.duration
        if self._best is not None and (frame.time > _POSTER_UNTIL_S or not is_next):
            return
        height, width = frame.rgb.shape[:2]
        self._is_new |= self._see(_resized(frame.rgb, *_size_within(width, height, _POSTER_SIDE)))

    def seal(self) -> list[Path]:
        """The best so far, where it is another than at the last seal."""
        if not self._is_new or self._best is None:
            return []
        path = self._folder / f"poster-{len(self._parts) + 1:05}.png"
        Image.fromarray(self._best).save(path, compress_level=1)
        self._parts.append(path)
        self._is_new = False
        return [path]

    def resume(self, parts: Sequence[Path]) -> None:
        """Go on after these."""
        self._parts = list(parts)
        for path in parts:
            with Image.open(path) as image:
                self._see(np.asarray(image.convert("RGB")))

    def finish(self) -> list[MadeFile]:
        """The picture."""
        _forget(self._parts)
        if self._best is None:
            return []
        Image.fromarray(self._best).save(self._folder / "poster.webp", quality=85, method=2)
        return [MadeFile("poster.webp", "poster", "webp", _WEBP)]

    def abandon(self) -> None:
        """Leave nothing behind."""
        _forget([*self._parts, self._folder / "poster.webp"])

    def details(self) -> dict[str, Any]:
        """Nothing that the picture does not tell."""
        return {}

    def _see(self, picture: Picture) -> bool:
        contrast = float(picture.std(axis=(0, 1)).mean())
        if contrast <= self._contrast:
            return False
        self._best, self._contrast = picture, contrast
        return True


class Strip:
    """Tiles of moments at equal distances in one picture, row by row: a hundred at most, however long the video is."""

    def __init__(self, folder: Path, clip: Clip) -> None:
        self._folder = folder
        self._width, self._height = _size_within(clip.width, clip.height, _TILE_SIDE)
        self._every_s = _FIRST_EVERY_S
        self._tiles: list[Picture] = []
        self._new: list[Picture] = []
        self._parts: list[Path] = []

    def write(self, frame: DepthFrame) -> None:
        """The next frame."""
        while frame.time >= len(self._tiles) * self._every_s:
            tile = _resized(frame.rgb, self._width, self._height)
            self._new.append(tile)
            self._take(tile)

    def seal(self) -> list[Path]:
        """The tiles since the last seal, one below the other."""
        if not self._new:
            return []
        path = self._folder / f"strip-{len(self._parts) + 1:05}.png"
        Image.fromarray(np.concatenate(self._new)).save(path, compress_level=1)
        self._parts.append(path)
        self._new = []
        return [path]

    def resume(self, parts: Sequence[Path]) -> None:
        """Go on after these."""
        self._parts = list(parts)
        for path in parts:
            with Image.open(path) as image:
                tiles = np.asarray(image.convert("RGB"))
            for top in range(0, len(tiles), self._height):
                self._take(tiles[top : top + self._height])

    def finish(self) -> list[MadeFile]:
        """The picture."""
        _forget(self._parts)
        if not self._tiles:
            return []
        columns, rows = self._grid()
        width, height = self._width, self._height
        sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
        for number, tile in enumerate(self._tiles):
            row, column = divmod(number, columns)
            sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = tile
        Image.fromarray(sheet).save(self._folder / "strip.webp", quality=75, method=2)
        return [MadeFile("strip.webp", "strip", "webp", _WEBP)]

    def abandon(self) -> None:
        """Leave nothing behind."""
        _forget([*self._parts, self._folder / "strip.webp"])

    def details(self) -> dict[str, Any]:
        """The grid; tile i shows the moment i * every_s."""
        if not self._tiles:
            return {}
        columns, rows = self._grid()
        grid = {"columns": columns, "rows": rows, "tile": [self._width, self._height], "every_s": self._every_s}
        return {"strip": {**grid, "count": len(self._tiles)}}

    def _take(self, tile: Picture) -> None:
        self._tiles.append(tile)
        if len(self._tiles) > _MOST_TILES:
            self._tiles = self._tiles[::2]
            self._every_s *= 2

    def _grid(self) -> tuple[int, int]:
        return min(_COLUMNS, len(self._tiles)), -(-len(self._tiles) // _COLUMNS)


def _size_within(width: int, height: int, side: int) -> tuple[int, int]:
    """Of the same shape, its longer side no longer than `side`."""
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _resized(rgb: Picture, width: int, height: int) -> Picture:
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _forget(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
