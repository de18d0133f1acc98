"""What the head of a video tells, without a frame of it."""

import io
import random
import struct
from datetime import UTC, datetime

import pytest
from immichvr_media import MovieHeader, read_movie_header

MADE = int((datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC) - datetime(1904, 1, 1, tzinfo=UTC)).total_seconds())
TURNED = (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
STRAIGHT = (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def box(kind: bytes, *content: bytes) -> bytes:
    whole = b"".join(content)
    return struct.pack(">I", len(whole) + 8) + kind + whole


def mvhd(seconds: float, made: int = MADE, version: int = 0) -> bytes:
    times = struct.pack(">QQIQ" if version else ">IIII", made, made, 1000, int(seconds * 1000))
    return box(b"mvhd", bytes([version, 0, 0, 0]), times, bytes(80))


def trak(width: int, height: int, matrix=STRAIGHT, handler: bytes = b"vide", *more: bytes) -> bytes:
    tkhd = bytes(40) + struct.pack(">9i", *matrix) + struct.pack(">II", width << 16, height << 16)
    hdlr = box(b"hdlr", bytes(8), handler, bytes(13))
    return box(b"trak", box(b"tkhd", tkhd), box(b"mdia", hdlr), *more)


def keyed(**values: str) -> bytes:
    keys = b"".join(box(b"mdta", f"com.apple.quicktime.{name}".encode()) for name in values)
    items = b"".join(
        box(struct.pack(">I", number), box(b"data", struct.pack(">II", 1, 0), value.encode()))
        for number, value in enumerate(values.values(), 1)
    )
    hdlr = box(b"hdlr", bytes(8), b"mdta", bytes(13))
    return box(b"meta", hdlr, box(b"keys", bytes(4), struct.pack(">I", len(values)), keys), box(b"ilst", items))


def movie(*content: bytes, first: bool = False) -> bytes:
    parts = [box(b"moov", *content), box(b"mdat", bytes(5000))]
    return b"".join([box(b"ftyp", b"qt  "), *(parts if first else parts[::-1])])


def read(data: bytes) -> MovieHeader:
    return read_movie_header(io.BytesIO(data), len(data))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("version", [0, 1])
def test_size_length_and_date_are_told_wherever_the_head_lies(first, version):
    told = read(movie(mvhd(12.5, version=version), trak(0, 0, handler=b"soun"), trak(1920, 1080), first=first))
    assert (told.width, told.height, told.duration_s) == (1920, 1080, 12.5)
    assert told.taken == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


def test_a_video_that_was_held_upright_is_told_upright():
    told = read(movie(mvhd(1), trak(1920, 1080, TURNED)))
    assert (told.width, told.height) == (1080, 1920)


def test_apples_own_words_tell_place_camera_date_and_live_photo():
    words = {"location.ISO6709": "+48.8577+002.2950+035.0/", "make": "Apple", "model": "iPhone 15"}
    date = {"creationdate": "2024-05-06T09:08:09+0200", "content.identifier": "3f2504e0-4f89-11d3-9a0c-0305e82c3301"}
    told = read(movie(mvhd(2.9), trak(1440, 1080), keyed(**words, **date)))
    assert (told.about.latitude, told.about.longitude, told.about.camera) == (48.8577, 2.295, "Apple iPhone 15")
    assert told.taken is not None and told.taken.isoformat() == "2024-05-06T09:08:09+02:00"
    assert told.content_id == "3F2504E0-4F89-11D3-9A0C-0305E82C3301"


def test_the_place_of_an_android_video_is_told():
    xyz = b"+48.8577+002.2950/"
    told = read(movie(mvhd(2), trak(640, 480), box(b"udta", box(b"\xa9xyz", struct.pack(">HH", len(xyz), 0), xyz))))
    assert (told.about.latitude, told.about.longitude) == (48.8577, 2.295)


def test_a_spherical_video_is_no_flat_one():
    ball = box(b"uuid", bytes.fromhex("ffcc8263f8554a938814587a02521fdd"), b"<GSpherical:Spherical>true<")
    assert read(movie(mvhd(2), trak(3840, 1920, STRAIGHT, b"vide", ball))).projection == "equirectangular"
    assert read(movie(mvhd(2), trak(3840, 1920))).projection is None


@pytest.mark.parametrize("made", [0, 1])
def test_a_clock_that_was_never_set_tells_no_date(made):
    assert read(movie(mvhd(2, made), trak(640, 480))).taken is None


@pytest.mark.parametrize("data", [b"", b"RIFF....AVI ", b"\x1aE\xdf\xa3" * 20, bytes(3000), box(b"moov", b"\xff" * 50)])
def test_what_is_no_such_file_says_nothing(data):
    assert read(data) == MovieHeader()


def test_a_damaged_video_does_no_harm():
    whole = movie(mvhd(12.5), trak(1920, 1080), keyed(make="Apple", model="iPhone"), first=True)
    chance = random.Random(0)
    for _ in range(500):
        damaged = bytearray(whole[: chance.randrange(len(whole))] if chance.random() < 0.3 else whole)
        for _ in range(chance.randrange(1, 6) if damaged else 0):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        assert isinstance(read(bytes(damaged)), MovieHeader)


def test_a_file_of_endless_boxes_is_left_early():
    class Counting(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1) -> bytes:
            self.reads += 1
            return super().read(size)

    file = Counting(box(b"free") * 100_000)
    assert read_movie_header(file, len(file.getvalue())) == MovieHeader()
    assert file.reads < 3000
