"""Writing depth into a JPEG."""

import io

import numpy as np
import pytest
from immichvr_media import InvalidImage, decode_photo, embed_depth
from PIL import Image

SMOOTH = np.broadcast_to(np.linspace(0.6, 12, 80, dtype=np.float32), (60, 80))


@pytest.mark.parametrize(("bits", "tolerance"), [(8, 0.05), (16, 3e-4)])
def test_a_map_survives_the_round_trip(files, bits, tolerance):
    data = embed_depth(files.save(files.photo(), "JPEG"), SMOOTH, near=0.5, far=15, bits=bits)
    depth = decode_photo(data).depth
    assert (depth.metric, depth.source) == (True, "gdepth")
    assert np.abs(depth.depth / SMOOTH - 1).max() < tolerance


def test_a_large_map_goes_into_extended_xmp(files):
    noise = np.random.default_rng(0).uniform(1, 5, (300, 300)).astype(np.float32)
    data = embed_depth(files.save(files.photo(), "JPEG"), noise, near=1, far=5)
    assert data.count(b"http://ns.adobe.com/xmp/extension/\x00") > 1
    assert np.abs(decode_photo(data).depth.depth / noise - 1).max() < 3e-4


def test_picture_exif_and_profile_stay_as_they_were(files):
    jpeg = files.save(files.photo(), "JPEG", exif=files.exif(6, focal_35mm=28), icc_profile=b"profile" * 20)
    data = embed_depth(jpeg, SMOOTH.T.copy(), near=0.5, far=15)
    before, after = Image.open(io.BytesIO(jpeg)), Image.open(io.BytesIO(data))
    assert np.array_equal(np.asarray(before), np.asarray(after))
    assert before.info["exif"] == after.info["exif"]
    assert before.info["icc_profile"] == after.info["icc_profile"]
    assert decode_photo(data).focal == decode_photo(jpeg).focal


def test_a_second_map_replaces_the_first(files):
    once = embed_depth(files.save(files.photo(), "JPEG"), SMOOTH, near=0.5, far=15)
    twice = embed_depth(once, SMOOTH[::-1] * 0.5, near=0.2, far=15)
    assert twice.count(b"http://ns.adobe.com/xap/1.0/\x00") == 1
    assert np.abs(decode_photo(twice).depth.depth / (SMOOTH * 0.5) - 1).max() < 1e-2


def test_depths_outside_the_range_are_clipped_to_it(files):
    data = embed_depth(files.save(files.photo(), "JPEG"), SMOOTH, near=2, far=6)
    depth = decode_photo(data).depth.depth
    assert (depth.min(), depth.max()) == (pytest.approx(2), pytest.approx(6))


@pytest.mark.parametrize(("near", "far"), [(0, 5), (-1, 5), (5, 5), (5, 1), (1, np.inf), (np.nan, 5)])
def test_a_range_that_makes_no_sense_is_refused(files, near, far):
    with pytest.raises(ValueError, match="range"):
        embed_depth(files.save(files.photo(), "JPEG"), SMOOTH, near=near, far=far)


@pytest.mark.parametrize("depth", [np.zeros((0, 4), np.float32), np.zeros(4, np.float32), np.full((4, 4), np.nan)])
def test_a_map_that_is_none_is_refused(files, depth):
    with pytest.raises(ValueError, match="depth map"):
        embed_depth(files.save(files.photo(), "JPEG"), depth, near=1, far=2)


def test_only_a_jpeg_takes_a_map(files):
    with pytest.raises(InvalidImage, match="JPEG"):
        embed_depth(files.save(files.photo(), "PNG"), SMOOTH, near=0.5, far=15)
