"""From an opened photo to the upright depth map it carries."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np
import numpy.typing as npt

from immichvr_media.apple_depth import apple_depth
from immichvr_media.carried import CarriedDepth, DepthUnusable, StoredDepth
from immichvr_media.formats import Format
from immichvr_media.google_depth import DYNAMIC_NAMESPACE, GDEPTH_NAMESPACE, GoogleXmp, google_depth
from immichvr_media.limits import DecodeLimits
from immichvr_media.opening import LoadedImage, OpenedImage
from immichvr_media.orientation import UPRIGHT, swaps_sides, upright_array
from immichvr_media.xmp import NOTE_NAMESPACE, XmpUnusable, all_properties, extended_packet, parse_packet

_DEPTH_NAMESPACES = tuple(name.encode() for name in (GDEPTH_NAMESPACE, DYNAMIC_NAMESPACE))
_ASPECT_TOLERANCE = 0.03


@dataclass(frozen=True)
class UprightFrame:
    """The upright photo that a depth map belongs to: its size and focal length in pixels."""

    width: int
    height: int
    focal_px: float


def read_carried_depth(
    opened: OpenedImage, loaded: LoadedImage, frame: UprightFrame, limits: DecodeLimits, notes: list[str]
) -> CarriedDepth | None:
    """The depth map of a photo, upright; one that cannot be used is left out and noted."""
    try:
        stored = _stored_depth(opened, limits, notes)
        if stored is None:
            return None
        _check_relief(stored.depth)
        turn = _turn(stored.depth.shape, loaded, opened.format, frame)
        depth = upright_array(stored.depth, turn)
        if stored.along_rays:
            depth = _along_axis(depth, frame)
        confidence = None if stored.confidence is None else upright_array(stored.confidence, turn)
        return CarriedDepth(depth, stored.metric, stored.source, confidence)
    except (DepthUnusable, XmpUnusable) as error:
        notes.append(f"carried depth left out: {error}")
        return None


def _stored_depth(opened: OpenedImage, limits: DecodeLimits, notes: list[str]) -> StoredDepth | None:
    if opened.format is Format.HEIC:
        found = apple_depth(opened.image.info.get("depth_images", []), opened.data, limits, notes)
        if found is not None:
            return found
    roots = _xmp_roots(opened, limits)
    if not roots:
        return None
    end = opened.layout.end if opened.layout else len(opened.data)
    return google_depth(GoogleXmp(roots, opened.data, end, limits), notes)


def _xmp_roots(opened: OpenedImage, limits: DecodeLimits) -> Sequence[Element]:
    """The packets of a photo whose XMP speaks of depth; photos without it cost a text search."""
    packet = opened.xmp
    if packet is None:
        return []
    extended = b"HasExtendedXMP" in packet
    if not extended and not _speaks_of_depth(packet):
        return []
    roots = [parse_packet(packet, limits)]
    guid = all_properties(roots, NOTE_NAMESPACE).get("HasExtendedXMP")
    if guid and opened.layout:
        more = extended_packet(opened.data, opened.layout, guid, limits)
        if _speaks_of_depth(more):
            roots.append(parse_packet(more, limits))
    return roots


def _speaks_of_depth(packet: bytes) -> bool:
    return any(namespace in packet for namespace in _DEPTH_NAMESPACES)


def _check_relief(depth: npt.NDArray[np.float32]) -> None:
    if not np.isfinite(depth).all() or depth.min() <= 0:
        raise DepthUnusable("its values are not all finite and above 0")
    if depth.min() == depth.max():
        raise DepthUnusable("it has one and the same depth everywhere")


def _turn(shape: tuple[int, ...], loaded: LoadedImage, kind: Format, frame: UprightFrame) -> int:
    """The orientation to undo in a depth map: that of the photo, unless its shape says it is upright already.

    XMP maps are stored as the photo's pixels are. A HEIC's depth image has a turn of its own, which libheif
    has applied; only a shape that fits the photo lying on its side shows that it was missing.
    """
    if not swaps_sides(loaded.orientation):
        return UPRIGHT if kind is Format.HEIC else loaded.orientation
    aspect = shape[1] / shape[0]
    fits_upright = _close(aspect, frame.width / frame.height)
    fits_stored = _close(aspect, frame.height / frame.width)
    if kind is Format.HEIC:
        return loaded.orientation if fits_stored and not fits_upright else UPRIGHT
    return UPRIGHT if fits_upright and not fits_stored else loaded.orientation


def _close(a: float, b: float) -> bool:
    return abs(a / b - 1) < _ASPECT_TOLERANCE


def _along_axis(ranges: npt.NDArray[np.float32], frame: UprightFrame) -> npt.NDArray[np.float32]:
    """Depth along the optical axis from ranges along the pixels' rays, for a pinhole in the middle."""
    height, width = ranges.shape
    focal = frame.focal_px * width / frame.width
    x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / focal
    y = (np.arange(height, dtype=np.float32) + 0.5 - height / 2) / focal
    slant = np.sqrt(1 + np.square(x)[None, :] + np.square(y)[:, None])
    return np.asarray(ranges / slant, dtype=np.float32)
