"""Which formats are decoded, told from a file's first bytes, its name or its MIME type."""

from enum import StrEnum

from immichvr_media.errors import InvalidImage, UnsupportedImage


class Format(StrEnum):
    """A format this package decodes."""

    JPEG = "jpeg"
    MPO = "mpo"
    PNG = "png"
    WEBP = "webp"
    HEIC = "heic"
    AVIF = "avif"
    TIFF = "tiff"
    GIF = "gif"


# fmt: off
_SUFFIXES = frozenset(
    ("jpg", "jpeg", "jpe", "jfif", "mpo", "png", "apng", "webp", "heic", "heics", "heif", "heifs", "hif",
     "avif", "avifs", "tif", "tiff", "gif")
)
_MIME_SUBTYPES = frozenset(
    ("jpeg", "jpg", "pjpeg", "mpo", "png", "apng", "webp", "heic", "heif", "heic-sequence",
     "heif-sequence", "avif", "avif-sequence", "tiff", "gif")
)
# fmt: on

_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_MIF_BRANDS = frozenset({b"mif1", b"msf1"})

_UNSUPPORTED_MAGIC = (
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"II*\x00\x10\x00\x00\x00CR", "Canon RAW"),
    (b"IIRO", "Olympus RAW"),
    (b"IIRS", "Olympus RAW"),
    (b"IIU\x00", "Panasonic RAW"),
    (b"FUJIFILMCCD-RAW", "Fujifilm RAW"),
    (b"8BPS", "Photoshop"),
    (b"BM", "BMP"),
    (b"<svg", "SVG"),
    (b"%PDF", "PDF"),
)
_TIFF_MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


def can_decode(name_or_mime: str) -> bool:
    """Whether a file of this name, extension or MIME type is one that `decode_photo` reads (RAW is not)."""
    text = name_or_mime.strip().lower()
    kind, slash, subtype = text.partition("/")
    if kind == "image" and slash and "." not in subtype.partition(";")[0]:
        return subtype.partition(";")[0].strip() in _MIME_SUBTYPES
    return text.rpartition(".")[2] in _SUFFIXES


def sniff(data: bytes) -> Format:
    """The format of a file by its first bytes.

    Raises InvalidImage where they are no image's, UnsupportedImage where they are another format's.
    """
    if not data:
        raise InvalidImage("the file is empty (zero bytes)")
    if data.startswith(b"\xff\xd8\xff"):
        return Format.JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return Format.PNG
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return Format.WEBP
    if data.startswith((b"GIF87a", b"GIF89a")):
        return Format.GIF
    if data[4:8] == b"ftyp":
        return _sniff_boxes(data)
    for magic, name in _UNSUPPORTED_MAGIC:
        if data.startswith(magic):
            raise UnsupportedImage(f"{name} is not decoded here; {_accepted()}")
    if data.startswith(_TIFF_MAGIC):
        return Format.TIFF
    start = " ".join(f"{byte:02x}" for byte in data[:8])
    raise InvalidImage(f"not an image: it starts with {start}; {_accepted()}")


def _sniff_boxes(data: bytes) -> Format:
    size = min(int.from_bytes(data[:4], "big"), 4096)
    major = data[8:12]
    brands = {data[at : at + 4] for at in range(16, size - 3, 4)} | {major}
    if major in _AVIF_BRANDS or (major in _MIF_BRANDS and brands & _AVIF_BRANDS):
        return Format.AVIF
    if brands & (_HEIC_BRANDS | _MIF_BRANDS):
        return Format.HEIC
    name = major.decode("ascii", "replace").strip()
    raise UnsupportedImage(f"an ISO media file of brand {name!r} is not decoded here; {_accepted()}")


def _accepted() -> str:
    return "decoded are JPEG, PNG, WebP, HEIC, AVIF, TIFF, MPO and GIF"
