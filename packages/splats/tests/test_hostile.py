"""Whatever bytes come, the answer is a cloud of sound values or a SplatError: no crash, no hang, no flood of memory."""

import gzip
import struct
import tracemalloc

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from immichvr_splats import FORMATS, LimitExceededError, MalformedFileError, ReadLimits, SplatError, read, to_bytes


def read_or_refuse(data, key):
    try:
        cloud = read(data, key).cloud
    except SplatError as error:
        assert str(error)
        return None
    for name in ("means", "log_scales", "quaternions", "opacity_logits", "sh"):
        assert np.isfinite(getattr(cloud, name)).all(), name
    return cloud


@pytest.mark.parametrize("layout", ["inria", "sharp"])
def test_a_ply_cut_off_anywhere_is_refused(make_cloud, camera, layout):
    data = to_bytes(make_cloud(2, camera=camera), "ply", layout=layout)
    for length in range(len(data)):
        with pytest.raises(SplatError):
            read(data[:length], "ply")


def test_an_ascii_ply_cut_off_anywhere_is_refused_or_short_of_a_digit(make_cloud):
    head = (
        to_bytes(make_cloud(1), "ply", layout="inria")
        .split(b"end_header\n")[0]
        .replace(b"binary_little_endian", b"ascii")
    )
    data = head + b"end_header\n" + b" ".join([b"0.25"] * 17) + b"\n"
    assert read(data).cloud.count == 1
    for length in range(len(data) - 4):
        with pytest.raises(SplatError):
            read(data[:length], "ply")


@pytest.mark.parametrize("degree", [0, 3])
@pytest.mark.parametrize("version", [2, 3, 4])
def test_an_spz_cut_off_anywhere_is_refused(make_cloud, degree, version):
    data = to_bytes(make_cloud(3, degree), "spz", version=version)
    for length in range(len(data)):
        with pytest.raises(SplatError):
            read(data[:length], "spz")


def test_a_splat_cut_off_within_a_row_is_refused(make_cloud):
    data = to_bytes(make_cloud(3), "splat")
    for length in range(len(data)):
        if length == 0 or length % 32:
            with pytest.raises(SplatError):
                read(data[:length], "splat")


@pytest.mark.parametrize("key", FORMATS)
@settings(max_examples=60, deadline=None)
@given(at=st.floats(0, 1, exclude_max=True), junk=st.binary(min_size=1, max_size=12))
def test_overwritten_bytes_are_survived(make_cloud, camera, key, at, junk):
    data = bytearray(to_bytes(make_cloud(4, camera=camera), key))
    start = int(at * len(data))
    data[start : start + len(junk)] = junk
    read_or_refuse(data, key)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 200), junk=st.binary(min_size=1, max_size=24))
def test_overwritten_bytes_inside_the_gzip_are_survived(make_cloud, at, junk):
    payload = bytearray(gzip.decompress(to_bytes(make_cloud(4, degree=1), "spz")))
    payload[at : at + len(junk)] = junk
    read_or_refuse(gzip.compress(payload, 1), "spz")


@settings(max_examples=60, deadline=None)
@given(at=st.floats(0, 1, exclude_max=True), junk=st.binary(min_size=1, max_size=12))
def test_overwritten_bytes_of_an_spz_4_are_survived(make_cloud, at, junk):
    data = bytearray(to_bytes(make_cloud(4, degree=1), "spz", version=4))
    start = int(at * len(data))
    data[start : start + len(junk)] = junk
    read_or_refuse(data, "spz")


def test_a_zstd_bomb_is_not_inflated_beyond_what_its_header_makes_necessary():
    planes = [bytes(10 * width) for width in (9, 1, 3, 3, 4)]
    frames = [zstandard.compress(bytes(100_000_000)), *(zstandard.compress(plane) for plane in planes[1:])]
    toc = b"".join(struct.pack("<QQ", len(f), len(p)) for f, p in zip(frames, planes, strict=True))
    data = struct.pack("<IIIBBBBI12x", 0x5053474E, 4, 10, 0, 12, 0, 5, 32) + toc + b"".join(frames)
    tracemalloc.start()
    with pytest.raises(MalformedFileError, match="a zstd frame of 100,000,000 bytes, 90 are announced"):
        read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize("key", FORMATS)
@settings(max_examples=40, deadline=None)
@given(data=st.binary(max_size=200))
def test_random_bytes_are_survived(key, data):
    starts = {"ply": b"ply\nformat ascii 1.0\n", "spz": b"\x1f\x8b\x08\0", "splat": b""}
    read_or_refuse(starts.get(key, b"".join(FORMATS[key].magic[:1])) + data, key)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", range(14))
def test_non_finite_values_in_any_ply_column_leave_a_sound_cloud(make_cloud, camera, column, bad):
    data = to_bytes(make_cloud(4, camera=camera), "ply")
    body = data.index(b"end_header\n") + 11
    rows = np.frombuffer(data[body : body + 4 * 56], "<f4").reshape(4, 14).copy()
    rows[2, column] = bad
    cloud = read_or_refuse(data[:body] + rows.tobytes() + data[body + 4 * 56 :], "ply")
    only_clamped = (column == 6 and np.isinf(bad)) or (column in (7, 8, 9) and bad == -np.inf)
    assert cloud.count == (4 if only_clamped else 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("key", FORMATS)
@pytest.mark.parametrize("name", ["means", "log_scales", "quaternions", "opacity_logits", "sh"])
def test_non_finite_values_are_never_written(make_cloud, key, name, bad):
    cloud = make_cloud(5)
    getattr(cloud, name).reshape(5, -1)[1, 0] = bad
    written = read_or_refuse(to_bytes(cloud, key), key)
    is_limit = (name == "opacity_logits" and np.isinf(bad)) or (name == "log_scales" and bad == -np.inf)
    assert written.count == (5 if is_limit else 4)


def bomb(count, size):
    return gzip.compress(struct.pack("<IIIBBBB", 0x5053474E, 3, count, 0, 12, 0, 0) + bytes(size), 9)


def test_a_compression_bomb_is_not_inflated_beyond_what_it_announces():
    data = bomb(count=10, size=200_000_000)
    tracemalloc.start()
    result = read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.cloud.count == 10
    assert "ignored" in str(result.losses[0])
    assert peak < 4_000_000


def test_a_compression_bomb_that_announces_itself_meets_the_limit():
    data = bomb(count=1_000_000, size=20_000_000)
    with pytest.raises(LimitExceededError, match="20,000,016 bytes decompressed, the limit is 1,000,000"):
        read(data, limits=ReadLimits(max_decompressed_bytes=1_000_000))
    assert read(data, limits=ReadLimits(max_decompressed_bytes=20_000_016)).cloud.count == 1_000_000
