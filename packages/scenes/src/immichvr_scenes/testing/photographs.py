"""Pictures of the room as files: photos with a focal length in their EXIF, clips, and what is true beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
from immichvr_video import Encoding, VideoWriter
from PIL import Image

from immichvr_scenes.cameras import View
from immichvr_scenes.pictures import Picture
from immichvr_scenes.testing.rooms import Room

U8 = npt.NDArray[np.uint8]

_FOCAL_35MM = 0xA405
_EXIF_DIRECTORY = 0x8769
_FILM_DIAGONAL_MM = float(np.hypot(36, 24))


def photograph(
    room: Room | Callable[[int], Room], views: Sequence[View], folder: Path, *, depth: bool = True
) -> list[Picture]:
    """Photos of all views as lossless files, and their true depth; room: also one for each picture's number."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    for number, view in enumerate(views):
        seen = (room(number) if callable(room) else room).look(view)
        image, true = folder / f"{view.name}.png", folder / f"{view.name}.npy"
        Image.fromarray(seen.rgb).save(image, compress_level=1)
        if depth:
            np.save(true, seen.depth)
        pictures.append(Picture(view, image, depth=true if depth else None))
    return pictures


def write_photo(path: Path, rgb: U8, focal_px: float | None = None) -> Path:
    """A JPEG as a phone writes it; focal_px: told as 35 mm equivalent, to the millimetre, if given."""
    exif = Image.Exif()
    if focal_px is not None:
        equivalent = focal_px * _FILM_DIAGONAL_MM / float(np.hypot(*rgb.shape[:2]))
        exif.get_ifd(_EXIF_DIRECTORY)[_FOCAL_35MM] = round(equivalent)
    Image.fromarray(rgb).save(path, quality=95, subsampling=0, exif=exif)
    return path


def write_clip(path: Path, frames: Iterable[U8], fps: int = 30) -> Path:
    """A video of these frames, (h, w, 3) uint8 each, all of one size; one at least."""
    step, rest = Fraction(1, fps), iter(frames)
    first = next(rest)
    with VideoWriter(path, Encoding(first.shape[1], first.shape[0])) as writer:
        for index, rgb in enumerate(chain([first], rest)):
            writer.write(rgb, index * step, step)
    return path
