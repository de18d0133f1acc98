"""Depth in Google's XMP: GDepth, with the map inside the packet, and Dynamic Depth 1.0, with the map appended.

Sources: developers.google.com/depthmap-metadata; Dynamic Depth 1.0 (2019-03-20), Container, Item, Depth Map.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np
import numpy.typing as npt

from immichvr_media.carried import DepthSource, DepthUnusable, StoredDepth
from immichvr_media.limits import DecodeLimits
from immichvr_media.range_coding import from_base64, from_range, unit_picture
from immichvr_media.xmp import all_properties, properties

GDEPTH_NAMESPACE = "http://ns.google.com/photos/1.0/depthmap/"
DYNAMIC_NAMESPACE = "http://ns.google.com/photos/dd/1.0/depthmap/"
# Dynamic Depth's own, and the successor that Ultra HDR photos use.
_ITEM_NAMESPACES = (
    "http://ns.google.com/photos/dd/1.0/item/",
    "http://ns.google.com/photos/1.0/container/item/",
)
_METRES_PER_UNIT = {"m": 1.0, "meters": 1.0, "mm": 1e-3}
_MAX_ITEMS = 100
_LENGTH = re.compile(r"\d{1,12}")
_PICTURE_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


@dataclass(frozen=True)
class GoogleXmp:
    """The packets of a file, the file itself and where its own picture ends."""

    roots: Sequence[Element]
    data: bytes
    picture_end: int
    limits: DecodeLimits


@dataclass(frozen=True)
class _Item:
    """An entry of a container directory: a file appended behind the photo, then `padding` bytes."""

    name: str
    length: int
    padding: int


def google_depth(xmp: GoogleXmp, notes: list[str]) -> StoredDepth | None:
    """The depth map that a file's XMP describes, None where it describes none; raises DepthUnusable."""
    gdepth = all_properties(xmp.roots, GDEPTH_NAMESPACE)
    if "Data" in gdepth or "DepthURI" in gdepth:
        return _stored_depth(xmp, gdepth, "gdepth", notes)
    for root in xmp.roots:
        for element in root.iter():
            dynamic = properties(element, DYNAMIC_NAMESPACE)
            if "DepthURI" in dynamic and dynamic.get("ItemSemantic", "Depth") == "Depth":
                return _stored_depth(xmp, dynamic, "dynamic_depth", notes)
    if "Format" in gdepth:
        raise DepthUnusable("its data is missing")
    return None


def _stored_depth(xmp: GoogleXmp, described: Mapping[str, str], source: DepthSource, notes: list[str]) -> StoredDepth:
    values = unit_picture(_picture(xmp, described, "Data", "DepthURI"), xmp.limits)
    depth = from_range(values, described.get("Format"), described.get("Near"), described.get("Far"))
    units = described.get("Units", "").lower()
    if units == "diopters":
        raise DepthUnusable("its unit is the dioptre, which is not read")
    return StoredDepth(
        depth=depth * np.float32(_METRES_PER_UNIT.get(units, 1.0)),
        metric=units in _METRES_PER_UNIT,
        source=source,
        confidence=_confidence(xmp, described, depth.shape, notes),
        along_rays=described.get("MeasureType", "").lower() == "opticray",
    )


def _confidence(
    xmp: GoogleXmp, described: Mapping[str, str], shape: tuple[int, ...], notes: list[str]
) -> npt.NDArray[np.float32] | None:
    if "Confidence" not in described and "ConfidenceURI" not in described:
        return None
    try:
        values = unit_picture(_picture(xmp, described, "Confidence", "ConfidenceURI"), xmp.limits)
        if values.shape != shape:
            raise DepthUnusable(f"its size is {values.shape}, the depth map's {shape}")
    except DepthUnusable as error:
        notes.append(f"confidence of the carried depth left out: {error}")
        return None
    return values


def _picture(xmp: GoogleXmp, described: Mapping[str, str], data_key: str, uri_key: str) -> bytes:
    if data_key in described:
        return from_base64(described[data_key], xmp.limits)
    return _appended_file(xmp, described.get(uri_key, ""))


def _appended_file(xmp: GoogleXmp, name: str) -> bytes:
    """The appended file of that name: counted back from the file's end, else on from the picture's end."""
    items = _items(xmp.roots)
    at = next((i for i, item in enumerate(items) if item.name == name), None)
    if at is None:
        raise DepthUnusable(f"the container has no item {name[:80]!r}")
    after = sum(item.length + item.padding for item in items[at + 1 :])
    before = sum(item.length + item.padding for item in items[1:at]) + items[0].padding
    item = items[at]
    from_end = len(xmp.data) - after - item.padding - item.length
    for start in (from_end, xmp.picture_end + before):
        stop = start + item.length
        if start >= xmp.picture_end and stop <= len(xmp.data) and xmp.data.startswith(_PICTURE_MAGIC, start):
            return xmp.data[start:stop]
    raise DepthUnusable(f"the item {name[:80]!r} of {item.length} bytes is not where the container says")


def _items(roots: Sequence[Element]) -> list[_Item]:
    """The directory of a container, in order; the first entry is the photo itself, with its padding."""
    found: list[_Item] = []
    for root in roots:
        for element in root.iter():
            for namespace in _ITEM_NAMESPACES:
                entry = properties(element, namespace)
                if "Mime" in entry or "DataURI" in entry:
                    found.append(_item(entry))
        if len(found) > _MAX_ITEMS:
            raise DepthUnusable(f"the container has more than {_MAX_ITEMS} items")
    return found


def _item(entry: Mapping[str, str]) -> _Item:
    numbers = {}
    for key in ("Length", "Padding"):
        text = entry.get(key, "0")
        if not _LENGTH.fullmatch(text):
            raise DepthUnusable(f"the container has an item of {key.lower()} {text[:40]!r}")
        numbers[key] = int(text)
    return _Item(entry.get("DataURI", entry.get("Semantic", "")), numbers["Length"], numbers["Padding"])
