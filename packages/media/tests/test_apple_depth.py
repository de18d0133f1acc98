"""Depth of iPhone portraits, in HEIC files built as iPhones build them."""

import contextlib

import numpy as np
import pytest
from immichvr_media import DecodeLimits, MediaError, decode_photo
from PIL import Image

DEPTH_TYPE = "urn:mpeg:hevc:2015:auxid:2"
RAMP = np.tile(np.arange(128, dtype=np.uint8) * 2, (96, 1))


def apple_xmp(kind="disparity", low="0.5", high="4.0", accuracy="relative") -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:apdi="http://ns.apple.com/pixeldatainfo/1.0/" '
        'xmlns:depthData="http://ns.apple.com/depthData/1.0/">'
        f"<apdi:AuxiliaryImageType>{kind}</apdi:AuxiliaryImageType><apdi:StoredFormat>1278226488</apdi:StoredFormat>"
        f"<apdi:FloatMinValue>{low}</apdi:FloatMinValue><apdi:FloatMaxValue>{high}</apdi:FloatMaxValue>"
        f"<depthData:Accuracy>{accuracy}</depthData:Accuracy>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


@pytest.fixture
def portrait(files, heic):
    """Makes a portrait: the photo, its depth image and Apple's description of it."""

    def make(xmp: bytes | None, levels=RAMP, photo_turn: int = 0, map_turn: int = 0) -> bytes:
        photo = heic.image(files.photo(size=(256, 192)), rotation=photo_turn)
        depth = heic.image(Image.fromarray(levels), rotation=map_turn, auxiliary_type=DEPTH_TYPE)
        heic.refer(b"auxl", depth, photo)
        if xmp is not None:
            heic.xmp(xmp, describes=depth)
        return heic.file()

    return make


def test_disparity_becomes_its_reciprocal(portrait):
    photo = decode_photo(portrait(apple_xmp()))
    assert photo.notes == []
    assert photo.depth.source == "apple_disparity"
    assert not photo.depth.metric
    disparity = 0.5 + RAMP / 255 * 3.5
    assert np.abs(1 / photo.depth.depth - disparity).max() < 0.03
    assert photo.depth.depth[0, 0] > photo.depth.depth[0, -1]


def test_absolute_accuracy_means_metres(portrait):
    assert decode_photo(portrait(apple_xmp(accuracy="absolute"))).depth.metric


@pytest.mark.parametrize("trailer", [bytes(100), b"\xff" * 100, b"\0\0\0\x10free" + b"\xff" * 99])
def test_bytes_behind_the_boxes_cost_no_metres(portrait, trailer):
    data = portrait(apple_xmp(accuracy="absolute"))
    photo = decode_photo(data + trailer)
    assert photo.depth.metric and photo.notes == []
    assert np.array_equal(photo.depth.depth, decode_photo(data).depth.depth)


def test_depth_stays_depth(portrait):
    depth = decode_photo(portrait(apple_xmp(kind="depth", low="0.3", high="5.3"))).depth
    assert depth.source == "apple_depth"
    assert np.abs(depth.depth - (0.3 + RAMP / 255 * 5)).max() < 0.05


def test_without_a_description_disparity_is_up_to_scale(portrait):
    depth = decode_photo(portrait(None)).depth
    assert depth.source == "apple_disparity"
    assert not depth.metric
    assert np.isfinite(depth.depth).all()
    assert depth.depth.min() > 0
    assert (np.diff(depth.depth[0]) <= 0).all()


def test_without_apples_xmp_the_range_in_the_hevc_message_counts(files, heic):
    # A depth representation message (ISO/IEC 23008-2, F.14): uniform disparity from 1.498 to 4.383.
    message = bytes.fromhex("000000110000000d4e01b109351f7bfc010bc62020")
    photo = heic.image(files.photo(size=(256, 192)))
    depth = heic.image(Image.fromarray(RAMP), auxiliary_type=DEPTH_TYPE, auxiliary_data=message)
    heic.refer(b"auxl", depth, photo)
    disparity = 1 / decode_photo(heic.file()).depth.depth
    assert disparity[0, 0] == pytest.approx(1.498, abs=0.03)
    assert disparity[0, -1] == pytest.approx(1.498 + 254 / 255 * (4.383 - 1.498), abs=0.03)


def test_disparity_at_and_below_zero_is_far_away_and_finite(portrait):
    depth = decode_photo(portrait(apple_xmp(low="-0.5", high="2"))).depth
    assert np.isfinite(depth.depth).all()
    assert 0 < depth.depth.max() <= 100 * 1.001


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_photo_and_map_turned_by_the_container_stay_together(files, portrait, turn):
    brightness = np.asarray(files.photo(size=(128, 96)).convert("L"))
    photo = decode_photo(portrait(apple_xmp(kind="depth", low="0.01", high="1"), brightness, turn, turn))
    height, width = photo.depth.depth.shape
    small = np.asarray(Image.fromarray(photo.rgb).convert("L").resize((width, height)))
    assert (height > width) == (turn != 2)
    assert np.corrcoef(small.ravel(), photo.depth.depth.ravel())[0, 1] > 0.95


@pytest.mark.parametrize(
    "xmp",
    [
        apple_xmp(low="nan"),
        apple_xmp(low="5", high="1"),
        apple_xmp(high="1e999"),
        b"<broken",
        b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
    ],
)
def test_a_useless_description_is_noted_and_the_map_is_up_to_scale(portrait, xmp):
    photo = decode_photo(portrait(xmp))
    assert photo.depth is not None
    assert not photo.depth.metric
    assert any("Apple's description" in note for note in photo.notes)


def test_a_depth_image_above_the_limit_is_dropped(portrait):
    photo = decode_photo(portrait(apple_xmp()), DecodeLimits(max_depth_pixels=1000))
    assert photo.depth is None
    assert photo.rgb.shape == (192, 256, 3)
    assert any("the limit is 1000 pixels" in note for note in photo.notes)


def test_a_damaged_depth_image_costs_the_map_and_not_the_photo(portrait):
    data = bytearray(portrait(None))
    data[-200:] = bytes(200)
    photo = decode_photo(bytes(data))
    assert photo.rgb.shape == (192, 256, 3)
    assert photo.depth is None or np.isfinite(photo.depth.depth).all()


def test_other_auxiliary_images_are_no_depth(files, heic):
    photo = heic.image(files.photo(size=(256, 192)))
    gain = heic.image(Image.fromarray(RAMP), auxiliary_type="urn:com:apple:photo:2020:aux:hdrgainmap")
    heic.refer(b"auxl", gain, photo)
    assert decode_photo(heic.file()).depth is None


def test_damaged_boxes_never_cost_more_than_an_error_in_words(portrait):
    whole = portrait(apple_xmp())
    random = np.random.default_rng(0)
    for _ in range(100):
        data = bytearray(whole)
        for at in random.integers(28, data.index(b"mdat"), 3):
            data[at] = random.integers(0, 256)
        with contextlib.suppress(MediaError):
            photo = decode_photo(bytes(data))
            assert photo.depth is None or np.isfinite(photo.depth.depth).all()
