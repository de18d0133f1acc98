"""Files of a kind that was shown wrongly once; they lie beside the repository, where somebody keeps them."""

import io
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from immichvr_media import NotFlat, decode_photo, preview_jpeg, read_photo_header
from PIL import Image

CASES = Path(__file__).parents[4] / "shared/cases/photos"
FILES = sorted(path for path in CASES.glob("*/*") if path.suffix != ".txt")

pytestmark = pytest.mark.skipif(not FILES, reason="there are no cases beside the repository")


def case(name: str) -> bytes:
    path = CASES / name
    if not path.exists():
        pytest.skip(f"{name} is not there")
    return path.read_bytes()


def test_every_case_is_walked_and_has_a_test_of_its_own():
    assert {path.name[:2] for path in CASES.iterdir() if path.is_dir()} == {"02", "03", "06", "07", "09", "11"}
    assert {path.parent.name for path in FILES} == {path.name for path in CASES.iterdir() if path.is_dir()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_list_thumbnail_and_decoder_agree_on_every_case(path):
    data = path.read_bytes()
    header = read_photo_header(io.BytesIO(data), len(data))
    assert Image.open(io.BytesIO(preview_jpeg(data))).size == (header.width, header.height)
    if header.projection is None:
        photo = decode_photo(data)
        assert (photo.width, photo.height) == (header.width, header.height)
    else:
        with pytest.raises(NotFlat):
            decode_photo(data)


def test_stale_xmp_turns_nothing():
    photo = decode_photo(case("02-jpeg-xmp-orientation-only/edited.jpg"))
    assert photo.rgb.shape == (240, 320, 3)


@pytest.mark.parametrize("name", ["before-restart", "between-segments", "zeros-before-eoi"])
def test_stray_bytes_cost_no_picture(name):
    assert decode_photo(case(f"03-jpeg-stray-bytes/{name}.jpg")).rgb.shape == (240, 320, 3)


def test_a_converted_png_keeps_its_turn_and_its_lens():
    photo = decode_photo(case("06-png-raw-profile-exif/converted.png"))
    assert (photo.rgb.shape, photo.focal.source) == ((320, 240, 3), "exif_35mm")


@pytest.mark.parametrize("path", sorted(CASES.glob("07-dates-of-a-folder/*.jpg")), ids=lambda path: path.stem)
def test_every_way_to_write_a_date_is_read(path):
    data = path.read_bytes()
    taken = read_photo_header(io.BytesIO(data), len(data)).taken
    assert taken is not None
    assert taken.replace(tzinfo=None, microsecond=0) == datetime(2014, 4, 2, 12, 56, 32)


def test_a_sphere_is_listed_as_one_and_refused_as_a_flat_picture():
    data = case("09-photosphere-gpano/sphere.jpg")
    assert read_photo_header(io.BytesIO(data), len(data)).projection == "equirectangular"
    with pytest.raises(NotFlat, match="equirectangular"):
        decode_photo(data)


def test_bytes_behind_the_boxes_change_no_colour():
    plain, longer = (decode_photo(case(f"11-avif-p3-and-trailer/{name}.avif")) for name in ("p3", "p3-with-trailer"))
    assert np.array_equal(plain.rgb, longer.rgb) and longer.notes == []
