"""One reader of what metadata say: lists, thumbnails and decoding agree, whatever carries the words."""

import io
import zlib
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from immichvr_media import MediaError, NotFlat, decode_photo, preview_jpeg, read_photo_header
from immichvr_media.dates import parsed_date, parsed_zone
from PIL import ExifTags, Image

# Pillow warns of damaged EXIF; what counts is what our functions return.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

TAKEN = datetime(2014, 4, 2, 12, 56, 32)
BERLIN = timezone(timedelta(hours=2))
RDF = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    'xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" {}/></rdf:RDF></x:xmpmeta>'
)


def header_of(data: bytes):
    return read_photo_header(io.BytesIO(data), len(data))


def with_exif(files, kind="JPEG", main=None, **directory) -> bytes:
    exif = Image.Exif()
    exif.update(main or {})
    exif.get_ifd(ExifTags.IFD.Exif).update({ExifTags.Base[name]: value for name, value in directory.items()})
    return files.save(files.photo(size=(96, 64)), kind, exif=exif.tobytes())


def with_xmp(files, kind, attributes, exif=b"") -> bytes:
    packet = RDF.format(attributes).encode()
    if kind == "JPEG":
        return files.with_xmp(files.save(files.photo(size=(96, 64)), "JPEG", exif=exif), packet)
    if kind == "PNG":
        content = b"XML:com.adobe.xmp\0\0\0\0\0" + packet
        return with_chunk(files.save(files.photo(size=(96, 64)), "PNG", exif=exif), b"iTXt", content)
    told = {"tiffinfo": {700: packet}} if kind == "TIFF" else {"xmp": packet, **({"exif": exif} if exif else {})}
    return files.save(files.photo(size=(96, 64)), kind, **told)


def with_chunk(png: bytes, kind: bytes, content: bytes, at: int = 33) -> bytes:
    chunk = len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")
    return png[:at] + chunk + png[at:]


@pytest.mark.parametrize(
    "text",
    [
        "2014:04:02 12:56:32",
        "2014-04-02 12:56:32",
        "2014-04-02T12:56:32",
        "2014/04/02 12:56:32",
        "2014.04.02 12:56:32",
        "2014:04:02  12:56:32",
        "2014:04:02 12:56:32\0\0",
        " 2014:04:02 12:56:32 ",
        b"2014:04:02 12:56:32\0",
        "2014:4:2 12:56:32",
        "2014:04:02:12:56:32",
        "2014:04:02 12:56:32 PM",
        "20140402T125632",
        "20140402 125632",
        "2014-04-02 12-56-32",
        "2014.04.02 12.56.32",
        "2014-04-02T12:56:32 CEST",
    ],
)
def test_a_date_is_read_however_it_is_written(text):
    assert parsed_date(text) == TAKEN


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2014:04:02 12:56:32.25", TAKEN.replace(microsecond=250_000)),
        ("2014:04:02 12:56:32,5", TAKEN.replace(microsecond=500_000)),
        ("2014:04:02 12:56:32.1234567890", TAKEN.replace(microsecond=123_456)),
        ("2014:04:02 12:56", TAKEN.replace(second=0)),
        ("2014-04-02", datetime(2014, 4, 2)),
        ("20140402", datetime(2014, 4, 2)),
        ("2014:04:01 24:00:00", datetime(2014, 4, 2)),
        ("2014:04:02 24:56:32", datetime(2014, 4, 2, 0, 56, 32)),
        ("2014:04:02 12:56:60", datetime(2014, 4, 2, 12, 57)),
        ("2014:04:02 11:56:32 pm", TAKEN.replace(hour=23)),
    ],
)
def test_parts_of_a_date_may_be_missing_or_beyond_the_usual(text, date):
    assert parsed_date(text) == date


@pytest.mark.parametrize(
    ("text", "offset", "zone"),
    [
        ("2014:04:02 12:56:32+02:00", None, BERLIN),
        ("2014-04-02T12:56:32.25+0200", None, BERLIN),
        ("2014:04:02 12:56:32 +02", None, BERLIN),
        ("2014:04:02 12:56:32Z", None, UTC),
        ("20140402T125632+0200", None, BERLIN),
        ("20140402T125632Z", None, UTC),
        ("2014-04-02 12-56-32+02:00", None, BERLIN),
        ("2014-04-02 12:56:32 GMT+2", None, BERLIN),
        ("2014:04:02 12:56:32", "Z", UTC),
        ("2014:04:02 12:56:32", "+02", BERLIN),
        ("2014:04:02 12:56:32", "+2:00", BERLIN),
        ("2014:04:02 12:56:32", "+0530", timezone(timedelta(hours=5, minutes=30))),
        ("2014:04:02 12:56:32", "-09:30\0", timezone(-timedelta(hours=9, minutes=30))),
        ("2014:04:02 12:56:32+02:00", "+09:00", BERLIN),
        ("2014:04:02 12:56:32", "+99:00", None),
        ("2014:04:02 12:56:32", "east", None),
    ],
)
def test_the_zone_is_read_inside_the_date_and_beside_it(text, offset, zone):
    date = parsed_date(text, offset)
    assert date is not None and date.tzinfo == zone
    assert date.replace(tzinfo=None, microsecond=0) == TAKEN


@pytest.mark.parametrize(
    "value", ["", "0000:00:00 00:00:00", "    :  :     :  :  ", "2014:13:01 00:00:00", "yesterday", None, 7, (1, 2),
              "9999:12:31 24:00:00", "2014:04:02 25:00:00", "2" * 1000],
)  # fmt: skip
def test_what_is_no_date_is_none(value):
    assert parsed_date(value, "+02:00") is None
    assert parsed_zone(value) is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_the_date_of_every_format_is_read_with_its_fraction_and_zone(files, kind):
    data = with_exif(
        files, kind, DateTimeOriginal="2014:04:02 12:56:32", OffsetTimeOriginal="+02:00", SubsecTimeOriginal="25"
    )
    assert header_of(data).taken == TAKEN.replace(microsecond=250_000, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("main", "directory"),
    [
        ({}, {"DateTimeDigitized": "2014:04:02 12:56:32"}),
        ({ExifTags.Base.DateTime: "2014:04:02 12:56:32"}, {}),
        ({ExifTags.Base.DateTime: "2020:01:01 00:00:00"}, {"DateTimeDigitized": "2014:04:02 12:56:32"}),
        ({}, {"DateTimeOriginal": "0000:00:00 00:00:00", "DateTimeDigitized": "2014:04:02 12:56:32"}),
    ],
)
def test_without_a_date_of_the_photo_that_of_its_digitising_or_its_file_counts(files, main, directory):
    assert header_of(with_exif(files, main=main, **directory)).taken == TAKEN


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize(
    "attribute", ["exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate", "exif:DateTimeDigitized"]
)
def test_a_date_that_only_xmp_tells_is_read(files, kind, attribute):
    data = with_xmp(files, kind, f'{attribute}="2014-04-02T12:56:32+02:00"')
    assert header_of(data).taken == TAKEN.replace(tzinfo=BERLIN)


def test_xmp_adds_the_zone_to_the_same_time_in_exif(files):
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2014:04:02 12:56:32"
    data = with_xmp(files, "JPEG", 'exif:DateTimeOriginal="2014-04-02T12:56:32.25+02:00"', exif.tobytes())
    assert header_of(data).taken == TAKEN.replace(tzinfo=BERLIN)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_an_orientation_in_xmp_alone_turns_nothing(files, kind):
    data = with_xmp(files, kind, 'tiff:Orientation="6"')
    photo, header = decode_photo(data), header_of(data)
    assert photo.rgb.shape == (64, 96, 3)
    assert (header.width, header.height) == (96, 64)
    assert Image.open(io.BytesIO(preview_jpeg(data))).size == (96, 64)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_stale_orientation_in_xmp_does_not_outrank_exif(files, kind):
    data = with_xmp(files, kind, 'tiff:Orientation="1"', files.exif(6))
    assert decode_photo(data).rgb.shape == (96, 64, 3)
    assert (header_of(data).width, header_of(data).height) == (64, 96)


@pytest.mark.parametrize("kind", [b"zTXt", b"tEXt", b"iTXt"])
@pytest.mark.parametrize("profile", [b"exif", b"APP1"])
@pytest.mark.parametrize("behind", [False, True])
def test_exif_in_a_raw_profile_of_a_png_is_read_by_list_thumbnail_and_decoder(files, kind, profile, behind):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif).update({0xA405: 52, ExifTags.Base.DateTimeOriginal: "2014:04:02 12:56:32"})
    raw = exif.tobytes()
    digits = raw.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    text = f"\n{profile.decode()}\n{len(raw):8}\n{lines}\n".encode()
    heads = {b"zTXt": b"\0\0", b"tEXt": b"\0", b"iTXt": b"\0\0\0\0\0"}
    content = b"Raw profile type " + profile + heads[kind] + (zlib.compress(text) if kind == b"zTXt" else text)
    png = files.save(files.photo(size=(96, 64)), "PNG")
    data = with_chunk(png, kind, content, len(png) - 12 if behind else 33)
    photo, header = decode_photo(data), header_of(data)
    assert photo.rgb.shape == (96, 64, 3)
    assert photo.focal.source == "exif_35mm"
    assert (header.width, header.height, header.taken) == (64, 96, TAKEN)
    assert Image.open(io.BytesIO(preview_jpeg(data))).size == (64, 96)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_focal_length_that_only_xmp_tells_is_read(files, kind):
    for attribute, source in (
        ('exif:FocalLengthIn35mmFilm="52"', "exif_35mm"),
        ('exif:FocalLength="105/2"', "exif_mm"),
    ):
        assert decode_photo(with_xmp(files, kind, attribute)).focal.source == source
    for attribute in ('exif:FocalLength="1/0"', 'exif:FocalLength="wide"', 'exif:FocalLength="nan"'):
        assert decode_photo(with_xmp(files, kind, attribute)).focal.source == "default"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("projection", ["equirectangular", "EQUIRECTANGULAR", "fisheye", "cubestrip"])
def test_a_photo_that_is_no_flat_picture_is_shown_and_not_decoded_for_depth(files, kind, projection):
    data = with_xmp(files, kind, f'GPano:ProjectionType="{projection}"')
    assert header_of(data).projection == projection.lower()
    assert Image.open(io.BytesIO(preview_jpeg(data))).size == (96, 64)
    with pytest.raises(NotFlat, match=projection.lower()) as raised:
        decode_photo(data)
    assert raised.value.code == "not_flat"


@pytest.mark.parametrize(
    ("attributes", "notes"),
    [
        ('GPano:ProjectionType="rectilinear"', 0),
        ('GPano:ProjectionType="cylindrical"', 1),
        (
            'GPano:ProjectionType="equirectangular" GPano:FullPanoWidthPixels="8000" GPano:FullPanoHeightPixels="4000" '
            'GPano:CroppedAreaImageWidthPixels="1300" GPano:CroppedAreaImageHeightPixels="900"',
            0,
        ),
    ],
)
def test_a_photo_that_is_flat_enough_is_decoded(files, attributes, notes):
    assert len(decode_photo(with_xmp(files, "JPEG", attributes)).notes) == notes


def test_a_panorama_that_covers_much_of_a_sphere_is_no_flat_picture(files):
    attributes = (
        'GPano:ProjectionType="equirectangular" GPano:FullPanoWidthPixels="8000" GPano:FullPanoHeightPixels="4000" '
        'GPano:CroppedAreaImageWidthPixels="4000" GPano:CroppedAreaImageHeightPixels="900"'
    )
    with pytest.raises(NotFlat):
        decode_photo(with_xmp(files, "JPEG", attributes))


def test_a_panorama_that_names_no_projection_is_one_all_the_same(files):
    attributes = 'GPano:FullPanoWidthPixels="8000" GPano:CroppedAreaImageWidthPixels="8000"'
    data = with_xmp(files, "JPEG", attributes)
    assert header_of(data).projection == "equirectangular"
    with pytest.raises(NotFlat, match="equirectangular"):
        decode_photo(data)


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
@pytest.mark.parametrize(
    "trailer", [b"\0" * 100, b"\xff" * 100, bytes(range(1, 101)), b"\0\0\0\x10free" + b"\xff" * 99]
)
def test_bytes_behind_the_boxes_change_neither_colours_nor_metadata(files, kind, trailer):
    data = with_exif(files, kind, DateTimeOriginal="2014:04:02 12:56:32", FocalLengthIn35mmFilm=52)
    at = data.index(b"nclx") + 4
    data = data[:at] + b"\0\x0c\0\x0d" + data[at + 4 :]  # Display P3 with sRGB's transfer curve
    before, after = decode_photo(data), decode_photo(data + trailer)
    assert np.array_equal(before.rgb, after.rgb)
    assert (before.focal, before.notes) == (after.focal, after.notes)
    assert header_of(data + trailer) == header_of(data)


def test_damaged_metadata_never_cost_the_photo(files):
    random = np.random.default_rng(1)
    whole = with_xmp(files, "JPEG", 'GPano:ProjectionType="flat" xmp:CreateDate="2014"', files.exif(6, focal_35mm=40))
    for _ in range(200):
        data = bytearray(whole)
        for at in random.integers(2, whole.index(b"\xff\xdb"), 4):
            data[at] = random.integers(0, 256)
        try:
            header_of(bytes(data))
            decode_photo(bytes(data))
        except MediaError:
            continue
