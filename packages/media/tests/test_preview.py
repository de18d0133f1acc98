"""Previews and thumbnails: small JPEGs that every browser shows."""

import io

import numpy as np
import pytest
from immichvr_media import preview_jpeg
from PIL import Image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "GIF"])
def test_every_format_becomes_a_small_jpeg_of_the_same_picture(files, kind):
    image = files.photo("coffee", (600, 400))
    preview = Image.open(io.BytesIO(preview_jpeg(files.save(image, kind), max_side=150)))
    assert (preview.format, preview.mode, preview.size) == ("JPEG", "RGB", (150, 100))
    small = np.asarray(image.resize((150, 100), Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(np.asarray(preview).astype(int) - small).mean() < (12 if kind == "GIF" else 6)


@pytest.mark.parametrize(("size", "expected"), [((30, 20), (30, 20)), ((2000, 3), (100, 1)), ((3, 2000), (1, 100))])
def test_a_preview_never_enlarges_and_never_vanishes(files, size, expected):
    preview = Image.open(io.BytesIO(preview_jpeg(files.save(files.photo(size=size), "JPEG"), max_side=100)))
    assert preview.size == expected


def test_a_preview_carries_no_metadata(files):
    exif = files.exif(1, focal_35mm=28)
    preview = preview_jpeg(files.save(files.photo(), "JPEG", exif=exif, xmp=b"<x/>", comment=b"private"))
    assert b"Exif" not in preview
    assert b"adobe.com/xap" not in preview
    assert b"private" not in preview


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_preview_is_hardly_larger_than_a_jpeg_that_was_saved_coarsely(files, mode):
    original = files.save(files.photo("coffee", (600, 400)).convert(mode), "JPEG", quality=60)
    preview = preview_jpeg(original, max_side=2048)
    assert len(preview) < 1.06 * len(original)
    pixels = [np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int) for data in (original, preview)]
    assert np.abs(pixels[0] - pixels[1]).mean() < 2


def renumbered(jpeg, first, second):
    """The same JPEG with these numbers for its quantization tables."""
    data, at = bytearray(jpeg), 2
    while data[at + 1] != 0xDA:  # where the picture begins
        if data[at + 1] == 0xDB:  # a table
            data[at + 4] = (first, second)[data[at + 4]]
        if data[at + 1] == 0xC0:  # the components
            for number in range(at + 12, at + 12 + 3 * data[at + 9], 3):
                data[number] = (first, second)[data[number]]
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return bytes(data)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("numbers", [(0, 2), (1, 2), (2, 3), (1, 0)])
def test_the_numbers_of_a_jpegs_tables_make_no_difference(files, mode, numbers):
    original = files.save(files.photo("coffee", (600, 400)).convert(mode), "JPEG", quality=60)
    other = renumbered(original, *numbers)
    assert Image.open(io.BytesIO(other)).quantization.keys() <= set(numbers)
    assert preview_jpeg(other) == preview_jpeg(original)


@pytest.mark.parametrize("mode", ["CMYK", "L", "LA", "P", "RGBA", "1"])
def test_pictures_of_every_mode_have_a_preview(files, mode):
    kind = "TIFF" if mode == "CMYK" else "PNG"
    image = files.photo("coffee", (300, 200)).convert(mode)
    preview = Image.open(io.BytesIO(preview_jpeg(files.save(image, kind), max_side=60)))
    assert (preview.mode, preview.size) == ("RGB", (60, 40))


def test_a_heic_preview_may_come_from_its_thumbnail(files):
    image = files.photo("coffee", (640, 480))
    data = files.save(image, "HEIF", thumbnails=[320])
    preview = Image.open(io.BytesIO(preview_jpeg(data, max_side=128)))
    small = np.asarray(image.resize((128, 96), Image.Resampling.LANCZOS)).astype(int)
    assert preview.size == (128, 96)
    assert np.abs(np.asarray(preview).astype(int) - small).mean() < 6


@pytest.mark.parametrize("max_side", [0, -1])
def test_a_size_that_is_none_is_refused(files, max_side):
    with pytest.raises(ValueError, match="max_side"):
        preview_jpeg(files.save(files.photo(), "JPEG"), max_side=max_side)
