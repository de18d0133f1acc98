"""PLY of any property order, scalar type and encoding; INRIA's and SHARP's layouts on writing."""

from dataclasses import replace

import numpy as np
import pytest
from immichvr_splats import (
    SH_C0,
    InvalidCloudError,
    MalformedFileError,
    UnsupportedFileError,
    read,
    to_bytes,
    write,
)
from immichvr_splats.testing.ply_files import BASE, assert_same, columns, ply


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize("scalar", ["f4", "f8"])
@pytest.mark.parametrize("encoding", ["binary_little_endian", "binary_big_endian", "ascii"])
def test_every_encoding_scalar_and_degree_is_read(make_cloud, encoding, scalar, degree):
    cloud = make_cloud(7, degree)
    assert_same(read(ply(cloud, encoding, scalar)).cloud, cloud)


def test_properties_are_found_in_any_order_and_among_others(make_cloud):
    cloud = make_cloud(9, degree=1)
    names = [*columns(cloud), "nx", "confidence"]
    np.random.default_rng(1).shuffle(names)
    assert_same(read(ply(cloud, names=names)).cloud, cloud)


def test_mixed_scalar_types_are_read(make_cloud):
    cloud = make_cloud(4)
    values = columns(cloud)
    kinds = {n: ("u1", "uchar") if n == "label" else ("<f8", "double") for n in (*values, "label")}
    kinds["x"] = ("<f4", "float32")
    rows = np.zeros(4, [(n, code) for n, (code, _) in kinds.items()])
    for name, column in values.items():
        rows[name] = column
    header = ["ply", "format binary_little_endian 1.0", "element vertex 4"]
    header += [f"property {word} {n}" for n, (_, word) in kinds.items()]
    assert_same(read("\n".join([*header, "end_header", ""]).encode() + rows.tobytes()).cloud, cloud)


def test_comments_and_windows_line_ends_are_read(make_cloud):
    cloud = make_cloud(3)
    data = ply(cloud, before="comment end_header is not here\nobj_info x", newline="\r\n")
    assert_same(read(data).cloud, cloud)


@pytest.mark.parametrize("shift", range(4))
def test_rows_at_any_alignment_are_read(make_cloud, shift):
    cloud = make_cloud(5)
    assert_same(read(ply(cloud, before="comment " + "x" * shift)).cloud, cloud)


def test_elements_around_the_vertices_are_skipped_and_said(make_cloud):
    cloud = make_cloud(3)
    data = ply(cloud, before="element extra 2\nproperty ushort a", after="element more 1\nproperty int b")
    body = data.index(b"end_header\n") + len(b"end_header\n")
    result = read(data[:body] + b"\1\2\3\4" + data[body:] + b"\0\0\0\0")
    assert_same(result.cloud, cloud)
    assert [str(loss) for loss in result.losses] == ["element 'extra': ignored", "element 'more': ignored"]


def test_faces_behind_the_vertices_are_ignored_and_said(make_cloud):
    data = ply(make_cloud(3), after="element face 1\nproperty list uchar int vertex_indices", tail=b"\3" + bytes(12))
    result = read(data)
    assert result.cloud.count == 3
    assert "'face'" in str(result.losses[0])


def test_bytes_behind_the_last_element_are_ignored_and_said(make_cloud):
    assert "3 bytes" in str(read(ply(make_cloud(2), tail=b"abc")).losses[0])


def test_inria_layout_has_normals_and_channel_major_harmonics(make_cloud):
    cloud = make_cloud(4, degree=2)
    data = to_bytes(cloud, "ply", layout="inria")
    head = data[: data.index(b"end_header\n")].decode().splitlines()
    names = [line.split()[-1] for line in head if line.startswith("property")]
    assert names == [*BASE[:3], "nx", "ny", "nz", *BASE[3:6], *(f"f_rest_{i}" for i in range(24)), *BASE[6:]]
    row = np.frombuffer(data[data.index(b"end_header\n") + 11 :], "<f4").reshape(4, -1)[1]
    np.testing.assert_array_equal(row[9:17], cloud.sh[1, 1:, 0])
    np.testing.assert_array_equal(row[17:25], cloud.sh[1, 1:, 1])


def test_without_a_camera_the_normals_that_nobody_reads_are_left_out(make_cloud):
    cloud = make_cloud(4, degree=1)
    head = to_bytes(cloud, "ply").split(b"end_header\n")[0].decode().splitlines()
    names = [line.split()[-1] for line in head if line.startswith("property")]
    assert names == [*BASE[:6], *(f"f_rest_{i}" for i in range(9)), *BASE[6:]]
    for layout in ("plain", "inria"):
        assert (read(to_bytes(cloud, "ply", layout=layout)).cloud.sh == cloud.sh).all()


def test_sharp_layout_carries_the_camera(make_cloud, camera):
    extrinsic = np.eye(4)
    extrinsic[:3, 3] = [0.5, -1, 2]
    camera = replace(camera, extrinsic=extrinsic)
    cloud = make_cloud(4, camera=camera)
    found = read(to_bytes(cloud, "ply", layout="sharp")).cloud.camera
    camera_values = (camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height)
    assert (found.fx, found.fy, found.cx, found.cy, found.width, found.height) == camera_values
    np.testing.assert_array_equal(found.extrinsic, camera.extrinsic)


@pytest.mark.parametrize("layout", ["plain", "inria"])
def test_layouts_for_other_viewers_keep_the_camera_in_comments(make_cloud, camera, layout):
    extrinsic = np.eye(4)
    extrinsic[:3, 3] = [0.1, -1, 2e-7]
    cloud = make_cloud(4, 1, replace(camera, extrinsic=extrinsic))
    assert write(cloud, None, "ply", layout=layout) == []
    data = to_bytes(cloud, "ply", layout=layout)
    assert data.split(b"\n")[2] == b"element vertex 4"
    found = read(data).cloud.camera
    assert (found.fx, found.cx, found.width, found.height) == (camera.fx, camera.cx, camera.width, camera.height)
    np.testing.assert_array_equal(found.extrinsic, extrinsic)


def test_a_camera_in_comments_that_is_not_usable_is_said(make_cloud, camera):
    data = to_bytes(make_cloud(2, camera=camera), "ply").replace(b"immichvr_camera 60", b"immichvr_camera -1")
    result = read(data)
    assert result.cloud.camera is None
    assert [loss.code for loss in result.losses] == ["camera"]


def test_a_ply_is_written_as_every_viewer_reads_it_unless_told_otherwise(make_cloud, camera):
    header = to_bytes(make_cloud(2, camera=camera), "ply").split(b"end_header\n")[0].decode()
    assert [line for line in header.splitlines() if line.startswith("element")] == ["element vertex 2"]


def test_sharp_layout_loses_view_dependence_and_says_so(make_cloud, camera):
    cloud = make_cloud(4, degree=2, camera=camera)
    assert [loss.code for loss in write(cloud, None, "ply", layout="sharp")] == ["sh_degree"]
    assert read(to_bytes(cloud, "ply", layout="sharp")).cloud.sh_degree == 0


def test_sharp_layout_without_a_camera_is_refused(make_cloud):
    with pytest.raises(InvalidCloudError, match="needs a cloud with a camera"):
        to_bytes(make_cloud(1), "ply", layout="sharp")


def test_linear_colours_of_a_file_become_srgb(make_cloud, camera):
    cloud = make_cloud(2, camera=camera)
    cloud.sh[:] = (0.5 - 0.5) / SH_C0
    data = bytearray(to_bytes(cloud, "ply", layout="sharp"))
    data[-4] = 1  # color_space, before the 3 bytes of version
    found = read(data).cloud
    assert found.color_space == "srgb"
    np.testing.assert_allclose(0.5 + SH_C0 * found.sh, 0.735357, atol=1e-5)


@pytest.mark.parametrize(
    ("element", "said"), [("intrinsic", "camera"), ("image_size", "camera"), ("color_space", "sRGB")]
)
def test_unusable_metadata_costs_the_metadata_only(make_cloud, camera, element, said):
    cloud = make_cloud(3, camera=camera)
    sizes = {"intrinsic": 36, "image_size": 8, "color_space": 1}
    data = bytearray(to_bytes(cloud, "ply", layout="sharp"))
    end = {"color_space": 3, "image_size": 20, "intrinsic": 28}[element]
    data[len(data) - end - sizes[element] : len(data) - end] = b"\xff" * sizes[element]
    if element == "image_size":
        data[len(data) - end - 8 : len(data) - end] = bytes(8)
    result = read(data)
    assert_same(result.cloud, cloud)
    assert said in str(result.losses[0])


@pytest.mark.parametrize("name", [name for name in BASE if name != "scale_2"])
def test_a_missing_property_is_named(make_cloud, name):
    with pytest.raises(MalformedFileError, match=f"lacks the properties {name}$"):
        read(ply(make_cloud(2), names=[n for n in BASE if n != name]))


@pytest.mark.parametrize("rest", [1, 8, 44, 46])
def test_an_odd_number_of_harmonics_is_refused(make_cloud, rest):
    with pytest.raises(MalformedFileError, match=f"{rest} properties f_rest_.*0, 9, 24, 45"):
        read(ply(make_cloud(2), names=[*BASE, *(f"f_rest_{i}" for i in range(rest))]))


def test_a_count_that_the_file_cannot_hold_is_refused(make_cloud):
    for encoding in ("binary_little_endian", "ascii"):
        data = ply(make_cloud(3), encoding).replace(b"vertex 3", b"vertex 9000000")
        with pytest.raises(MalformedFileError, match="announces 9,000,000 rows of element 'vertex'"):
            read(data)


@pytest.mark.parametrize("count", ["-1", "1e3", "99999999999999999999", "0x10", "", "3 3", "٣"])
def test_a_count_that_is_no_number_is_refused(make_cloud, count):
    data = ply(make_cloud(3)).replace(b"vertex 3", b"vertex " + count.encode())
    with pytest.raises(MalformedFileError, match="header line 3"):
        read(data)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"ply\n", b"PLY\n", "does not begin with 'ply'"),
        (b"1.0", b"2.0", "version 2.0"),
        (b"binary_little_endian", b"binary", "header line 2"),
        (b"format binary_little_endian 1.0\n", b"", "no format line"),
        (b"element vertex 3", b"element point 3", "no element 'vertex'"),
        (b"property float x", b"property quarter x", "header line 4"),
        (b"property float y", b"property float x", "second property"),
        (b"end_header", b"element vertex 3\nend_header", "second element"),
        (b"property float x", b"property list uchar float x", "holds a list"),
        (b"end_header", b"the_end", "no 'end_header'"),
        (b"element vertex", b"\xff\xfe vertex", "header line 3"),
        (b"end_header", b"comment " + b"x" * (17 << 20) + b"\nend_header", "no 'end_header'"),
        (b"end_header", b"property\n" * 1 + b"end_header", "header line 18"),
        (
            b"end_header",
            b"\n".join(b"property char p%d" % i for i in range(3000)) + b"\nend_header",
            "2,049 lines or more",
        ),
        (b"element vertex 3", b"property float x\nelement vertex 3", "header line 3"),
    ],
)
def test_a_broken_header_is_told_apart(make_cloud, old, new, said):
    data = ply(make_cloud(3))
    assert old in data
    with pytest.raises((MalformedFileError, UnsupportedFileError), match=said):
        read(data.replace(old, new, 1), "ply")


@pytest.mark.parametrize(
    ("word", "said"), [(b"abc", "could not convert"), (b"", "14 have|numbers"), (b"1 2", "have 29 numbers")]
)
def test_ascii_that_is_no_number_is_refused(make_cloud, word, said):
    data = ply(make_cloud(2), "ascii")
    body = data.index(b"end_header\n") + 11
    first = data.index(b" ", body)
    with pytest.raises(MalformedFileError, match=said):
        read(data[:body] + word + data[first:])
