"""GLB as other tools write it: drafts, packers, requirements; refused by name where they are not read."""

import base64
import gzip
import io
import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from immichvr_splats import Marks, UnsupportedFileError, read, to_bytes
from immichvr_splats.pointclouds import PointCloud, points_to_bytes, read_points, write_points
from immichvr_splats.testing.spz_files import georeference

EXTENSION = "KHR_gaussian_splatting"


def changed(data, change):
    size = struct.unpack_from("<I", data, 12)[0]
    root = json.loads(data[20 : 20 + size])
    change(root)
    text = json.dumps(root).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text + data[20 + size :]
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def requiring(*names):
    return lambda root: root.update(extensionsUsed=[*names], extensionsRequired=[*names])


def primitive(root):
    return root["meshes"][0]["primitives"][0]


def with_spz(cloud, spz):
    """A GLB of the cloud around an SPZ file of it."""

    def point_at_it(root):
        root["bufferViews"][0]["byteLength"] = root["buffers"][0]["byteLength"] = len(spz)

    head = changed(to_bytes(cloud, "glb", encoding="spz"), point_at_it)
    head = head[: 20 + struct.unpack_from("<I", head, 12)[0]]
    body = spz + bytes(-len(spz) % 4)
    binary = struct.pack("<I4s", len(body), b"BIN\0") + body
    return head[:8] + struct.pack("<I", len(head) + len(binary)) + head[12:] + binary


def points(count=4):
    places = np.random.default_rng(0).uniform(-3, 5, (count, 3))
    return PointCloud(places, np.full((count, 3), 128, np.uint8))


@pytest.mark.parametrize("name", ["KHR_unheard_of", "KHR_spz_gaussian_splats_compression", "EXT_mesh_gpu_instancing"])
def test_what_a_file_requires_and_nobody_here_knows_is_refused_by_name(make_cloud, name):
    with pytest.raises(UnsupportedFileError, match=name):
        read(changed(to_bytes(make_cloud(2), "glb"), requiring(EXTENSION, name)))
    with pytest.raises(UnsupportedFileError, match=name):
        read_points(changed(points_to_bytes(points(), "glb"), requiring(name)))


def test_requirements_that_leave_gaussians_alone_are_none_of_ours(make_cloud):
    data = changed(to_bytes(make_cloud(2), "glb"), requiring(EXTENSION, "KHR_materials_unlit"))
    assert read(data).cloud.count == 2


def test_gaussians_given_as_points_are_called_what_they_are(make_cloud):
    with pytest.raises(UnsupportedFileError, match="Gaussians, not points"):
        read_points(changed(to_bytes(make_cloud(2), "glb"), requiring(EXTENSION)))


def test_the_drafts_of_2025_are_called_what_they_are(make_cloud):
    def as_draft(root):
        names = primitive(root)["attributes"]
        primitive(root)["attributes"] = {
            "POSITION": names["POSITION"],
            "COLOR_0": names["COLOR_0"],
            "_ROTATION": names[f"{EXTENSION}:ROTATION"],
            "_SCALE": names[f"{EXTENSION}:SCALE"],
        }
        primitive(root)["extensions"][EXTENSION] = {}

    with pytest.raises(UnsupportedFileError, match="drafts of 2025"):
        read(changed(to_bytes(make_cloud(2), "glb"), as_draft))


def test_a_cloud_of_points_is_called_what_it_is():
    with pytest.raises(UnsupportedFileError, match="a point cloud, not Gaussians"):
        read(points_to_bytes(points(), "glb"))


def test_a_mesh_is_called_what_it_is():
    with pytest.raises(UnsupportedFileError, match="a mesh, not Gaussians"):
        read(changed(points_to_bytes(points(), "glb"), lambda root: primitive(root).update(mode=4)))


def test_what_gltfpack_left_of_gaussians_is_called_what_it_is():
    data = changed(points_to_bytes(points(), "glb"), lambda root: root["asset"].update(generator="gltfpack 0.24"))
    with pytest.raises(UnsupportedFileError, match="gltfpack, which leaves out"):
        read(data)


def test_a_filter_of_gltfpack_is_refused_by_name():
    def filtered(root):
        root["bufferViews"][0]["extensions"]["EXT_meshopt_compression"]["filter"] = "EXPONENTIAL"

    with pytest.raises(UnsupportedFileError, match="filter EXPONENTIAL, as by gltfpack"):
        read_points(changed(points_to_bytes(points(), "glb", compression="meshopt"), filtered))


def test_harmonics_of_degree_4_are_cut_to_3_and_said(make_cloud):
    def add(root):
        names = primitive(root)["attributes"]
        names |= {f"{EXTENSION}:SH_DEGREE_4_COEF_{n}": names[f"{EXTENSION}:SH_DEGREE_3_COEF_0"] for n in range(9)}

    cloud = make_cloud(5, degree=3)
    result = read(changed(to_bytes(cloud, "glb"), add))
    np.testing.assert_array_equal(result.cloud.sh, cloud.sh)
    assert [(loss.code, loss.count) for loss in result.losses] == [("sh_degree", 5)]


def test_attributes_that_are_not_read_are_named_and_counted(make_cloud):
    def add(root):
        primitive(root)["attributes"]["_FEATURE_ID_0"] = 0

    result = read(changed(to_bytes(make_cloud(5), "glb"), add))
    assert [(str(loss), loss.count) for loss in result.losses] == [("property _FEATURE_ID_0: ignored", 5)]
    result = read_points(changed(points_to_bytes(points(), "glb"), add))
    assert [(str(loss), loss.count) for loss in result.losses] == [("property _FEATURE_ID_0: ignored", 4)]


def test_an_attribute_of_the_wrong_form_in_extras_is_somebody_elses(make_cloud):
    extras = {"origin": "north", "georeference": 7, "antialiased": "yes"}
    result = read(changed(to_bytes(make_cloud(2), "glb"), lambda root: root["scenes"][0].update(extras=extras)))
    assert not result.cloud.marks.antialiased
    assert result.cloud.marks.place == ""


def test_a_mark_inside_an_spz_inside_a_glb_is_seen(make_cloud):
    cloud = replace(make_cloud(3), marks=Marks(antialiased=True))
    data = changed(to_bytes(cloud, "glb", encoding="spz"), lambda root: root["scenes"][0].pop("extras"))
    assert read(data).cloud.marks.antialiased


@pytest.mark.parametrize(("code", "axes"), [(0, "rub"), (4, "rub"), (6, "rdf"), (8, "ruf")])
def test_axes_that_an_spz_inside_a_glb_tells_are_honoured(make_cloud, code, axes):
    cloud = make_cloud(30)
    wanted = read(to_bytes(cloud, "glb", encoding="spz")).cloud.means
    signs = {"rub": [-1, 1, -1], "rdf": [-1, -1, 1], "ruf": [-1, 1, 1]}[axes]
    # Where the scene is in glTF's axes, by the draft x and z of RUB change signs.
    turned = replace(cloud, means=wanted * np.float32([1, -1, -1]) * np.float32(signs))
    payload = bytearray(gzip.decompress(to_bytes(turned, "spz", version=2)))
    payload[14] |= 2
    told = struct.pack("<III", 0xADBE0003, 4, code)
    found = read(with_spz(cloud, gzip.compress(bytes(payload) + told)))
    np.testing.assert_allclose(found.cloud.means, wanted, atol=1 / 4096)
    assert not any("coordinate" in str(loss) for loss in found.losses)


def test_where_an_spz_inside_a_glb_stands_is_told_as_left_out(make_cloud):
    cloud = make_cloud(3)
    note = f"SPZ_NIANTIC_georeference {base64.b64encode(georeference()).decode()}"
    spz = to_bytes(replace(cloud, marks=Marks(georeference=(note,))), "spz", version=2)
    assert read(spz).cloud.marks.georeference == (note,)

    data = with_spz(cloud, spz)
    result = read(data)
    assert result.cloud.count == 3
    assert result.cloud.marks.place == ""
    [loss] = [loss for loss in result.losses if loss.code == "ignored"]
    assert "where its SPZ stands" in str(loss)


@pytest.mark.parametrize("compression", ["meshopt", "draco"])
def test_points_on_a_grid_are_told_with_the_size_of_the_loss(compression):
    cloud = points(500)
    file = io.BytesIO()
    [loss] = write_points(cloud, file, "glb", compression=compression)
    assert (loss.code, loss.count) == ("precision", 500)
    most = float(str(loss).split("by up to ")[1].split(" m")[0])
    apart = np.linalg.norm(read_points(file.getvalue()).cloud.points - cloud.points, axis=1).max()
    assert 0.3 * most < apart <= 1.1 * most
    assert write_points(cloud, None, "glb") == []


@pytest.mark.parametrize("key", ["ply", "glb"])
def test_points_on_a_map_keep_their_digits_by_an_origin(key):
    places = np.random.default_rng(1).uniform(0, 90, (50, 3)) + np.array([500_000, 4_600_000, 0])
    rows = np.zeros(50, [(axis, "<f8") for axis in "xyz"])
    for i, axis in enumerate("xyz"):
        rows[axis] = places[:, i]
    head = b"ply\nformat binary_little_endian 1.0\nelement vertex 50\n" + b"".join(
        b"property double %c\n" % axis for axis in b"xyz"
    )
    result = read_points(head + b"end_header\n" + rows.tobytes())
    assert [loss.code for loss in result.losses] == ["precision", "ignored"]
    for cloud in (result.cloud, read_points(points_to_bytes(result.cloud, key)).cloud):
        np.testing.assert_allclose(cloud.points + np.array(cloud.origin), places, atol=1e-5, rtol=0)


def test_a_projection_that_is_not_read_is_told(make_cloud):
    def spherical(root):
        primitive(root)["extensions"][EXTENSION]["projection"] = "spherical"

    [loss] = read(changed(to_bytes(make_cloud(2), "glb"), spherical)).losses
    assert str(loss) == "projection 'spherical': taken as 'perspective'"


def test_extensions_that_are_used_and_not_read_are_told_by_name(make_cloud):
    def use(root):
        root["extensionsUsed"] = [*root.get("extensionsUsed", []), "CESIUM_RTC", "KHR_materials_unlit"]

    for found in (
        read(changed(to_bytes(make_cloud(2), "glb"), use)),
        read_points(changed(points_to_bytes(points(), "glb"), use)),
    ):
        assert [str(loss) for loss in found.losses] == ["the glTF extension CESIUM_RTC: ignored"]


def test_colours_of_points_that_have_more_than_8_bits_are_told():
    head = b"ply\nformat ascii 1.0\nelement vertex 1\n" + b"".join(b"property float %c\n" % axis for axis in b"xyz")
    head += b"".join(b"property ushort %s\n" % name for name in (b"red", b"green", b"blue")) + b"end_header\n1 2 3 "
    assert read_points(head + b"257 514 65535\n").losses == []
    assert [loss.code for loss in read_points(head + b"300 514 65535\n").losses] == ["precision"]
