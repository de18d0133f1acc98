"""What a photo's metadata say of it, read in one place for lists, thumbnails and decoding.

EXIF counts before XMP. Orientation is EXIF's alone: editors turn the pixels and leave XMP as it was, so browsers,
phones and sharp do not look at it there.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from xml.etree.ElementTree import Element

from PIL import ExifTags, Image, ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from immichvr_media.about import NOTHING, About, about_in_exif, about_in_xmp
from immichvr_media.dates import exif_dates, parsed_date
from immichvr_media.focal import EXIF_FOCAL_LENGTH, EXIF_FOCAL_LENGTH_35MM
from immichvr_media.gravity import Gravity, gravity_in
from immichvr_media.limits import DecodeLimits
from immichvr_media.motion import apple_content_id, told_clip
from immichvr_media.orientation import UPRIGHT, valid_orientation
from immichvr_media.projection import projection_in
from immichvr_media.xmp import XmpUnusable, all_properties, parse_packet

# DCF 2.0: Adobe RGB is colour space "uncalibrated" with interoperability index R03.
_UNCALIBRATED = 0xFFFF
_INTEROP_INDEX = 1

_EXIF_NAMESPACE = "http://ns.adobe.com/exif/1.0/"
_XMP_NAMESPACE = "http://ns.adobe.com/xap/1.0/"
_PHOTOSHOP_NAMESPACE = "http://ns.adobe.com/photoshop/1.0/"
_OF_INTEREST = (
    b"ProjectionType", b"FullPanoWidthPixels", b"FocalLength", b"DateTimeOriginal", b"DateTimeDigitized",
    b"DateCreated", b"CreateDate", b"Rating", b"ubject", b"TagsList", b"description", b"City", b"State",
    b"Country", b"GPSLatitude", b"Model", b"MotionPhoto", b"MicroVideo", b"GimbalPitchDegree",
)  # fmt: skip

_READ_ERRORS = (SyntaxError, OSError, ValueError, TypeError, LookupError, ArithmeticError, struct.error)


@dataclass(frozen=True)
class PhotoFacts:
    """What metadata say.

    orientation: 1..8 as written in the file; directory: the EXIF sub-directory by tag number, focal lengths from XMP
    where it has none; adobe_rgb: the colours are Adobe RGB, as cameras say it that write no profile; taken: when, in
    the place's zone, naive where no zone is told; projection: as XMP names it, None for flat pictures.
    about: what people and the camera say of it; clip: the film that XMP says the file carries, as `told_clip`;
    content_id: what ties it to the film of a live photo; gravity: which way things fell before its camera.
    """

    orientation: int = UPRIGHT
    directory: Mapping[int, object] = field(default_factory=dict)
    adobe_rgb: bool = False
    taken: datetime | None = None
    projection: str | None = None
    about: About = NOTHING
    clip: tuple[int, int] | None = None
    content_id: str | None = None
    gravity: Gravity | None = None


@dataclass(frozen=True)
class _Exif:
    main: Mapping[int, object] = field(default_factory=dict)
    directory: Mapping[int, object] = field(default_factory=dict)
    adobe_rgb: bool = False
    gps: Mapping[int, object] = field(default_factory=dict)


def image_facts(image: ImageFile.ImageFile, xmp: bytes | None, limits: DecodeLimits, notes: list[str]) -> PhotoFacts:
    """The facts of a picture that Pillow opened."""
    if isinstance(image, TiffImageFile):
        return _facts(_read(image, notes), xmp, limits, notes)
    raw = image.info.get("exif")
    return photo_facts(raw if isinstance(raw, bytes) else None, xmp, limits, notes)


def photo_facts(exif: bytes | None, xmp: bytes | None, limits: DecodeLimits, notes: list[str]) -> PhotoFacts:
    """The facts in an EXIF block and an XMP packet; what cannot be read counts as absent and is noted."""
    return _facts(_read(exif, notes) if exif else _Exif(), xmp, limits, notes)


def _facts(exif: _Exif, xmp: bytes | None, limits: DecodeLimits, notes: list[str]) -> PhotoFacts:
    roots = _roots(xmp, limits, notes)
    orientation = valid_orientation(exif.main.get(ExifTags.Base.Orientation))
    maker_note = exif.directory.get(ExifTags.Base.MakerNote)
    return PhotoFacts(
        orientation=orientation,
        directory={**_xmp_focal_lengths(roots), **exif.directory},
        adobe_rgb=exif.adobe_rgb,
        taken=_taken(exif, roots),
        projection=projection_in(roots),
        about=about_in_xmp(roots).over(about_in_exif(exif.main, exif.directory, exif.gps)),
        clip=told_clip(roots),
        content_id=apple_content_id(maker_note),
        gravity=gravity_in(exif.directory, orientation, roots),
    )


def sidecar_facts(packet: bytes, limits: DecodeLimits) -> PhotoFacts:
    """The facts in a file of XMP beside a photo; what cannot be read counts as absent."""
    return photo_facts(None, packet, limits, [])


def _taken(exif: _Exif, roots: Sequence[Element]) -> datetime | None:
    told = exif_dates(exif.main, exif.directory)
    taken, digitized = _xmp_dates(roots)
    return _zoned(next(told), taken) or taken or _zoned(next(told), digitized) or digitized or next(told)


def _zoned(told: datetime | None, again: datetime | None) -> datetime | None:
    """A date of EXIF, in the zone that XMP names where it tells the same time of day."""
    if told is None or told.tzinfo is not None or again is None:
        return told
    same = told.replace(microsecond=0) == again.replace(tzinfo=None, microsecond=0)
    return told.replace(tzinfo=again.tzinfo) if same else told


def _read(source: bytes | TiffImageFile, notes: list[str]) -> _Exif:
    try:
        if isinstance(source, TiffImageFile):
            exif: Image.Exif = source.getexif()
            main = {**exif, ExifTags.Base.Orientation: source.tag_v2.get(ExifTags.Base.Orientation)}
        else:
            exif = Image.Exif()
            exif.load(source)
            main = dict(exif)
        directory = dict(exif.get_ifd(ExifTags.IFD.Exif))
        uncalibrated = directory.get(ExifTags.Base.ColorSpace) == _UNCALIBRATED
        adobe_rgb = uncalibrated and exif.get_ifd(ExifTags.IFD.Interop).get(_INTEROP_INDEX) == "R03"
        gps = dict(exif.get_ifd(ExifTags.IFD.GPSInfo)) if ExifTags.IFD.GPSInfo in main else {}
        return _Exif(main, directory, adobe_rgb, gps)
    except _READ_ERRORS as error:
        notes.append(f"EXIF left out: {error}")
        return _Exif()


def _roots(xmp: bytes | None, limits: DecodeLimits, notes: list[str]) -> Sequence[Element]:
    """The packet, where it speaks of what is asked here; photos without it cost a text search."""
    if not xmp or not any(word in xmp for word in _OF_INTEREST):
        return []
    try:
        return [parse_packet(xmp, limits)]
    except XmpUnusable as error:
        notes.append(f"XMP left out: {error}")
        return []


def _xmp_dates(roots: Sequence[Element]) -> tuple[datetime | None, datetime | None]:
    """When the photo was taken, and when it was digitized or the picture made."""
    if not roots:
        return None, None
    exif, photoshop, xmp = (all_properties(roots, name) for name in (
        _EXIF_NAMESPACE, _PHOTOSHOP_NAMESPACE, _XMP_NAMESPACE))  # fmt: skip
    return (
        parsed_date(exif.get("DateTimeOriginal")) or parsed_date(photoshop.get("DateCreated")),
        parsed_date(exif.get("DateTimeDigitized")) or parsed_date(xmp.get("CreateDate")),
    )


def _xmp_focal_lengths(roots: Sequence[Element]) -> dict[int, object]:
    if not roots:
        return {}
    told = all_properties(roots, _EXIF_NAMESPACE)
    names = {EXIF_FOCAL_LENGTH: "FocalLength", EXIF_FOCAL_LENGTH_35MM: "FocalLengthIn35mmFilm"}
    return {tag: _ratio(told[name]) for tag, name in names.items() if name in told}


def _ratio(text: str) -> float:
    """`52`, `52.5` or `105/2`; 0, which is no lens, where it is none of them."""
    above, _, below = text.partition("/")
    try:
        return float(above) / float(below or 1)
    except (ValueError, ArithmeticError):
        return 0.0
