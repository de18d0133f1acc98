"""All eight EXIF orientations come out upright, wherever the format keeps them."""

import numpy as np
import pytest
from immichvr_media import decode_photo, preview_jpeg
from immichvr_media.orientation import upright_array, upright_image
from PIL import Image

SIZE = (96, 64)
# How the upright picture was turned into the stored one; EXIF 2.32, tag Orientation.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def quadrants() -> Image.Image:
    """Four colours, so that each of the eight turns looks different."""
    pixels = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    pixels[:32, :48], pixels[:32, 48:], pixels[32:, :48] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    return Image.fromarray(pixels)


def stored(orientation: int) -> Image.Image:
    method = STORED[orientation]
    return quadrants() if method is None else quadrants().transpose(method)


def assert_upright(rgb, tolerance=40):
    assert rgb.shape == (64, 96, 3)
    difference = np.abs(rgb.astype(int) - np.asarray(quadrants()))
    assert difference[4:28, 4:44].max() <= tolerance
    assert difference[4:28, 52:92].max() <= tolerance
    assert difference[36:60, 4:44].max() <= tolerance
    assert difference[36:60, 52:92].max() <= tolerance


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_stored_picture_comes_out_upright(files, kind, orientation):
    data = files.save(stored(orientation), kind, exif=files.exif(orientation))
    photo = decode_photo(data)
    assert_upright(photo.rgb)
    assert photo.orientation == orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_heic_turned_by_its_container_is_not_turned_twice(files, orientation):
    # pillow-heif writes irot and imir for the orientation, as phones do, and keeps the EXIF tag beside them.
    data = files.save(stored(orientation), "HEIF", quality=95, chroma=444, exif=files.exif(orientation))
    assert (b"irot" in data or b"imir" in data) == (orientation != 1)
    photo = decode_photo(data)
    assert_upright(photo.rgb)
    assert photo.orientation == orientation


def test_a_heic_with_only_an_exif_tag_is_left_as_it_is(files):
    # ISO/IEC 23008-12: the container's properties say how to show a picture, EXIF does not.
    exif = Image.Exif()
    exif[0x0112] = 6
    data = files.save(quadrants(), "HEIF", quality=95, chroma=444, exif=exif)
    assert b"irot" not in data
    assert_upright(decode_photo(data).rgb)


def test_exif_behind_the_pixels_of_a_png_counts(files):
    data = files.save(stored(6), "PNG", exif=files.exif(6))
    at = data.index(b"eXIf") - 4
    chunk = data[at : at + 12 + int.from_bytes(data[at : at + 4], "big")]
    moved = data.replace(chunk, b"")
    end = moved.index(b"IEND") - 4
    assert_upright(decode_photo(moved[:end] + chunk + moved[end:]).rgb)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_preview_is_upright_too(files, orientation):
    data = files.save(stored(orientation), "JPEG", exif=files.exif(orientation), quality=95)
    preview = decode_photo(preview_jpeg(data, max_side=48))
    assert (preview.width, preview.height, preview.orientation) == (48, 32, 1)
    assert np.abs(preview.rgb[8, 8].astype(int) - (255, 0, 0)).max() < 40
    assert np.abs(preview.rgb[24, 8].astype(int) - (0, 0, 255)).max() < 40


@pytest.mark.parametrize("value", [0, 9, 255])
def test_an_orientation_that_does_not_exist_is_upright(files, value):
    exif = Image.Exif()
    exif[0x0112] = value
    photo = decode_photo(files.save(quadrants(), "JPEG", exif=exif.tobytes(), quality=95))
    assert photo.orientation == 1
    assert_upright(photo.rgb)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_maps_turn_as_pictures_do(orientation):
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    turned = upright_image(Image.fromarray(values), orientation)
    assert np.array_equal(upright_array(values, orientation), np.asarray(turned))
