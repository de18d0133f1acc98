"""SPZ version 3 is written, 2 and 3 are read, within their quantisation."""

import gzip
import struct

import numpy as np
import pytest
from immichvr_splats import MalformedFileError, UnsupportedFileError, read, to_bytes, write


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


@pytest.mark.parametrize("version", [0, 1, 4, 2**32 - 1])
def test_other_versions_are_refused_by_name(make_cloud, version):
    with pytest.raises(UnsupportedFileError, match=f"version {version}, versions"):
        read(rebuilt(to_bytes(make_cloud(2), "spz"), version=version))


def test_version_4_without_gzip_is_refused_by_name():
    with pytest.raises(UnsupportedFileError, match="version 4"):
        read(b"NGSP" + struct.pack("<I", 4) + bytes(100))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"magic": 7}, "gzip of something else"),
        ({"degree": 4}, "degree 4"),
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


def test_what_follows_the_gaussians_is_ignored_and_said(make_cloud):
    result = read(rebuilt(to_bytes(make_cloud(2), "spz"), tail=b"extension", flags=3))
    assert result.cloud.count == 2
    assert len(result.losses) == 2


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
