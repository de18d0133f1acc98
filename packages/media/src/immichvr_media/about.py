"""What people and cameras say about a photo: stars, tags, words, place, camera; from EXIF, IPTC, XMP and sidecars.

Sources: EXIF 2.32 (GPS IFD); IPTC IIM 4.2 (record 2); XMP part 2 (xmp, dc, photoshop, exif, tiff); Lightroom's and
digiKam's namespaces for tags in hierarchies; Microsoft's Rating and XPKeywords.
"""

import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from xml.etree.ElementTree import Element

from PIL import ExifTags

from immichvr_media.xmp import all_properties

_XMP = "http://ns.adobe.com/xap/1.0/"
_DC = "http://purl.org/dc/elements/1.1/"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_EXIF = "http://ns.adobe.com/exif/1.0/"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_LIGHTROOM = "http://ns.adobe.com/lightroom/1.0/"
_DIGIKAM = "http://www.digikam.org/ns/1.0/"
_RDF_ITEM = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"

_RATING, _XP_KEYWORDS, _LENS_MODEL = 0x4746, 0x9C9E, 0xA434
_KEYWORDS, _CITY, _STATE, _COUNTRY, _CAPTION = (2, 25), (2, 90), (2, 95), (2, 101), (2, 120)
_MOST_TAGS = 64
_LONGEST_WORD, _LONGEST_WORDS = 120, 2000
_XMP_DEGREES = re.compile(r"(\d{1,3}),(\d{1,2}(?:\.\d{1,12})?)(?:,(\d{1,2}(?:\.\d{1,12})?))?([NSEWnsew])")


@dataclass(frozen=True, slots=True)
class About:
    """What is said of a photo or video; None or empty where nothing is.

    rating: 1 to 5 stars. tags: with those above them, as in `trips/2024`. latitude, longitude: degrees, WGS 84.
    """

    rating: int | None = None
    tags: tuple[str, ...] = ()
    description: str = ""
    latitude: float | None = None
    longitude: float | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    camera: str | None = None
    lens: str | None = None

    def over(self, below: "About") -> "About":
        """The same, with what only `below` says; a position and tags count as a whole."""
        if self == NOTHING or below == NOTHING:
            return below if self == NOTHING else self
        told = {one.name: getattr(self, one.name) or getattr(below, one.name) for one in fields(self)}
        if self.latitude is not None:
            told |= {"latitude": self.latitude, "longitude": self.longitude}
        return About(**told)


NOTHING = About()


def about_in_exif(main: Mapping[int, object], directory: Mapping[int, object], gps: Mapping[int, object]) -> About:
    """What EXIF says."""
    latitude, longitude = _position(_degrees(gps.get(2), gps.get(1)), _degrees(gps.get(4), gps.get(3)))
    keywords = main.get(_XP_KEYWORDS)
    words = bytes(keywords).decode("utf-16-le", "replace").split(";") if isinstance(keywords, bytes | tuple) else []
    return About(
        rating=_stars(main.get(_RATING)),
        tags=_tags(words),
        description=_word(main.get(ExifTags.Base.ImageDescription), _LONGEST_WORDS) or "",
        latitude=latitude,
        longitude=longitude,
        camera=camera_named(main.get(ExifTags.Base.Make), main.get(ExifTags.Base.Model)),
        lens=_word(directory.get(_LENS_MODEL)),
    )


def about_in_iptc(records: Mapping[tuple[int, int], object]) -> About:
    """What IPTC records say, as Pillow gives them: bytes, or a list of them."""
    is_utf8 = records.get((1, 90)) == b"\x1b%G"

    def told(record: tuple[int, int]) -> list[str]:
        values = records.get(record, [])
        found = values if isinstance(values, list) else [values]
        return [_decoded(value, is_utf8) for value in found if isinstance(value, bytes)]

    def first(record: tuple[int, int], longest: int = _LONGEST_WORD) -> str | None:
        return _word(next(iter(told(record)), None), longest)

    return About(
        tags=_tags(told(_KEYWORDS)),
        description=first(_CAPTION, _LONGEST_WORDS) or "",
        city=first(_CITY),
        state=first(_STATE),
        country=first(_COUNTRY),
    )


def about_in_xmp(roots: Sequence[Element]) -> About:
    """What XMP says."""
    if not roots:
        return NOTHING
    xmp, photoshop, exif, tiff = (all_properties(roots, name) for name in (_XMP, _PHOTOSHOP, _EXIF, _TIFF))
    latitude, longitude = _position(_xmp_degrees(exif.get("GPSLatitude")), _xmp_degrees(exif.get("GPSLongitude")))
    whole = [*_listed(roots, _DIGIKAM, "TagsList"), *_listed(roots, _LIGHTROOM, "hierarchicalSubject")]
    above = [tag.replace("|", "/") for tag in whole]
    parts = {part for tag in above for part in tag.split("/")}
    flat = [tag for tag in _listed(roots, _DC, "subject") if tag not in parts]
    return About(
        rating=_stars(xmp.get("Rating")),
        tags=_tags([*above, *flat]),
        description=_word(next(iter(_listed(roots, _DC, "description")), None), _LONGEST_WORDS) or "",
        latitude=latitude,
        longitude=longitude,
        city=_word(photoshop.get("City")),
        state=_word(photoshop.get("State")),
        country=_word(photoshop.get("Country")),
        camera=camera_named(tiff.get("Make"), tiff.get("Model")),
    )


def position_in_iso6709(text: str) -> tuple[float | None, float | None]:
    """Latitude and longitude in degrees, as in `+48.8577+002.2950+035.0/`."""
    match = re.match(r"([+-]\d{1,2}(?:\.\d{1,12})?)([+-]\d{1,3}(?:\.\d{1,12})?)", text)
    return _position(float(match[1]), float(match[2])) if match else (None, None)


def _listed(roots: Sequence[Element], namespace: str, name: str) -> list[str]:
    """The texts of a bag, a sequence or alternatives."""
    tag = f"{{{namespace}}}{name}"
    items = (item for root in roots for element in root.iter(tag) for item in element.iter(_RDF_ITEM))
    return [item.text for item in items if item.text]


def _tags(words: Iterable[str]) -> tuple[str, ...]:
    clean = [_word("/".join(part.strip() for part in word.split("/") if part.strip())) for word in words]
    return tuple(dict.fromkeys(sys.intern(word) for word in clean if word))[:_MOST_TAGS]


def _word(value: object, longest: int = _LONGEST_WORD) -> str | None:
    if isinstance(value, bytes):
        value = _decoded(value, is_utf8=False)
    if not isinstance(value, str):
        return None
    line = " ".join(value.partition("\0")[0].split())[:longest]
    return sys.intern("".join(letter for letter in line if letter.isprintable())) or None


def _decoded(value: bytes, is_utf8: bool) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("utf-8" if is_utf8 else "latin-1", "replace")


def camera_named(make: object, model: object) -> str | None:
    """The camera by its maker and model, the maker's name once."""
    maker, name = _word(make) or "", _word(model) or ""
    brand = maker.partition(" ")[0].casefold()
    whole = name if brand and name.casefold().startswith(brand) else f"{maker} {name}".strip()
    return sys.intern(whole) or None


def _stars(value: object) -> int | None:
    try:
        stars = round(float(value))  # type: ignore[arg-type]  # whatever it is, it is a number or none
    except (TypeError, ValueError, OverflowError):
        return None
    return stars if 1 <= stars <= 5 else None


def _degrees(value: object, side: object) -> float | None:
    """Degrees from three ratios and `N`, `S`, `E` or `W`."""
    if not isinstance(value, tuple | list) or not 1 <= len(value) <= 3:
        return None
    try:
        whole = sum(float(part) / float(60**power) for power, part in enumerate(value))
    except (TypeError, ValueError, ArithmeticError):
        return None
    return -whole if (_word(side) or "").upper() in ("S", "W") else whole


def _xmp_degrees(text: str | None) -> float | None:
    match = _XMP_DEGREES.fullmatch(text.strip()) if text else None
    if match is None:
        return None
    whole = int(match[1]) + float(match[2]) / 60 + float(match[3] or 0) / 3600
    return -whole if match[4].upper() in "SW" else whole


def _position(latitude: float | None, longitude: float | None) -> tuple[float | None, float | None]:
    """Both, where they are on Earth; cameras without a fix write 0, 0."""
    if latitude is None or longitude is None or not (math.isfinite(latitude) and math.isfinite(longitude)):
        return None, None
    if abs(latitude) > 90 or abs(longitude) > 180 or (latitude == 0 and longitude == 0):
        return None, None
    return round(latitude, 6), round(longitude, 6)
