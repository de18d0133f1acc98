"""Focal length from EXIF, in pixels of the photo."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, SupportsFloat

EXIF_FOCAL_LENGTH = 0x920A
EXIF_FOCAL_LENGTH_35MM = 0xA405

# Rules and constants of apple/ml-sharp, sharp.utils.io: a photo gets the same scale here as there.
_FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)
_SMALL_SENSOR_BELOW_MM = 10.0
_SMALL_SENSOR_CROP = 8.4
_DEFAULT_35MM = 30.0
# No lens of any camera lies outside.
_SHORTEST_LENS_MM, _LONGEST_LENS_MM = 0.5, 10_000.0

FocalSource = Literal["exif_35mm", "exif_mm", "default"]


@dataclass(frozen=True)
class FocalLength:
    """A focal length in pixels of the upright photo, and where it comes from."""

    px: float
    source: FocalSource


def focal_length(exif: Mapping[int, object], width: int, height: int) -> FocalLength:
    """The focal length of a photo of `width` x `height` pixels from the tags of its EXIF sub-directory.

    Values that no lens has (below 0.5 mm, above 10 m, not a number) count as absent.
    """
    equivalent, source = _equivalent_35mm(exif)
    return FocalLength(equivalent * math.hypot(width, height) / _FILM_DIAGONAL_MM, source)


def _equivalent_35mm(exif: Mapping[int, object]) -> tuple[float, FocalSource]:
    equivalent = _millimetres(exif.get(EXIF_FOCAL_LENGTH_35MM))
    if equivalent >= 1:
        return equivalent, "exif_35mm"
    actual = _millimetres(exif.get(EXIF_FOCAL_LENGTH))
    if actual > 0:
        scale = _SMALL_SENSOR_CROP if actual < _SMALL_SENSOR_BELOW_MM else 1.0
        return actual * scale, "exif_mm"
    return _DEFAULT_35MM, "default"


def _millimetres(value: object) -> float:
    """The value as a length a lens can have, else 0."""
    if not isinstance(value, SupportsFloat):
        return 0.0
    try:
        number = float(value)
    except (ArithmeticError, ValueError, TypeError):
        return 0.0
    return number if _SHORTEST_LENS_MM <= number <= _LONGEST_LENS_MM else 0.0
