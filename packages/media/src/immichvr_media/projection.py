"""Which photos are no flat pictures: spheres, fisheyes, cubes.

Source: Google's Photo Sphere metadata ("GPano"); other programs use its property ProjectionType in namespaces of
their own.
"""

import math
import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element

GPANO_NAMESPACE = "http://ns.google.com/photos/1.0/panorama/"

_FLAT = frozenset({"rectilinear", "perspective", "planar", "flat"})
_NOT_FLAT = re.compile(r"equirect|fish.?eye|spher|cube|equi-?angular|stereographic|panini|mollweide|octahedral")
# A sphere's part so narrow is seen as a lens of 28 mm sees it; the picture of a sphere differs from it by 5 %.
_NARROW = math.radians(65)
_LONGEST_NAME = 40


def is_flat(projection: str | None) -> bool:
    """Whether a photo of this projection may be lifted as what a pinhole camera sees; unknown names may."""
    return projection is None or _NOT_FLAT.search(projection.lower()) is None


def projection_in(roots: Sequence[Element]) -> str | None:
    """The projection that XMP names, in lower case; None where it names none, or the picture is flat all the same."""
    name = _named(roots, "ProjectionType").lower()[:_LONGEST_NAME]
    if not name and _number(roots, "FullPanoWidthPixels") > 0:
        name = "equirectangular"  # all that GPano knows, and what viewers take it for
    if not name or name in _FLAT or not name.isprintable():
        return None
    if "equirect" in name and _is_narrow(roots):
        return None
    return name


def _is_narrow(roots: Sequence[Element]) -> bool:
    """Whether the picture is such a small part of a sphere that it is as good as flat."""
    spans = [
        (_number(roots, "CroppedAreaImageWidthPixels"), _number(roots, "FullPanoWidthPixels"), 2 * math.pi),
        (_number(roots, "CroppedAreaImageHeightPixels"), _number(roots, "FullPanoHeightPixels"), math.pi),
    ]
    return all(part > 0 and full > 0 and part / full * angle <= _NARROW for part, full, angle in spans)


def _number(roots: Sequence[Element], name: str) -> float:
    try:
        number = float(_named(roots, name))
    except ValueError:
        return 0.0
    return number if math.isfinite(number) else 0.0


def _named(roots: Sequence[Element], name: str) -> str:
    """The first property of this local name, in whatever namespace, written as an attribute or as an element."""
    suffix = f"}}{name}"
    for root in roots:
        for element in root.iter():
            for key, value in element.attrib.items():
                if key.endswith(suffix):
                    return value.strip()
            if isinstance(element.tag, str) and element.tag.endswith(suffix) and element.text:
                return element.text.strip()
    return ""
