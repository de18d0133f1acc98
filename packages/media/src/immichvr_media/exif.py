"""The few EXIF tags this package needs, read without trusting them."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from PIL import ExifTags, Image

from immichvr_media.orientation import UPRIGHT, valid_orientation

# DCF 2.0: Adobe RGB is colour space "uncalibrated" with interoperability index R03.
_UNCALIBRATED = 0xFFFF
_INTEROP_INDEX = 1

_READ_ERRORS = (SyntaxError, OSError, ValueError, TypeError, LookupError, ArithmeticError, struct.error)


@dataclass(frozen=True)
class ExifFacts:
    """orientation: 1..8 as written in the file; directory: the EXIF sub-directory by tag number;
    adobe_rgb: the colours are Adobe RGB, as cameras say it that write no profile."""

    orientation: int = UPRIGHT
    directory: Mapping[int, object] = field(default_factory=dict)
    adobe_rgb: bool = False


def read_exif(image: Image.Image, notes: list[str]) -> ExifFacts:
    """The EXIF of an opened picture; unreadable EXIF counts as none and is noted."""
    try:
        exif = image.getexif()
        orientation = valid_orientation(exif.get(ExifTags.Base.Orientation))
        directory = dict(exif.get_ifd(ExifTags.IFD.Exif))
        uncalibrated = directory.get(ExifTags.Base.ColorSpace) == _UNCALIBRATED
        adobe_rgb = uncalibrated and exif.get_ifd(ExifTags.IFD.Interop).get(_INTEROP_INDEX) == "R03"
        return ExifFacts(orientation, directory, adobe_rgb)
    except _READ_ERRORS as error:
        notes.append(f"EXIF left out: {error}")
        return ExifFacts()
