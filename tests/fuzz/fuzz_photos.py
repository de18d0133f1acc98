"""Coverage-guided fuzzing of everything that reads photos, with libFuzzer through atheris.

python tests/fuzz/fuzz_photos.py FOLDER [-max_total_time=600] [other options of libFuzzer]

FOLDER gets a corpus of small photos of every format, with metadata, and grows by what reaches new code.
"""

import io
import sys
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["immichvr_media"]):
    from immichvr_media import DecodeLimits, MediaError, decode_photo, preview_jpeg, read_photo_header

import numpy as np
from PIL import ExifTags, Image

LIMITS = DecodeLimits(max_bytes=1 << 18, max_pixels=1_000_000, max_depth_pixels=1_000_000)
SECONDS_PER_INPUT = 10
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" '
    b'xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:DateTimeOriginal="2014-04-02T12:56:32.25+02:00" '
    b'exif:FocalLength="105/2" GPano:ProjectionType="cylindrical"/></rdf:RDF></x:xmpmeta>'
)
KINDS: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 90}, "PNG": {}, "WEBP": {}, "AVIF": {"speed": 9}, "HEIF": {}, "GIF": {},
    "TIFF": {"tiffinfo": {700: XMP}}, "progressive": {"progressive": True}, "restarts": {"restart_marker_rows": 1},
}  # fmt: skip


def read_or_refuse(data: bytes) -> None:
    """Whatever bytes come, the answer is a picture of the size that the list tells, or a MediaError with words."""
    told = _outcome(lambda: read_photo_header(io.BytesIO(data), len(data)))
    photo = _outcome(lambda: decode_photo(data, LIMITS))
    _outcome(lambda: preview_jpeg(data, max_side=32, limits=LIMITS))
    if photo is None or photo.format == "heic":  # whose boxes may lie about what its stream holds
        return
    if told is not None and (told.width, told.height) != (photo.width, photo.height):
        raise AssertionError(f"listed as {told.width} x {told.height}, decoded as {photo.width} x {photo.height}")


def _outcome(work):
    try:
        return work()
    except MediaError as error:
        if not str(error):
            raise AssertionError("an error without a message") from error
        return None


def make_corpus(folder: Path) -> None:
    """A photo of every format, with EXIF and XMP where it takes them; some without an end."""
    import pillow_heif

    pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif).update({ExifTags.Base.DateTimeOriginal: "2014:04:02 12:56:32", 0xA405: 52})
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8))
    for name, options in KINDS.items():
        kind = name if name.isupper() else "JPEG"
        told = {} if kind in ("GIF", "TIFF") else {"exif": exif.tobytes(), "xmp": XMP}
        out = io.BytesIO()
        image.save(out, kind, **told, **options)
        (folder / name).write_bytes(out.getvalue())
        (folder / f"{name}-cut").write_bytes(out.getvalue()[:-2])


def main() -> None:
    """Make the corpus and fuzz until something breaks or time is up."""
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    make_corpus(folder)
    limits = [f"-timeout={SECONDS_PER_INPUT}", "-rss_limit_mb=1500", "-max_len=65536"]
    atheris.Setup([*sys.argv, *limits], read_or_refuse)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
