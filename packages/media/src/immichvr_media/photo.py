"""Decoding a photo: upright sRGB pixels, focal length, the depth it carries."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from immichvr_media.carried import CarriedDepth
from immichvr_media.colour import normalise_mode, to_srgb
from immichvr_media.depth_reading import UprightFrame, read_carried_depth
from immichvr_media.errors import ImageTooSmall, NotFlat
from immichvr_media.focal import FocalLength, focal_length
from immichvr_media.gravity import Gravity
from immichvr_media.limits import DecodeLimits
from immichvr_media.opening import load_image, open_image, read_source
from immichvr_media.orientation import upright_image
from immichvr_media.projection import is_flat

_DEFAULT_LIMITS = DecodeLimits()


@dataclass(frozen=True)
class Photo:
    """A decoded photo.

    rgb: (h, w, 3) uint8, sRGB, upright, transparency over white.
    focal: in pixels of `rgb`.
    depth: the depth map in the file, upright, at its own size; None where there is none.
    format: `jpeg`, `mpo`, `png`, `webp`, `heic`, `avif`, `tiff` or `gif`.
    orientation: the EXIF orientation 1..8 of the stored picture, already undone in `rgb`.
    notes: what was left out or repaired on the way, in words.
    gravity: which way things fall before its camera, (x right, y down, z ahead) of length 1; None where nobody tells.
    """

    rgb: npt.NDArray[np.uint8]
    focal: FocalLength
    depth: CarriedDepth | None
    format: str
    orientation: int
    notes: list[str] = field(default_factory=list)
    gravity: Gravity | None = None

    @property
    def width(self) -> int:
        """Columns of `rgb`."""
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        """Rows of `rgb`."""
        return int(self.rgb.shape[0])


def decode_photo(source: bytes | Path, limits: DecodeLimits = _DEFAULT_LIMITS) -> Photo:
    """Decodes a photo (the first frame, where there are several).

    Raises InvalidImage, ImageTooLarge, ImageTooSmall, UnsupportedImage or NotFlat; OSError where the path cannot be
    read.
    """
    notes: list[str] = []
    opened = open_image(read_source(source, limits), limits, notes)
    _refuse_spheres(opened.facts.projection, notes)
    loaded = load_image(opened, notes)
    picture = upright_image(to_srgb(normalise_mode(loaded.image), loaded.icc, notes), loaded.turn)
    if min(picture.size) < limits.min_side:
        raise ImageTooSmall(
            f"the photo is {picture.width}×{picture.height} pixels; at least {limits.min_side} on each side are needed"
        )
    focal = focal_length(opened.facts.directory, picture.width, picture.height)
    frame = UprightFrame(picture.width, picture.height, focal.px)
    return Photo(
        rgb=np.array(picture),
        focal=focal,
        depth=read_carried_depth(opened, loaded, frame, limits, notes),
        format=opened.format.value,
        orientation=loaded.orientation,
        notes=notes,
        gravity=opened.facts.gravity,
    )


def _refuse_spheres(projection: str | None, notes: list[str]) -> None:
    """Raises NotFlat where straight lines of the world are no straight lines of the picture."""
    if not is_flat(projection):
        raise NotFlat(projection or "")
    if projection is not None:
        notes.append(f"the photo's projection is {projection!r}; it is taken as a flat picture")
