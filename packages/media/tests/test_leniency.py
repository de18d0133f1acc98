"""Files that every decoder shows are decoded, and what is odd about them is noted."""

import io
import re
import time

import numpy as np
import pytest
from immichvr_media import InvalidImage, decode_photo, preview_jpeg, read_photo_header

JPEGS = {
    "baseline": {"quality": 90},
    "progressive": {"quality": 90, "progressive": True},
    "with restarts": {"quality": 90, "restart_marker_rows": 1},
}


@pytest.fixture(params=JPEGS)
def jpeg(request, files) -> bytes:
    return files.save(files.photo("coffee", (160, 320)), "JPEG", **JPEGS[request.param])


def shows_all_of(data: bytes, whole: bytes) -> list[str]:
    """The notes of a file that shows the same picture as another, in lists and previews too."""
    photo = decode_photo(data)
    assert np.array_equal(photo.rgb, decode_photo(whole).rgb)
    assert preview_jpeg(data, max_side=64) == preview_jpeg(whole, max_side=64)
    header = read_photo_header(io.BytesIO(data), len(data))
    assert (header.width, header.height) == (photo.width, photo.height)
    return photo.notes


@pytest.mark.parametrize("stray", [b"\0\0\0", b"abc", b"\xff\x00\x00", bytes(5000)])
def test_stray_bytes_between_the_segments_of_a_jpeg_are_passed_over(jpeg, stray):
    scan, second = jpeg.index(b"\xff\xda"), jpeg.index(b"\xff\xdb")
    for at in (scan, second):
        [note] = shows_all_of(jpeg[:at] + stray + jpeg[at:], jpeg)
        assert "stray bytes" in note


@pytest.mark.parametrize("end", [b"", b"\xff", bytes(9000), b"\xff\x05\xff\xd9", b"\0\0\xff\xd9", b"\xff\xff\xff\xd9"])
def test_a_jpeg_whose_end_is_missing_or_odd_is_shown_whole(jpeg, end):
    notes = shows_all_of(jpeg[:-2] + end, jpeg)
    assert bool(notes) == (end[:2] not in (b"\0\0", b"\xff\xff") or len(end) > 100)


def test_a_jpeg_without_an_end_that_another_follows_is_the_first_one(jpeg, files):
    shows_all_of(jpeg[:-2] + files.save(files.photo("rocket", (80, 40)), "JPEG"), jpeg)


def test_stray_bytes_before_restart_markers_are_passed_over(files):
    jpeg = files.save(files.photo("coffee", (160, 320)), "JPEG", **JPEGS["with restarts"])
    first = jpeg.index(b"\xff\xd0", jpeg.index(b"\xff\xda"))
    shows_all_of(jpeg[:first] + b"\x12\x34" + jpeg[first:], jpeg)
    [note] = shows_all_of(jpeg[:first] + b"\x12\xff\x05\x34" + jpeg[first:], jpeg)
    assert "mean nothing" in note


def test_a_jpeg_that_lacks_its_last_rows_says_so(jpeg):
    photo, whole = decode_photo(jpeg[:-12]), decode_photo(jpeg)
    assert np.array_equal(photo.rgb[:288], whole.rgb[:288])
    assert any("some is missing" in note for note in photo.notes)


def test_a_jpeg_that_ends_between_its_scans_is_refused(files):
    jpeg = files.save(files.photo("coffee", (160, 320)), "JPEG", **JPEGS["progressive"])
    scans = [match.start() for match in re.finditer(rb"\xff\xda", jpeg)]
    for at in scans[1:]:
        with pytest.raises(InvalidImage, match="before its last scan"):
            decode_photo(jpeg[:at])


def test_endless_stray_bytes_are_refused_quickly(files):
    jpeg = files.save(files.photo(), "JPEG")
    at = jpeg.index(b"\xff\xda")
    many = b"".join(bytes(60_000) + b"\xff\x01" for _ in range(200))
    started = time.process_time()
    for stray in (bytes(20_000_000), b"\xff" * 20_000_000, b"\xff\x00" * 10_000_000, many):
        with pytest.raises(InvalidImage, match="no marker within"):
            decode_photo(jpeg[:at] + stray + jpeg[at:])
    for stray in (b"\xff\x05" * 9000, bytes(20_000_000)):
        decode_photo(jpeg[:-2] + stray)
    assert time.process_time() - started < 3


@pytest.mark.parametrize("cut", range(1, 17))
def test_a_png_cut_behind_its_pixels_is_shown_whole(files, cut):
    png = files.save(files.photo("coffee", (160, 120)), "PNG")
    [note] = shows_all_of(png[:-cut], png)
    assert "cut off" in note


def test_a_png_whose_text_is_cut_is_shown_whole(files):
    png = files.save(files.photo("coffee", (160, 120)), "PNG")
    shows_all_of(png[:-12] + b"\x00\x01\x00\x00tEXtComment\x00words", png)


def test_a_png_whose_end_fails_its_checksum_is_shown(files):
    png = files.save(files.photo("coffee", (160, 120)), "PNG")
    assert shows_all_of(png[:-4] + b"\0\0\0\0", png) == []
