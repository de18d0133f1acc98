"""The colour profile of an opened photo, carried in it or named by number."""

from collections.abc import Mapping

from immichvr_media.boxes import BoxesUnusable, colour_code_points
from immichvr_media.code_points import profile_for_code_points
from immichvr_media.formats import Format
from immichvr_media.limits import DecodeLimits


def photo_profile(
    kind: Format, info: Mapping[str | tuple[int, int], object], data: bytes, limits: DecodeLimits, notes: list[str]
) -> bytes | None:
    """An ICC profile for the photo's colours, None where they are sRGB or nothing is said about them."""
    icc = info.get("icc_profile")
    if isinstance(icc, bytes) and icc:
        if len(icc) <= limits.max_icc_bytes:
            return icc
        notes.append(f"colour profile left out: {len(icc)} bytes; the limit is {limits.max_icc_bytes} bytes")
        return None
    points = _code_points(kind, info, data, notes)
    return profile_for_code_points(*points, notes) if points else None


def _code_points(
    kind: Format, info: Mapping[str | tuple[int, int], object], data: bytes, notes: list[str]
) -> tuple[int, int] | None:
    """Colour primaries and transfer characteristics by their H.273 numbers."""
    if kind is Format.HEIC:
        nclx = info.get("nclx_profile")
        if isinstance(nclx, dict):
            return int(nclx["color_primaries"]), int(nclx["transfer_characteristics"])
    if kind is Format.AVIF:  # Pillow does not tell
        try:
            return colour_code_points(data)
        except BoxesUnusable as error:
            notes.append(f"colour code points left out: {error}")
    return None
