"""Which way things fell where a photo was taken, so that its horizon can be laid level.

Sources: ExifTool's tables of Apple (AccelerationVector, with signs as Core Motion has them: gravity, along the screen's
right, the phone's top, and out of the screen) and of DJI (the gimbal's angles in XMP); EXIF 2.31
(CameraElevationAngle).
"""

import math
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from PIL import ExifTags

from immichvr_media.apple_note import AppleValue, apple_value
from immichvr_media.xmp import all_properties

Gravity = tuple[float, float, float]
"""Of length 1, in OpenCV's axes of the upright picture's camera: x right, y down, z ahead."""

_DJI_NAMESPACE = "http://www.dji.com/drone-dji/1.0/"
_APPLE_ACCELERATION = 0x08
_ELEVATION = 0x9405
_SIGNED_RATIONAL = 10
# A hand that shakes or swings adds to it; then it does not tell what is down.
_LEAST_G, _MOST_G = 0.85, 1.15
# A picture that lies on its side was turned after it was taken, and nobody knows how.
_MOST_ROLL = math.radians(30)
# The plane of the picture, as EXIF's orientations turn it: x and y of the upright one from those of the stored.
_TURNS = {
    1: (1, 0, 0, 1), 2: (-1, 0, 0, 1), 3: (-1, 0, 0, -1), 4: (1, 0, 0, -1),
    5: (0, 1, 1, 0), 6: (0, -1, 1, 0), 7: (0, -1, -1, 0), 8: (0, 1, -1, 0),
}  # fmt: skip


def gravity_in(exif: Mapping[int, object], orientation: int, roots: Sequence[Element]) -> Gravity | None:
    """Where gravity pulled, as Apple's maker note, DJI's XMP or EXIF tells.

    exif: the EXIF sub-directory by tag number, of which the lens's name tells the camera on a phone's face from that on
    its back; orientation: EXIF's, 1..8; roots: of XMP. None where nobody tells, or what is told cannot be of the
    picture as it is shown.
    """
    maker_note, lens = exif.get(ExifTags.Base.MakerNote), exif.get(ExifTags.Base.LensModel)
    fallen = _of_phone(maker_note, lens, orientation) or _of_drone(roots) or _of_elevation(exif.get(_ELEVATION))
    if fallen is None:
        return None
    x, y, _ = fallen
    steep = math.hypot(x, y) < math.sin(_MOST_ROLL)
    return fallen if steep or abs(math.atan2(x, y)) <= _MOST_ROLL else None


def _of_phone(maker_note: object, lens: object, orientation: int) -> Gravity | None:
    value = apple_value(maker_note, _APPLE_ACCELERATION)
    if value is None or "front" in str(lens or "").lower():
        return None
    felt = _rationals(value)
    size = math.sqrt(sum(part * part for part in felt))
    if len(felt) != 3 or not _LEAST_G <= size <= _MOST_G:
        return None
    right, top, out = (part / size for part in felt)
    # The camera's pixels are stored with the phone's top to the left, and it looks out of its back.
    stored_x, stored_y = -top, -right
    a, b, c, d = _TURNS.get(orientation, _TURNS[1])
    return a * stored_x + b * stored_y, c * stored_x + d * stored_y, -out


def _rationals(value: AppleValue) -> list[float]:
    if value.kind != _SIGNED_RATIONAL or len(value.data) != 8 * value.count or value.count > 3:
        return []
    numbers = [
        int.from_bytes(value.data[at : at + 4], value.byte_order, signed=True) for at in range(0, len(value.data), 4)
    ]
    pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
    return [above / below for above, below in pairs if below]


def _of_drone(roots: Sequence[Element]) -> Gravity | None:
    if not roots:
        return None
    told = all_properties(roots, _DJI_NAMESPACE)
    pitch, roll = (_radians(told.get(f"Gimbal{name}Degree", "")) for name in ("Pitch", "Roll"))
    if pitch is None:
        return None
    roll = roll or 0.0
    return math.sin(roll) * math.cos(pitch), math.cos(roll) * math.cos(pitch), -math.sin(pitch)


def _of_elevation(degrees: object) -> Gravity | None:
    """Of a camera that tells how far up it looked; that it was held level beside that is what photos mostly are."""
    pitch = None if degrees is None else _radians(str(degrees))
    return None if pitch is None or abs(pitch) > math.pi / 2 else (0.0, math.cos(pitch), -math.sin(pitch))


def _radians(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return math.radians(number) if abs(number) <= 180 else None
