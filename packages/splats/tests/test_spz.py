"""SPZ versions 1 to 4 are read, 2 to 4 written, within their quantisation."""

import gzip
import struct
from dataclasses import replace

import numpy as np
import pytest
import zstandard
from immichvr_splats import (
    InvalidCloudError,
    MalformedFileError,
    Marks,
    UnsupportedFileError,
    read,
    to_bytes,
    write,
)
from immichvr_splats.testing.spz_files import georeference


def header(data):
    return struct.unpack_from("<IIIBBBB", gzip.decompress(data))


def test_the_header_says_version_count_degree_and_precision(make_cloud):
    assert header(to_bytes(make_cloud(5, degree=2), "spz")) == (0x5053474E, 3, 5, 2, 12, 0, 0)


def test_the_same_cloud_gives_the_same_bytes(make_cloud):
    assert to_bytes(make_cloud(50), "spz") == to_bytes(make_cloud(50), "spz")


@pytest.mark.parametrize(("reach", "bits"), [(2047, 12), (2049, 11), (30_000, 8), (4_000_000, 1), (8_000_000, 0)])
def test_far_means_lower_the_precision_instead_of_wrapping(make_cloud, reach, bits):
    cloud = make_cloud(3)
    cloud.means[1] = [-reach, reach, 0]
    losses = write(cloud, None, "spz")
    data = to_bytes(cloud, "spz")
    assert header(data)[4] == bits
    assert [loss.code for loss in losses] == (["precision"] if bits < 12 else [])
    np.testing.assert_allclose(read(data).cloud.means, cloud.means, atol=0.5001 * 2.0**-bits)


def test_means_beyond_every_precision_are_clamped_and_said(make_cloud):
    cloud = make_cloud(3)
    cloud.means[1, 0] = 1e20
    losses = write(cloud, None, "spz")
    assert [(loss.code, loss.count) for loss in losses] == [("precision", 0), ("clamped", 1)]
    assert read(to_bytes(cloud, "spz")).cloud.means[1, 0] == 2**23 - 1


def test_values_outside_their_range_are_clamped_and_said(make_cloud):
    cloud = make_cloud(4, degree=1)
    cloud.log_scales[0] = [-30, 30, 0]
    cloud.sh[1, 0] = 9
    cloud.sh[2, 2] = -5
    losses = write(cloud, None, "spz")
    assert [(loss.code, loss.count) for loss in losses] == [("clamped", 1)] * 3
    found = read(to_bytes(cloud, "spz")).cloud
    np.testing.assert_allclose(found.log_scales[0], [-10, 5.9375, 0])
    assert (found.sh[2, 2] == -1).all()


def test_file_order_is_kept_unless_morton_is_asked_for(make_cloud):
    cloud = make_cloud(500)
    np.testing.assert_allclose(read(to_bytes(cloud, "spz")).cloud.means, cloud.means, atol=2e-4)
    losses = write(cloud, None, "spz", order="morton")
    assert [loss.code for loss in losses] == ["order"]
    sorted_means = read(to_bytes(cloud, "spz", order="morton")).cloud.means

    def hops(means):
        return np.linalg.norm(np.diff(means, axis=0), axis=1).sum()

    assert hops(sorted_means) < hops(cloud.means) / 3
    np.testing.assert_allclose(np.sort(sorted_means[:, 0]), np.sort(cloud.means[:, 0]), atol=2e-4)


def test_a_file_of_another_frame_of_gzip_is_read(make_cloud):
    data = gzip.compress(gzip.decompress(to_bytes(make_cloud(9), "spz")), 9)
    assert read(data).cloud.count == 9


def rebuilt(data, tail=b"", **changes):
    """The file with other header fields."""
    payload = gzip.decompress(data)
    names = ("magic", "version", "count", "degree", "bits", "flags", "reserved")
    fields = dict(zip(names, struct.unpack_from("<IIIBBBB", payload), strict=True)) | changes
    return gzip.compress(struct.pack("<IIIBBBB", *fields.values()) + payload[16:] + tail)


@pytest.mark.parametrize("version", [0, 4, 2**32 - 1])
def test_other_versions_are_refused_by_name(make_cloud, version):
    with pytest.raises(UnsupportedFileError, match=f"version {version}, versions"):
        read(rebuilt(to_bytes(make_cloud(2), "spz"), version=version))


def test_version_5_without_gzip_is_refused_by_name():
    with pytest.raises(UnsupportedFileError, match="version 5"):
        read(b"NGSP" + struct.pack("<I", 5) + bytes(100))


def test_version_1_has_means_in_half_precision():
    data = struct.pack("<IIIBBBB", 0x5053474E, 1, 2, 0, 12, 0, 0)
    data += struct.pack("<6e", 1, -2, 0.5, 3, 4, float("inf")) + bytes([255] * 2 + [128] * 12 + [255, 128, 128] * 2)
    result = read(gzip.compress(data))
    assert result.dropped == 1
    assert result.cloud.means.tolist() == [[1, -2, 0.5]]
    np.testing.assert_allclose(result.cloud.quaternions, [[0, 1, 0, 0]], atol=0.1)


@pytest.mark.parametrize("version", [2, 3, 4])
@pytest.mark.parametrize("frame", ["rdf", "rub"])
def test_every_version_and_frame_comes_back(make_cloud, version, frame):
    cloud = make_cloud(300, degree=3)
    found = read(to_bytes(cloud, "spz", version=version, frame=frame), frame=frame).cloud
    np.testing.assert_allclose(found.means, cloud.means, atol=0.5001 / 4096)
    np.testing.assert_allclose(found.sh[:, 1:], cloud.sh[:, 1:], atol=8.5 / 128)
    dots = np.abs((found.quaternions * cloud.quaternions).sum(axis=1))
    assert dots.min() > (0.99 if version == 2 else 0.99999)


def test_rub_has_y_and_z_the_other_way_round(make_cloud):
    cloud = make_cloud(3)
    found = read(to_bytes(cloud, "spz", frame="rub")).cloud
    np.testing.assert_allclose(found.means, cloud.means * [1, -1, -1], atol=2e-4)


@pytest.mark.parametrize(("option", "value"), [("version", 1), ("version", "3"), ("frame", "luf")])
def test_an_option_that_cannot_be_followed_is_refused(make_cloud, option, value):
    with pytest.raises(InvalidCloudError, match=f"{option} is {value!r}, spz takes one of"):
        to_bytes(make_cloud(1), "spz", **{option: value})


def test_version_4_of_many_blocks_has_one_frame_for_each_plane(make_cloud):
    cloud = make_cloud(70_000)
    data = to_bytes(cloud, "spz", version=4)
    sizes = [struct.unpack_from("<QQ", data, 32 + 16 * i) for i in range(data[15])]
    assert [size for _, size in sizes] == [70_000 * width for width in (9, 1, 3, 3, 4)]
    at = 32 + 16 * 5
    for compressed, size in sizes:
        assert zstandard.get_frame_parameters(data[at : at + compressed]).content_size == size
        at += compressed
    assert at == len(data)
    np.testing.assert_allclose(read(data).cloud.means, cloud.means, atol=0.5001 / 4096)


def version_4(make_cloud, sh_degree=1, before_toc=b"", **changes):
    """A file of version 4 with other header fields, or bytes before its table of contents."""
    data = to_bytes(make_cloud(2, sh_degree), "spz", version=4)
    names = ("magic", "version", "count", "degree", "bits", "flags", "streams", "offset")
    fields = dict(zip(names, struct.unpack_from("<IIIBBBBI", data), strict=True))
    fields["offset"] += len(before_toc)
    return struct.pack("<IIIBBBBI12x", *(fields | changes).values()) + before_toc + data[32:]


def test_extensions_of_version_4_are_ignored_and_said(make_cloud):
    result = read(version_4(make_cloud, before_toc=b"extension"))
    assert result.cloud.count == 2
    assert [str(loss) for loss in result.losses] == ["9 bytes that are no extension of spz: ignored"]


def test_degree_4_is_read_without_its_last_band(make_cloud):
    stored = np.arange(2 * 72, dtype=np.uint8)
    planes = [bytes(18), b"\xff" * 2, bytes([128] * 6), bytes(6), bytes(8), stored.tobytes()]
    frames = [zstandard.compress(plane) for plane in planes]
    toc = b"".join(struct.pack("<QQ", len(f), len(p)) for f, p in zip(frames, planes, strict=True))
    head = struct.pack("<IIIBBBBI12x", 0x5053474E, 4, 2, 4, 12, 0, 6, 32)
    result = read(head + toc + b"".join(frames))
    wanted = (stored.reshape(2, 24, 3)[:, :15].astype(float) - 128) / 128
    np.testing.assert_array_equal(result.cloud.sh[:, 1:], wanted)
    assert [loss.code for loss in result.losses] == ["sh_degree"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"count": 3}, "stream 0 at offset 128 has 18 bytes uncompressed, 27 are announced"),
        ({"degree": 2}, "stream 5 .* 18 bytes uncompressed, 48 are announced"),
        ({"degree": 5}, "degree 5"),
        ({"streams": 5}, "5 streams, its header makes 6 necessary"),
        ({"streams": 255}, "255 streams at offset 32 is cut off"),
        ({"offset": 2**32 - 1}, "is cut off"),
        ({"offset": 31}, "within the header"),
        ({"bits": 25}, "25 fractional bits"),
        ({"version": 3}, "version 3"),
    ],
)
def test_a_header_of_version_4_that_lies_is_refused(make_cloud, changes, said):
    with pytest.raises((MalformedFileError, UnsupportedFileError), match=said):
        read(version_4(make_cloud, **changes))


@pytest.mark.parametrize(
    ("entry", "said"), [((2**64 - 1, 18), "18,446,744,073,709,551,615 bytes"), ((27, 2**63), "announced")]
)
def test_a_table_of_contents_that_lies_is_refused(make_cloud, entry, said):
    data = bytearray(version_4(make_cloud))
    data[32:48] = struct.pack("<QQ", *entry)
    with pytest.raises(MalformedFileError, match=said):
        read(data)


@pytest.mark.parametrize("size", [10**12, 17, 19])
def test_a_zstd_frame_that_lies_about_its_size_is_refused(make_cloud, size):
    honest = version_4(make_cloud, sh_degree=0)
    streams = [struct.unpack_from("<QQ", honest, 32 + 16 * i) for i in range(5)]
    lying = (
        bytes.fromhex("28b52ffd")
        + b"\xe0"
        + struct.pack("<Q", size)
        + struct.pack("<I", (size << 3 | 3) & 0xFFFFFF)[:3]
    )
    rest = honest[32 + 80 + streams[0][0] :]
    toc = struct.pack("<QQ", len(lying), 18) + honest[48:112]
    with pytest.raises(MalformedFileError, match="zstd frame"):
        read(honest[:32] + toc + lying + rest)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"magic": 7}, "gzip of something else"),
        ({"degree": 5}, "degree 5"),
        ({"bits": 25}, "25 fractional bits"),
        ({"count": 3}, "announces 76 bytes decompressed, the stream ends after 56"),
        ({"count": 19_000_000}, "cannot hold"),
        ({"degree": 3}, "announces"),
    ],
)
def test_a_header_that_lies_is_refused(make_cloud, changes, said):
    data = to_bytes(make_cloud(2), "spz")
    with pytest.raises((MalformedFileError, UnsupportedFileError), match=said):
        read(rebuilt(data, **changes))


@pytest.mark.parametrize("count", [2, 150_000])
def test_what_follows_the_gzip_stream_is_ignored_and_said(make_cloud, count):
    data = to_bytes(make_cloud(count), "spz")
    result = read(data + bytes(9))
    assert [str(loss) for loss in result.losses] == ["9 bytes behind the gzip stream: ignored"]
    np.testing.assert_array_equal(result.cloud.means, read(data).cloud.means)


def test_what_follows_the_gaussians_is_ignored_and_said(make_cloud):
    for flags in (1, 3):
        result = read(rebuilt(to_bytes(make_cloud(2), "spz"), tail=b"extension", flags=flags))
        assert result.cloud.count == 2
        assert result.cloud.marks.antialiased
        assert [loss.code for loss in result.losses] == ["ignored"]


def record(kind, payload):
    return struct.pack("<II", kind, len(payload)) + payload


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize(("code", "place"), [(0, [1, -2, -3]), (4, [1, -2, -3]), (6, [1, 2, 3]), (12, [1, -3, 2])])
def test_axes_that_a_file_tells_are_turned_on_reading(make_cloud, version, code, place):
    cloud = make_cloud(2)
    cloud.means[0] = [1, 2, 3]
    told = record(0xADBE0002, bytes(12)) + record(0xADBE0003, struct.pack("<I", code))
    if version == 3:
        data = rebuilt(to_bytes(cloud, "spz"), tail=told, flags=2)
    else:
        plain = to_bytes(cloud, "spz", version=4)
        head = plain[:14] + b"\2" + plain[15:16] + struct.pack("<I", 32 + len(told)) + plain[20:32]
        data = head + told + plain[32:]
    result = read(data)
    np.testing.assert_allclose(result.cloud.means[0], place, atol=1e-3)
    assert [str(loss) for loss in result.losses] == [
        "the extension SPZ_ADOBE_safe_orbit_camera of spz, 12 bytes: ignored"
    ]
    np.testing.assert_allclose(read(data, frame="rdf").cloud.means[0], [1, 2, 3], atol=1e-3)


def test_axes_that_have_no_name_are_refused(make_cloud):
    told = record(0xADBE0003, struct.pack("<I", 17))
    with pytest.raises(UnsupportedFileError, match="SPZ_ADOBE_coordinate_system is 17"):
        read(rebuilt(to_bytes(make_cloud(1), "spz"), tail=told, flags=2))


@pytest.mark.parametrize("version", [2, 3])
def test_degree_4_of_versions_in_gzip_is_read_without_its_last_band(make_cloud, version):
    planes = bytes(9) + b"\xff" + bytes([128] * 3) + bytes(3) + bytes(4 if version == 3 else 3) + bytes(range(72))
    result = read(gzip.compress(struct.pack("<IIIBBBB", 0x5053474E, version, 1, 4, 12, 0, 0) + planes))
    np.testing.assert_array_equal(result.cloud.sh[0, 1:].ravel() * 128 + 128, np.arange(45))
    assert [loss.code for loss in result.losses] == ["sh_degree"]


def test_a_damaged_byte_is_noticed(make_cloud):
    data = bytearray(to_bytes(make_cloud(200), "spz"))
    data[len(data) // 2] ^= 0x10
    with pytest.raises(MalformedFileError):
        read(data)


def test_a_wrong_checksum_is_noticed(make_cloud):
    data = bytearray(to_bytes(make_cloud(20), "spz"))
    data[-8] ^= 1
    with pytest.raises(MalformedFileError, match="gzip"):
        read(data)


@pytest.mark.parametrize(("key", "words"), [("ply", "a PLY"), ("sog", "a zip"), ("glb", "a GLB"), ("spz", "another")])
def test_another_file_packed_by_gzip_is_called_what_it_is(make_cloud, key, words):
    with pytest.raises(UnsupportedFileError, match=f"packed by gzip: {words}.*gunzip"):
        read(gzip.compress(to_bytes(make_cloud(2), key)))


def test_a_tar_packed_by_gzip_is_called_what_it_is():
    with pytest.raises(UnsupportedFileError, match="packed by gzip: tar"):
        read(gzip.compress(bytes(257) + b"ustar" + bytes(300)))


def test_flags_that_nobody_knows_are_told(make_cloud):
    assert "flags 0x84" in str(read(rebuilt(to_bytes(make_cloud(1), "spz"), flags=0x84)).losses[0])


@pytest.mark.parametrize("crs", [b"EPSG:4978", b'{"type":"GeodeticCRS"}' * 25])
@pytest.mark.parametrize("version", [2, 3, 4])
def test_where_on_earth_a_cloud_stands_is_carried_through_every_format_that_can(make_cloud, version, crs):
    told = record(0x4E530001, georeference(crs))
    result = read(rebuilt(to_bytes(make_cloud(3), "spz"), tail=told, flags=2))
    assert result.losses == []
    for key in ("ply", "compressed-ply", "glb"):
        result = read(to_bytes(result.cloud, key), key)
        [note] = result.cloud.marks.georeference
        assert note.startswith("SPZ_NIANTIC_georeference ")
    again = to_bytes(result.cloud, "spz", version=version)
    assert told in (again if version == 4 else gzip.decompress(again))
    assert read(again).cloud.marks.georeference == (note,)
    assert not [loss for loss in write(result.cloud, None, "spz") if loss.code == "georeference"]
    [loss] = [loss for loss in write(result.cloud, None, "splat") if loss.code == "georeference"]
    assert "SPZ_NIANTIC_georeference" in str(loss)


def test_where_a_cloud_stands_by_another_note_is_said_to_be_left_out(make_cloud):
    marks = Marks(origin=(5e5, 4.6e6, 0), georeference=("EPSG:32632", "SPZ_NIANTIC_georeference broken"))
    [loss] = [loss for loss in write(replace(make_cloud(3), marks=marks), None, "spz") if loss.code == "georeference"]
    assert "origin (500000, 4600000, 0), EPSG:32632" in str(loss)


def test_a_georeference_that_is_none_is_ignored_by_name(make_cloud):
    for payload in (b"12", georeference(b"x" * 60_000)):
        result = read(rebuilt(to_bytes(make_cloud(3), "spz"), tail=record(0x4E530001, payload), flags=2))
        [loss] = result.losses
        assert str(loss) == f"the extension SPZ_NIANTIC_georeference of spz, {len(payload):,} bytes: ignored"
