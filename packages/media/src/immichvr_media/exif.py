"""The few EXIF tags this package needs, read without trusting them."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from PIL import ExifTags, Image

from immichvr_media.orientation import UPRIGHT, valid_orientation

_READ_ERRORS = (SyntaxError, OSError, ValueError, TypeError, LookupError, ArithmeticError, struct.error)


@dataclass(frozen=True)
class ExifFacts:
    """orientation: 1..8 as written in the file; directory: the EXIF sub-directory by tag number."""

    orientation: int = UPRIGHT
    directory: Mapping[int, object] = field(default_factory=dict)


def read_exif(image: Image.Image, notes: list[str]) -> ExifFacts:
    """The EXIF of an opened picture; unreadable EXIF counts as none and is noted."""
    try:
        exif = image.getexif()
        orientation = valid_orientation(exif.get(ExifTags.Base.Orientation))
        return ExifFacts(orientation, dict(exif.get_ifd(ExifTags.IFD.Exif)))
    except _READ_ERRORS as error:
        notes.append(f"EXIF left out: {error}")
        return ExifFacts()
