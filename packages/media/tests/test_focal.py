"""Focal length: the 35 mm rules, and nonsense in EXIF."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from immichvr_media import decode_photo
from immichvr_media.focal import focal_length
from PIL.TiffImagePlugin import IFDRational

# Pillow warns of damaged TIFF and EXIF; what counts is what our functions return.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

PIXELS_PER_MM = math.hypot(4000, 3000) / math.hypot(36, 24)
MM, EQUIVALENT = 0x920A, 0xA405


@pytest.mark.parametrize(
    ("tags", "equivalent", "source"),
    [
        ({EQUIVALENT: 26}, 26, "exif_35mm"),
        ({EQUIVALENT: 1}, 1, "exif_35mm"),
        ({EQUIVALENT: 26, MM: IFDRational(57, 10)}, 26, "exif_35mm"),
        ({MM: IFDRational(5, 1)}, 42, "exif_mm"),
        ({MM: IFDRational(50, 1)}, 50, "exif_mm"),
        ({MM: IFDRational(10, 1)}, 10, "exif_mm"),
        ({EQUIVALENT: 0, MM: 35.0}, 35, "exif_mm"),
        ({}, 30, "default"),
        ({EQUIVALENT: 0}, 30, "default"),
    ],
)
def test_the_35_mm_rules(tags, equivalent, source):
    focal = focal_length(tags, 4000, 3000)
    assert focal.px == pytest.approx(equivalent * PIXELS_PER_MM)
    assert focal.source == source


@pytest.mark.parametrize(
    "value", [0, -5, 1e-9, math.nan, math.inf, 1e9, IFDRational(0, 0), IFDRational(5, 0), "x", (1, 2)]
)
def test_values_no_lens_has_count_as_absent(value):
    assert focal_length({EQUIVALENT: value, MM: value}, 4000, 3000).source == "default"


@given(
    st.one_of(st.floats(), st.integers(), st.text(), st.none(), st.binary()),
    st.one_of(st.floats(), st.integers(), st.text(), st.none(), st.binary()),
)
def test_any_value_gives_a_usable_focal_length(equivalent, actual):
    focal = focal_length({EQUIVALENT: equivalent, MM: actual}, 640, 480)
    assert 1 < focal.px < 1e6


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_the_focal_length_is_read_from_the_file(files, kind):
    exif = files.exif(focal_35mm=28, focal_mm=IFDRational(42, 10))
    focal = decode_photo(files.save(files.photo(), kind, exif=exif)).focal
    assert focal.source == "exif_35mm"
    assert focal.px == pytest.approx(28 * math.hypot(96, 64) / math.hypot(36, 24))


def test_the_focal_length_does_not_change_with_the_orientation(files):
    px = {
        decode_photo(files.save(files.photo(), "JPEG", exif=files.exif(turn, focal_35mm=28))).focal.px
        for turn in (1, 6)
    }
    assert len(px) == 1


def test_damaged_exif_is_noted_and_the_photo_decodes(files):
    exif = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08" + b"\xff" * 40
    photo = decode_photo(files.save(files.photo(), "JPEG", exif=exif))
    assert photo.focal.source == "default"
    assert photo.rgb.shape == (64, 96, 3)
