"""Which files are decoded, and what is said about the others."""

import io
from pathlib import Path

import numpy as np
import pytest
from immichvr_media import (
    InvalidImage,
    MediaError,
    UnsupportedImage,
    can_decode,
    decode_photo,
    preview_jpeg,
)
from PIL import Image

# Format word, how Pillow saves it, and how far lossy coding may move a channel on average.
FORMATS = [
    ("jpeg", "JPEG", {"quality": 95, "subsampling": 0}, 3.0),
    ("png", "PNG", {}, 0.0),
    ("webp", "WEBP", {"lossless": True}, 0.0),
    ("heic", "HEIF", {"quality": 90, "chroma": 444}, 3.0),
    ("avif", "AVIF", {"quality": 95, "subsampling": "4:4:4"}, 3.0),
    ("tiff", "TIFF", {}, 0.0),
    ("gif", "GIF", {}, 8.0),
]


@pytest.mark.parametrize(("word", "kind", "options", "tolerance"), FORMATS, ids=[f[0] for f in FORMATS])
@pytest.mark.parametrize("size", [(96, 64), (61, 37)])
def test_every_format_gives_the_same_picture(files, word, kind, options, tolerance, size):
    image = files.photo(size=size)
    photo = decode_photo(files.save(image, kind, **options))
    assert (photo.format, photo.width, photo.height) == (word, *size)
    assert photo.rgb.dtype == np.uint8
    assert photo.rgb.flags["C_CONTIGUOUS"]
    assert np.abs(photo.rgb.astype(int) - np.asarray(image)).mean() <= tolerance
    assert photo.notes == []


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket"])
def test_a_real_photograph_from_a_path_decodes(tmp_path: Path, files, name):
    path = tmp_path / "photo.jpg"
    path.write_bytes(files.save(files.photo(name, (320, 240)), "JPEG", progressive=True))
    assert decode_photo(path).rgb.shape == (240, 320, 3)


def test_a_missing_file_is_the_callers_error_not_a_bad_photo(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        decode_photo(tmp_path / "nowhere.jpg")


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_of_several_counts(files, kind):
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "lime", "blue")]
    photo = decode_photo(files.save(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert np.abs(photo.rgb.astype(int) - (255, 0, 0)).max() <= 2


def test_the_first_picture_of_an_mpo_counts(files):
    left, right = files.photo("astronaut"), files.photo("coffee")
    data = files.save(left, "MPO", save_all=True, append_images=[right], quality=95)
    photo = decode_photo(data)
    assert photo.format == "mpo"
    assert np.abs(photo.rgb.astype(int) - np.asarray(left)).mean() < 5


@pytest.mark.parametrize("data", [b"", b"\x00", b"hello, this is no image at all", b"\x00" * 5000])
def test_what_is_no_image_is_called_so(data):
    with pytest.raises(InvalidImage, match=r"zero bytes|not an image") as raised:
        decode_photo(data)
    assert raised.value.code == "invalid_image"


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"\xff\x0a\xfa\x7f", "JPEG XL"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00", "Canon RAW"),
        (b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom", "crx"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "mp42"),
        (b"BM\x00\x00\x00\x00", "BMP"),
    ],
)
def test_a_known_format_that_is_not_decoded_is_named(start, name):
    with pytest.raises(UnsupportedImage, match=name) as raised:
        decode_photo(start + bytes(100))
    assert raised.value.code == "unsupported_format"


@pytest.mark.parametrize("tags", [{50706: b"\x01\x04\x00\x00"}, {254: 1, 330: 8}])
def test_camera_raw_in_tiff_clothes_is_not_taken_for_its_thumbnail(files, tags):
    data = files.save(files.photo(), "TIFF", tiffinfo=tags)
    with pytest.raises(UnsupportedImage, match="RAW"):
        decode_photo(data)


def test_formats_outside_the_list_reach_no_other_pillow_plugin(files):
    for kind in ("ICO", "TGA", "PPM", "PCX", "BMP"):
        with pytest.raises(MediaError):
            decode_photo(files.save(files.photo(), kind))


def test_what_is_decoded_is_told_by_name_and_mime():
    accepted = ["IMG_1.JPG", "a.b.heic", "x.HIF", "scan.tiff", "image/jpeg", "image/heic", "image/avif; q=1"]
    refused = ["IMG_1.CR2", "x.dng", "x.nef", "clip.mp4", "x.jxl", "image/x-adobe-dng", "video/mp4", "jpeg.txt"]
    assert [name for name in accepted if not can_decode(name)] == []
    assert [name for name in refused if can_decode(name)] == []


def test_floating_point_tiff_is_refused_in_words(files):
    data = files.save(Image.fromarray(np.ones((8, 8), np.float32)), "TIFF")
    with pytest.raises(UnsupportedImage, match="floating-point"):
        decode_photo(data)


def test_decoding_leaves_pillows_global_settings_alone(files):
    before = Image.MAX_IMAGE_PIXELS
    decode_photo(files.save(files.photo(), "JPEG"))
    assert before == Image.MAX_IMAGE_PIXELS
    assert Image.open(io.BytesIO(files.save(files.photo(), "BMP"))).format == "BMP"


@pytest.mark.parametrize("kind", [np.int8, np.int16])
def test_signed_samples_are_refused_by_what_they_are(files, kind):
    unsigned = np.linspace(-100, 100, 64 * 64).reshape(64, 64).astype(kind).view(f"u{np.dtype(kind).itemsize}")
    for work in (decode_photo, preview_jpeg):
        with pytest.raises(UnsupportedImage, match="signed samples"):
            work(files.save(Image.fromarray(unsigned), "TIFF", tiffinfo={339: 2}))
