"""Point clouds: PLY, GLB plain, packed by meshopt and by Draco, and files that lie."""

import json
import shutil
import struct
import subprocess
from io import BytesIO
from pathlib import Path

import DracoPy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from immichvr_splats import (
    InvalidCloudError,
    LimitExceededError,
    MalformedFileError,
    ReadLimits,
    SplatError,
    UnknownFormatError,
    UnsupportedFileError,
    to_bytes,
)
from immichvr_splats.gltf import meshopt
from immichvr_splats.pointclouds import POINT_FORMATS, PointCloud, points_to_bytes, read_points, write_points
from scipy.spatial.transform import Rotation

ROOT = Path(__file__).parents[3]
VALIDATOR = ROOT / "node_modules/gltf-validator"
DECODER = ROOT / "services/gateway/web/node_modules/three/examples/jsm/libs/meshopt_decoder.module.js"
COMPRESSIONS = ("none", "meshopt", "draco")
VALIDATE = """
import {readFileSync} from 'node:fs'; import {createRequire} from 'node:module';
const validator = createRequire(process.argv[1] + '/x.js')('gltf-validator');
const report = await validator.validateBytes(new Uint8Array(readFileSync(0)));
console.log(JSON.stringify(report.issues.messages));
"""
DECODE = """
import {readFileSync, writeFileSync} from 'node:fs';
const {MeshoptDecoder} = await import(process.argv[1]);
await MeshoptDecoder.ready;
const [count, stride] = process.argv.slice(2).map(Number);
const target = new Uint8Array(count * stride);
MeshoptDecoder.decodeGltfBuffer(target, count, stride, new Uint8Array(readFileSync(0)), 'ATTRIBUTES');
writeFileSync(1, target);
"""


def points(count=40, confident=True, seed=0, reach=1.0):
    random = np.random.default_rng(seed)
    return PointCloud(
        points=random.normal((0, 0, 5), reach, (count, 3)),
        colors=random.integers(0, 256, (count, 3)),
        confidence=random.random(count) if confident else None,
    )


def same(found, want, atol=0.0):
    np.testing.assert_allclose(found.points, want.points, atol=atol, rtol=0)
    np.testing.assert_array_equal(found.colors, want.colors)
    assert (found.confidence is None) == (want.confidence is None)
    if want.confidence is not None:
        np.testing.assert_array_equal(found.confidence, want.confidence)


def node(script, data, *arguments):
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script, *map(str, arguments)], input=data, capture_output=True, check=True
    )
    return done.stdout


def taken_apart(data):
    size = struct.unpack_from("<I", data, 12)[0]
    return json.loads(data[20 : 20 + size]), bytearray(data[28 + size :])


def changed(data, change):
    root, binary = taken_apart(data)
    change(root)
    text = json.dumps(root).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 50), st.booleans(), st.floats(1e-3, 1e6))
def test_ply_and_plain_glb_keep_every_bit(seed, count, confident, reach):
    cloud = points(count, confident, seed, reach)
    for key in POINT_FORMATS:
        result = read_points(points_to_bytes(cloud, key))
        assert (result.format, result.losses) == (key, [])
        if count or key == "ply":
            same(result.cloud, cloud)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 600), st.booleans(), st.floats(1e-3, 1e4))
def test_packed_glbs_stay_within_their_steps(seed, count, confident, reach):
    cloud = points(count, confident, seed, reach)
    extent = np.ptp(cloud.points, axis=0).max()
    rounding = 4 * np.finfo(np.float32).eps * np.abs(cloud.points).max()
    for compression, bits in (("meshopt", 16), ("draco", 14)):
        found = read_points(points_to_bytes(cloud, "glb", compression=compression)).cloud
        same(found, cloud, atol=0.51 * extent / (2**bits - 1) + rounding)


def test_every_srgb_colour_survives_gltfs_linear_ones():
    grey = np.arange(256, dtype=np.uint8)
    cloud = PointCloud(np.zeros((256, 3)), np.stack((grey, grey, grey), axis=1))
    for compression in COMPRESSIONS:
        same(read_points(points_to_bytes(cloud, "glb", compression=compression)).cloud, cloud)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_the_khronos_validator_finds_nothing_wrong(compression):
    if not VALIDATOR.is_dir() or shutil.which("node") is None:
        pytest.skip("no gltf-validator in node_modules: `make setup` installs it")
    issues = json.loads(node(VALIDATE, points_to_bytes(points(), "glb", compression=compression), ROOT))
    assert {issue["code"] for issue in issues} <= {"UNSUPPORTED_EXTENSION", "UNUSED_OBJECT"}
    assert compression != "none" or issues == []


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 700), st.integers(1, 64), st.sampled_from([0, 1, 3, 30, 255]))
def test_meshopt_gives_back_what_it_packed(seed, count, words, roughness):
    random = np.random.default_rng(seed)
    steps = random.integers(-roughness, roughness + 1, (count, 4 * words))
    elements = steps.cumsum(axis=0).astype(np.uint8)
    packed = meshopt.encode(elements)
    np.testing.assert_array_equal(meshopt.decode(memoryview(packed), count, 4 * words, "here"), elements)


@pytest.mark.parametrize(("count", "stride"), [(1, 4), (16, 12), (257, 16), (1000, 36), (33, 256)])
def test_threes_decoder_unpacks_our_meshopt(count, stride):
    if not DECODER.is_file() or shutil.which("node") is None:
        pytest.skip("no three in the viewer's node_modules: `make setup` installs it")
    elements = np.random.default_rng(0).integers(-9, 9, (count, stride)).cumsum(axis=0).astype(np.uint8)
    assert node(DECODE, meshopt.encode(elements), DECODER.as_uri(), count, stride) == elements.tobytes()


def test_packing_is_worth_it():
    v, u = np.mgrid[0:60, 0:80] / 80
    surface = np.stack((u, v, 2 + 0.1 * np.sin(9 * u)), axis=-1).reshape(-1, 3)
    cloud = PointCloud(surface, (255 * np.stack((u, v, u * v), axis=-1)).reshape(-1, 3))
    sizes = {c: len(points_to_bytes(cloud, "glb", compression=c)) for c in COMPRESSIONS}
    assert sizes["meshopt"] < 0.5 * sizes["none"]
    assert sizes["draco"] < 0.5 * sizes["none"]


def test_nodes_turn_stretch_and_move_points():
    cloud = points(20, confident=False)
    turn = Rotation.from_rotvec([0.3, -0.8, 0.5])

    def place(root):
        node = {"mesh": 0, "rotation": turn.as_quat().tolist(), "scale": [1, 2, 3]}
        root["nodes"] = [{"children": [1], "translation": [1, 2, 3]}, node]

    found = read_points(changed(points_to_bytes(cloud, "glb"), place)).cloud
    gltf = (cloud.points * [1, -1, -1] * [1, 2, 3]) @ turn.as_matrix().T + [1, 2, 3]
    np.testing.assert_allclose(found.points, gltf * [1, -1, -1], atol=1e-5)


def test_gaussians_in_a_glb_are_points_too(make_cloud):
    cloud = make_cloud(20)
    found = read_points(to_bytes(cloud, "glb")).cloud
    np.testing.assert_array_equal(found.points, cloud.means)


def test_any_ply_of_points_is_read():
    text = b"ply\nformat ascii 1.0\nelement vertex 2\n" + b"".join(
        b"property %s\n" % p for p in (b"uchar blue", b"double z", b"uchar green", b"float y", b"uchar red", b"int x")
    )
    faces = b"element face 1\nproperty list uchar int vertex_indices\nend_header\n3 9 2 8 1 7\n6 -9 5 8 4 7\n3 0 1 0\n"
    result = read_points(text + faces)
    np.testing.assert_array_equal(result.cloud.points, [[7, 8, 9], [7, 8, -9]])
    np.testing.assert_array_equal(result.cloud.colors, [[1, 2, 3], [4, 5, 6]])
    assert [loss.code for loss in result.losses] == ["ignored"]


def test_colours_of_floats_and_none_are_read():
    head = b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\n"
    floats = head + b"property float red\nproperty float green\nproperty float blue\nend_header\n1 2 3 0 0.5 7\n"
    np.testing.assert_array_equal(read_points(floats).cloud.colors, [[0, 128, 255]])
    bare = read_points(head + b"end_header\n1 2 3\n")
    assert (bare.cloud.colors == 255).all()
    assert "no colours" in str(bare.losses[0])


@pytest.mark.parametrize("key", POINT_FORMATS)
def test_points_that_are_nowhere_are_dropped_and_counted(key):
    cloud = points(5)
    cloud.points[1:3, 2] = [np.nan, np.inf]
    cloud.confidence[4] = np.nan
    losses = write_points(cloud, None, key)
    assert [(loss.code, loss.count) for loss in losses] == [("dropped", 2)]
    found = read_points(points_to_bytes(cloud, key)).cloud
    assert (found.count, found.confidence[-1]) == (3, 0)


def test_files_appear_by_extension_and_open_files_are_written_to(tmp_path):
    for key, row in POINT_FORMATS.items():
        path = tmp_path / f"cloud{row.extension}"
        write_points(points(), path)
        assert read_points(path).format == key
    file = BytesIO()
    write_points(points(), file, "glb", compression="meshopt")
    assert read_points(file.getvalue()).cloud.count == 40


def test_what_is_unknown_is_answered_with_the_known(tmp_path):
    with pytest.raises(UnknownFormatError, match=r"wants one of \.ply, \.glb"):
        write_points(points(), tmp_path / "cloud.obj")
    with pytest.raises(UnknownFormatError, match="'obj' of points, wants one of ply, glb"):
        points_to_bytes(points(), "obj")
    with pytest.raises(UnknownFormatError, match="tell no format"):
        read_points(b"solid cube")
    with pytest.raises(InvalidCloudError, match="no option 'size', it takes: compression"):
        points_to_bytes(points(), "glb", size=1)
    with pytest.raises(InvalidCloudError, match="compression is 'zip', glb takes one of none, meshopt, draco"):
        points_to_bytes(points(), "glb", compression="zip")
    with pytest.raises(InvalidCloudError, match="colors has shape"):
        PointCloud(np.zeros((3, 3)), np.zeros((2, 3)))


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_glb_cut_off_anywhere_is_refused(compression):
    data = points_to_bytes(points(3), "glb", compression=compression)
    for length in range(1, len(data)):
        with pytest.raises(SplatError):
            read_points(data[:length], "glb")


@pytest.mark.parametrize("compression", COMPRESSIONS)
@settings(max_examples=150, deadline=None)
@given(at=st.floats(0, 1, exclude_max=True), junk=st.binary(min_size=1, max_size=6))
def test_overwritten_bytes_are_survived(compression, at, junk):
    data = bytearray(points_to_bytes(points(20), "glb", compression=compression))
    start = int(at * len(data))
    data[start : start + len(junk)] = junk
    try:
        cloud = read_points(data, "glb").cloud
    except SplatError as error:
        assert str(error)
    else:
        assert np.isfinite(cloud.points).all()


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=80), count=st.integers(0, 300), stride=st.integers(0, 70))
def test_random_bytes_are_no_meshopt_or_some(data, count, stride):
    try:
        assert meshopt.decode(memoryview(b"\xa0" + data), count, stride, "here").shape == (count, stride)
    except MalformedFileError as error:
        assert str(error).startswith("here")


def packed_view(root):
    return root["bufferViews"][0]["extensions"]["EXT_meshopt_compression"]


MESHOPT_LIES = {
    "count": (lambda r: packed_view(r).update(count=7), "damaged|needs"),
    "huge count": (lambda r: packed_view(r).update(count=19_000_000), "cannot hold 19,000,000 elements"),
    "stride": (lambda r: packed_view(r).update(byteStride=6), "byteStride: 6, wants a multiple of 4"),
    "no stride": (lambda r: packed_view(r).update(byteStride=0), "byteStride: 0"),
    "huge stride": (lambda r: packed_view(r).update(byteStride=260), "byteStride: wants an integer from 0 to 256"),
    "mode": (lambda r: packed_view(r).update(mode="TRIANGLES"), "only the mode ATTRIBUTES"),
    "filter": (lambda r: packed_view(r).update(filter="OCTAHEDRAL"), "without a filter"),
    "length": (lambda r: packed_view(r).update(byteLength=9), "no packed vertices"),
    "elsewhere": (lambda r: packed_view(r).update(buffer=1), "outside the file"),
}


@pytest.mark.parametrize("case", MESHOPT_LIES)
def test_meshopt_that_lies_is_refused_by_name(case):
    change, said = MESHOPT_LIES[case]
    with pytest.raises(SplatError, match=said):
        read_points(changed(points_to_bytes(points(), "glb", compression="meshopt"), change))


def draco_of(root):
    return root["meshes"][0]["primitives"][0]["extensions"]["KHR_draco_mesh_compression"]


DRACO_LIES = {
    "count": (lambda r: [a.update(count=7) for a in r["accessors"]], "40 points in the Draco data"),
    "no attribute": (lambda r: draco_of(r)["attributes"].update(POSITION=9), "no attribute for POSITION"),
    "id": (lambda r: draco_of(r)["attributes"].pop("COLOR_0"), "COLOR_0: wants an integer"),
    "offset": (lambda r: r["bufferViews"][0].update(byteOffset=4, byteLength=100), "begins with"),
    "length": (lambda r: r["bufferViews"][0].update(byteLength=9), "a Draco header alone has 16"),
    "cut off": (lambda r: r["bufferViews"][0].update(byteLength=20), "ends within its header"),
    "damaged": (lambda r: r["bufferViews"][0].update(byteLength=90), "damaged Draco data"),
}


@pytest.mark.parametrize("case", DRACO_LIES)
def test_draco_that_lies_is_refused_by_name(case):
    change, said = DRACO_LIES[case]
    with pytest.raises(SplatError, match=said):
        read_points(changed(points_to_bytes(points(), "glb", compression="draco"), change))


def test_dracos_kd_tree_which_explodes_with_colours_is_neither_written_nor_read():
    data = points_to_bytes(points(), "glb", compression="draco")
    root, binary = taken_apart(data)
    assert binary[:9] == b"DRACO\x02\x03\0\0"
    tree = DracoPy.encode(points().points)
    root["bufferViews"][0]["byteLength"] = len(tree)
    whole = changed(data, lambda r: r.update(root))
    size = len(whole) - len(binary)
    with pytest.raises(UnsupportedFileError, match="method 1"):
        read_points(whole[:size] + tree.ljust(len(binary), b"\0"), "glb")


def test_a_draco_of_many_points_in_few_bytes_is_limited_before_memory_is_taken():
    data = bytearray(points_to_bytes(points(), "glb", compression="draco"))
    at = data.index(b"DRACO") + 11
    data[at : at + 4] = struct.pack("<I", 19_000_000)
    many = changed(data, lambda r: [a.update(count=19_000_000) for a in r["accessors"]])
    with pytest.raises(LimitExceededError, match="decompressed, the limit is"):
        read_points(many, limits=ReadLimits(max_decompressed_bytes=10**9))


@pytest.mark.parametrize("key", POINT_FORMATS)
def test_more_points_than_the_limit_are_refused(key):
    data = points_to_bytes(points(11), key)
    assert read_points(data, limits=ReadLimits(max_points=11)).cloud.count == 11
    with pytest.raises(LimitExceededError, match="the limit is 10"):
        read_points(data, limits=ReadLimits(max_points=10))


def test_a_ply_without_places_is_refused():
    with pytest.raises(MalformedFileError, match="no element 'vertex' with the properties x, y, z"):
        read_points(b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n1\n")
