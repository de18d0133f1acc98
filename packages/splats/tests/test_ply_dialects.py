"""PLY as programs that other people use write it: read, and told where something had to be guessed."""

import numpy as np
import pytest
from immichvr_splats import SH_C0, MalformedFileError, Marks, UnsupportedFileError, read, to_bytes, write
from immichvr_splats.cloud import THINNEST_LOG_SCALE
from immichvr_splats.formats.ply import reach_as_bytes
from immichvr_splats.pointclouds import read_points
from immichvr_splats.testing.ply_files import assert_same, columns, ply


def renamed(data, names):
    for old, new in names.items():
        data = data.replace(f" {old}\n".encode(), f" {new}\n".encode(), 1)
    return data


def told(result):
    return [(loss.code, loss.count) for loss in result.losses]


def test_names_with_cloudcompares_prefix_are_read(make_cloud):
    cloud = make_cloud(5, degree=1)
    names = {name: f"scalar_{name}" for name in columns(cloud) if name not in "xyz"}
    result = read(renamed(ply(cloud), names))
    assert_same(result.cloud, cloud)
    assert result.losses == []


def test_surfels_with_two_scales_are_flat_gaussians_and_said(make_cloud):
    cloud = make_cloud(6, degree=1)
    result = read(ply(cloud, names=[name for name in columns(cloud) if name != "scale_2"]))
    np.testing.assert_array_equal(result.cloud.log_scales[:, :2], cloud.log_scales[:, :2])
    assert (result.cloud.log_scales[:, 2] == THINNEST_LOG_SCALE).all()
    np.testing.assert_array_equal(result.cloud.sh, cloud.sh)
    assert told(result) == [("guessed", 6)]


@pytest.mark.parametrize(("names", "kind", "largest"), [
    (("red", "green", "blue"), "uchar", 255),
    (("r", "g", "b"), "ushort", 65_535),
    (("scalar_red", "scalar_green", "scalar_blue"), "float", 1),
])  # fmt: skip
def test_colours_of_another_name_stand_for_f_dc_and_are_said(make_cloud, names, kind, largest):
    cloud = make_cloud(4)
    shares = np.clip(0.5 + SH_C0 * cloud.sh[:, 0], 0, 1)
    code = {"uchar": "u1", "ushort": "<u2", "float": "<f4"}[kind]
    others = {name: values for name, values in columns(cloud).items() if not name.startswith("f_dc")}
    rows = np.zeros(4, [*((name, "<f4") for name in others), *((name, code) for name in names)])
    for name, values in others.items():
        rows[name] = values
    for channel, name in enumerate(names):
        rows[name] = np.round(shares[:, channel] * largest) if largest > 1 else shares[:, channel]
    lines = ["ply", "format binary_little_endian 1.0", "element vertex 4"]
    lines += [f"property float {name}" for name in others] + [f"property {kind} {name}" for name in names]
    result = read("\n".join([*lines, "end_header", ""]).encode() + rows.tobytes())
    np.testing.assert_allclose(0.5 + SH_C0 * result.cloud.sh[:, 0], shares, atol=0.502 / max(largest, 255))
    assert told(result) == [("guessed", 4)]


@pytest.mark.parametrize("largest", [1, 255])
def test_colours_of_floats_are_shares_or_go_to_255_as_their_sizes_tell(make_cloud, largest):
    cloud = make_cloud(20)
    shares = np.clip(0.5 + SH_C0 * cloud.sh[:, 0], 0, 1).astype("<f4")
    values = {name: column for name, column in columns(cloud).items() if not name.startswith("f_dc")}
    values |= dict(zip(("red", "green", "blue"), (shares * largest).T, strict=True))
    rows = np.stack(list(values.values()), axis=1).astype("<f4")
    lines = ["ply", "format binary_little_endian 1.0", "element vertex 20", *(f"property float {n}" for n in values)]
    data = "\n".join([*lines, "end_header", ""]).encode() + rows.tobytes()
    result = read(data)
    np.testing.assert_allclose(0.5 + SH_C0 * result.cloud.sh[:, 0], shares, atol=1e-5)
    assert told(result) == [("guessed", 20)] * (1 if largest == 1 else 2)
    places = ["x", "y", "z", "red", "green", "blue"]
    bare = "\n".join([*lines[:3], *(f"property float {name}" for name in places), "end_header", ""]).encode()
    points = read_points(bare + np.stack([values[name] for name in places], axis=1).astype("<f4").tobytes())
    assert np.abs(points.cloud.colors - shares * 255.0).max() < 0.51


@pytest.mark.parametrize("encoding", ["binary_little_endian", "ascii"])
def test_harmonics_of_degree_4_are_cut_to_3_and_said(make_cloud, encoding):
    cloud = make_cloud(3, degree=3)
    values = columns(cloud)
    rest = np.arange(3 * 72, dtype=np.float32).reshape(3, 72)
    for channel in range(3):
        rest[:, 24 * channel : 24 * channel + 15] = cloud.sh[:, 1:, channel]
    values = {n: v for n, v in values.items() if not n.startswith("f_rest")}
    values |= {f"f_rest_{i}": rest[:, i] for i in range(72)}
    rows = np.stack(list(values.values()), axis=1).astype("<f4")
    lines = ["ply", f"format {encoding} 1.0", "element vertex 3", *(f"property float {n}" for n in values)]
    body = rows.tobytes() if "binary" in encoding else "\n".join(" ".join(map(repr, r.tolist())) for r in rows).encode()
    result = read("\n".join([*lines, "end_header", ""]).encode() + body)
    assert_same(result.cloud, cloud)
    assert told(result) == [("sh_degree", 3)]


def test_mip_splattings_filter_is_fused_as_its_authors_do(make_cloud):
    cloud = make_cloud(7, degree=1)
    filters = np.geomspace(1e-4, 1, 7).astype(np.float32)
    filters[0] = 0
    values = {**columns(cloud), "filter_3D": filters}
    rows = np.stack(list(values.values()), axis=1).astype("<f4")
    lines = ["ply", "format binary_little_endian 1.0", "element vertex 7", *(f"property float {n}" for n in values)]
    result = read("\n".join([*lines, "end_header", ""]).encode() + rows.tobytes())
    before = np.exp(2 * cloud.log_scales.astype(float))
    after = before + filters[:, None].astype(float) ** 2
    share = np.sqrt(before.prod(axis=1) / after.prod(axis=1))
    np.testing.assert_allclose(np.exp(2 * result.cloud.log_scales), after, rtol=1e-5)
    opacity = 1 / (1 + np.exp(-cloud.opacity_logits.astype(float)))
    np.testing.assert_allclose(1 / (1 + np.exp(-result.cloud.opacity_logits)), opacity * share, rtol=1e-5)
    assert "filter_3D" in str(result.losses[0])


def test_other_columns_are_named_and_counted(make_cloud):
    cloud = make_cloud(5)
    result = read(ply(cloud, names=[*columns(cloud), "nx", "ny", "nz", "label", "semantic"]))
    assert [(str(loss), loss.count) for loss in result.losses] == [("properties label, semantic: ignored", 5)]


@pytest.mark.parametrize("comment", [
    "测试 2024年".encode("gbk"), b"\xff\xfe\x80", "café".encode("latin-1"), b"x" * 1_000_000, b"\n" * 1,
])  # fmt: skip
def test_comments_of_any_bytes_and_length_are_none_of_ours(make_cloud, comment):
    cloud = make_cloud(3)
    data = ply(cloud).replace(b"element vertex", b"comment " + comment + b"\nelement vertex", 1)
    result = read(data)
    assert_same(result.cloud, cloud)
    assert result.losses == []


def test_ten_thousand_comments_are_read(make_cloud):
    cloud = make_cloud(3)
    assert_same(read(ply(cloud, before="\n".join(["comment step"] * 10_000))).cloud, cloud)


def test_a_header_of_nothing_but_lines_is_refused_before_they_are_taken_apart():
    with pytest.raises(MalformedFileError, match="more than 100,000 lines"):
        read(b"ply\n" + b"\n" * 1_000_000 + b"end_header\n")


@pytest.mark.parametrize("encoding", ["binary_little_endian", "ascii"])
@pytest.mark.parametrize("newline", ["\r", "\r\n", "\n"])
def test_any_line_ends_are_read(make_cloud, encoding, newline):
    cloud = make_cloud(4)
    cloud.means[0, 0] = np.frombuffer(b"\n\n\n@", "<f4")[0]  # data that begins as a line ends
    assert_same(read(ply(cloud, encoding, newline=newline)).cloud, cloud)


@pytest.mark.parametrize("encoding", ["binary_little_endian", "ascii"])
def test_a_byte_order_mark_and_spaces_behind_lines_are_skipped(make_cloud, encoding):
    cloud = make_cloud(4)
    data = ply(cloud, encoding)
    assert_same(read(b"\xef\xbb\xbf" + data).cloud, cloud)
    assert_same(read(data.replace(b"ply\n", b"ply \n", 1).replace(b" 1.0\n", b" 1.0 \n\n", 1)).cloud, cloud)


def test_text_in_utf_16_is_told(make_cloud):
    with pytest.raises(UnsupportedFileError, match="UTF-16"):
        read(ply(make_cloud(1), "ascii").decode().encode("utf-16"), "ply")


def test_blank_lines_among_ascii_rows_are_skipped(make_cloud):
    cloud = make_cloud(5)
    head, _, body = ply(cloud, "ascii").partition(b"end_header\n")
    assert_same(read(head + b"end_header\n\n" + body.replace(b"\n", b"\n \n\n")).cloud, cloud)


@pytest.mark.parametrize("word", [b"-nan(ind)", b"nan(snan)", b"1.#QNAN", b"-1.#IND", b"1.#IND00", b"-1.#IND00e+000"])
def test_what_windows_prints_for_no_number_is_no_number(make_cloud, word):
    head, _, body = ply(make_cloud(3), "ascii").partition(b"end_header\n")
    result = read(head + b"end_header\n" + word + body[body.index(b" ") :])
    assert result.cloud.count == 2
    assert told(result) == [("dropped", 1)]


def test_int64_and_half_columns_are_read(make_cloud):
    cloud = make_cloud(3)
    values = columns(cloud)
    rows = np.zeros(3, [*((name, "<f4") for name in values), ("id", "<i8"), ("weight", "<f2")])
    for name, column in values.items():
        rows[name] = column
    lines = ["ply", "format binary_little_endian 1.0", "element vertex 3", *(f"property float {n}" for n in values)]
    lines += ["property int64 id", "property float16 weight", "end_header", ""]
    result = read("\n".join(lines).encode() + rows.tobytes())
    assert_same(result.cloud, cloud)
    assert [str(loss) for loss in result.losses] == ["properties id, weight: ignored"]


def on_a_map(cloud, encoding="binary_little_endian"):
    """The cloud some thousand kilometres from its origin, in doubles; and where its means are."""
    values = {name: column.astype(np.float64) for name, column in columns(cloud).items()}
    places = cloud.means.astype(np.float64) + np.array([500_000.125, 4_600_000.25, 120])
    values |= {axis: places[:, i] for i, axis in enumerate("xyz")}
    rows = np.stack(list(values.values()), axis=1)
    lines = ["ply", f"format {encoding} 1.0", f"element vertex {cloud.count}"]
    lines += [f"property double {name}" for name in values] + ["end_header", ""]
    text = "\n".join(" ".join(map(repr, row.tolist())) for row in rows).encode()
    return "\n".join(lines).encode() + (rows.tobytes() if "binary" in encoding else text), places


@pytest.mark.parametrize("encoding", ["binary_little_endian", "ascii"])
def test_means_on_a_map_keep_their_digits_by_an_origin_that_is_said_and_passed_on(make_cloud, encoding):
    data, places = on_a_map(make_cloud(40), encoding)
    result = read(data)
    [loss] = [loss for loss in result.losses if loss.code == "precision" and "origin" in str(loss)]
    assert loss.count == 40
    assert "moved them by up to 0.2" in str(loss)
    for cloud in (result.cloud, *(read(to_bytes(result.cloud, key)).cloud for key in ("ply", "glb"))):
        np.testing.assert_allclose(cloud.means + np.array(cloud.marks.origin), places, atol=1e-6, rtol=0)
    [told_loss] = [loss for loss in write(result.cloud, None, "splat") if loss.code == "georeference"]
    assert "origin (500" in str(told_loss)


def test_a_camera_sees_the_same_of_a_cloud_that_was_moved(make_cloud):
    data, places = on_a_map(make_cloud(9))
    comment = b"comment immichvr_camera 60 60 32 24 64 48\ncomment immichvr_origin 1 2 3\nelement vertex"
    cloud = read(data.replace(b"element vertex", comment, 1)).cloud
    seen = cloud.means @ cloud.camera.extrinsic[:3, :3].T + cloud.camera.extrinsic[:3, 3]
    np.testing.assert_allclose(seen, places, atol=1e-5, rtol=0)
    np.testing.assert_allclose(
        cloud.means + np.array(cloud.marks.origin), places + np.array([1, 2, 3]), atol=1e-5, rtol=0
    )


def test_one_mean_that_strays_moves_no_other(make_cloud):
    data = bytearray(ply(make_cloud(9), scalar="f8"))
    body = data.index(b"end_header\n") + 11
    data[body : body + 8] = np.float64(1e7 + 1 / 3).tobytes()
    result = read(data)
    assert result.cloud.marks.origin is None
    assert [str(loss) for loss in result.losses] == [
        "x, y, z have more digits than float32 keeps: moved by up to 0.33 m"
    ]


def test_doubles_near_the_origin_lose_digits_which_is_said_with_a_size(make_cloud):
    cloud = make_cloud(5)
    data = bytearray(ply(cloud, scalar="f8"))
    body = data.index(b"end_header\n") + 11
    data[body : body + 8] = np.float64(1 / 3).tobytes()
    [loss] = read(data).losses
    assert (loss.code, loss.count) == ("precision", 5)
    assert str(loss).endswith("moved by up to 9.9e-09 m")


@pytest.mark.parametrize("comment", ["SplatRenderMode: mip", "antialiased 1"])
def test_a_mark_of_antialiased_training_is_passed_on_where_there_is_room(make_cloud, comment):
    cloud = read(ply(make_cloud(300), before=f"comment {comment}")).cloud
    assert cloud.marks == Marks(antialiased=True)
    for key in ("ply", "compressed-ply", "spz", "sog", "glb"):
        assert [loss for loss in write(cloud, None, key) if loss.code == "antialiased"] == []
        assert read(to_bytes(cloud, key), key).cloud.marks.antialiased, key
    for key in ("splat", "ksplat"):
        assert [loss.count for loss in write(cloud, None, key) if loss.code == "antialiased"] == [300]


def test_notes_of_where_a_cloud_stands_are_passed_on_word_for_word(make_cloud):
    notes = (
        "offset 500000 4600000 0",
        "EPSG:32632",
        "crs: WGS 84 / UTM zone 32N",
        "geo_offset_x=500000",
        "utm_zone 32",
    )
    lines = [*notes, "Created by a program", "geometry of 3 rooms", "SplatRenderMode: default"]
    cloud = read(ply(make_cloud(3), before="\n".join(f"comment {line}" for line in lines))).cloud
    assert cloud.marks.georeference == notes
    for key in ("ply", "compressed-ply", "glb"):
        assert read(to_bytes(cloud, key)).cloud.marks.georeference == notes
    assert "EPSG:32632" in str(next(loss for loss in write(cloud, None, "spz") if loss.code == "georeference"))


def test_a_point_cloud_is_called_what_it_is(make_cloud):
    with pytest.raises(UnsupportedFileError, match=r"a point cloud .*2 vertices with x, y, z, f_dc_0"):
        read(ply(make_cloud(2), names=["x", "y", "z", "f_dc_0"]))


def test_a_mesh_is_called_what_it_is(make_cloud):
    data = ply(make_cloud(3), names=[*"xyz"], after="element face 1\nproperty list uchar int vertex_indices")
    with pytest.raises(UnsupportedFileError, match="a mesh"):
        read(data + b"\3" + bytes(12))


def test_gaussians_without_colours_are_refused_by_name(make_cloud):
    with pytest.raises(MalformedFileError, match="lacks the properties f_dc_0, f_dc_1, f_dc_2"):
        read(ply(make_cloud(2), names=[n for n in columns(make_cloud(2)) if not n.startswith("f_dc")]))


def test_a_compressed_ply_of_degree_4_is_cut_to_3_and_said(make_cloud):
    data = to_bytes(make_cloud(40, degree=3), "compressed-ply")
    head, end, body = data.partition(b"end_header\n")
    rows = np.frombuffer(body[-40 * 45 :], np.uint8).reshape(40, 3, 15)
    wide = np.concatenate([rows, np.full((40, 3, 9), 7, np.uint8)], axis=2).reshape(40, 72)
    more = b"".join(b"property uchar f_rest_%d\n" % i for i in range(45, 72)) + b"comment SplatRenderMode: mip\n"
    result = read(head + more + end + body[: -40 * 45] + wide.tobytes())
    np.testing.assert_array_equal(result.cloud.sh, read(data).cloud.sh)
    assert told(result) == [("sh_degree", 40)]
    assert result.cloud.marks.antialiased


def test_highlights_of_hdr_are_no_bytes():
    colors = np.full((100, 3), 0.5, np.float32)
    colors[:20] = 6.0
    colors[0] = 200.0
    assert not reach_as_bytes(colors)
    assert reach_as_bytes(np.linspace(0, 255, 300, dtype=np.float32).reshape(100, 3))
