"""GLB with KHR_gaussian_splatting: every accessor the specification allows, nodes, the camera, and files that lie."""

import gzip
import json
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from immichvr_splats import (
    SH_C0,
    InvalidCloudError,
    LimitExceededError,
    MalformedFileError,
    ReadLimits,
    SplatError,
    UnsupportedFileError,
    read,
    to_bytes,
    write,
)
from immichvr_splats.turning import moved
from scipy.spatial.transform import Rotation

ARRAYS = ("means", "log_scales", "quaternions", "opacity_logits", "sh")
ROOT = Path(__file__).parents[3]
VALIDATOR = ROOT / "node_modules/gltf-validator"
VALIDATE = """
import {readFileSync} from 'node:fs'; import {createRequire} from 'node:module';
const validator = createRequire(process.argv[1] + '/x.js')('gltf-validator');
const report = await validator.validateBytes(new Uint8Array(readFileSync(0)), {maxIssues: 1000});
console.log(JSON.stringify(report.issues.messages));
"""


def taken_apart(data):
    size = struct.unpack_from("<I", data, 12)[0]
    return json.loads(data[20 : 20 + size]), bytearray(data[28 + size :])


def put_together(root, binary=b""):
    text = root if isinstance(root, bytes) else json.dumps(root).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    if binary:
        chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def changed(data, change):
    root, binary = taken_apart(data)
    change(root)
    return put_together(root, binary)


def issues(data):
    """What the Khronos validator says, but for extensions it does not know: names, attributes, use of an SPZ."""
    if not VALIDATOR.is_dir() or shutil.which("node") is None:
        pytest.skip("no gltf-validator in node_modules: `make setup` installs it")
    done = subprocess.run(
        ["node", "--input-type=module", "-e", VALIDATE, str(ROOT)], input=data, capture_output=True, check=True
    )
    return [
        issue
        for issue in json.loads(done.stdout)
        if not (issue["code"] == "UNSUPPORTED_EXTENSION" and issue["pointer"].startswith("/extensionsUsed/"))
        and not (issue["code"] == "UNUSED_OBJECT" and b"_compression_spz_2" in data)
        and not (issue["code"] == "MESH_PRIMITIVE_INVALID_ATTRIBUTE" and "KHR_gaussian_splatting:" in issue["pointer"])
    ]


def angle(a, b):
    nearest = np.where((a * b).sum(axis=1, keepdims=True) < 0, -b, b)
    return np.degrees(2 * np.linalg.norm(a.astype(float) - nearest, axis=1))


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits.astype(float)))


@pytest.mark.parametrize("encoding", ["float", "quantised", "spz"])
@pytest.mark.parametrize("degree", [0, 3])
def test_the_khronos_validator_has_nothing_to_say(make_cloud, camera, encoding, degree):
    assert issues(to_bytes(make_cloud(50, degree, camera=camera), "glb", encoding=encoding)) == []


def test_the_khronos_validator_accepts_a_scene_of_nothing(make_cloud):
    assert issues(to_bytes(make_cloud(0), "glb")) == []


@pytest.mark.parametrize("name", ["sharp_sh0", "inria_sh0", "inria_sh2", "inria_sh3"])
def test_what_splat_transform_wrote_is_read_behind_the_camera_where_it_put_it(vectors, name):
    original = read(vectors / f"{name}.ply").cloud
    result = read(vectors / name / "splat-transform.glb")
    turned = moved(original, np.diag([-1.0, 1, -1, 1]))
    order = [np.lexsort(cloud.means.T) for cloud in (result.cloud, turned)]
    assert result.losses == []
    found, want = result.cloud.take(order[0]), turned.take(order[1])
    np.testing.assert_array_equal(found.means, want.means)
    np.testing.assert_allclose(found.log_scales, want.log_scales, atol=1e-6)
    np.testing.assert_allclose(sigmoid(found.opacity_logits), sigmoid(want.opacity_logits), atol=1e-6)
    # Their quaternions, and coefficients beyond the colour, are the PLY's, not turned with the means.
    np.testing.assert_array_equal(np.abs(found.sh), np.abs(want.sh))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(0, 3), st.floats(1e-3, 1e6))
def test_float_accessors_keep_every_bit_but_those_of_exp_and_logarithm(make_cloud, seed, count, degree, reach):
    cloud = make_cloud(count, degree, seed=seed)
    cloud.means[:] *= reach
    result = read(to_bytes(cloud, "glb"))
    for name in ("means", "quaternions", "sh"):
        np.testing.assert_array_equal(getattr(result.cloud, name), getattr(cloud, name))
    np.testing.assert_allclose(result.cloud.log_scales, cloud.log_scales, atol=1e-6)
    np.testing.assert_allclose(sigmoid(result.cloud.opacity_logits), sigmoid(cloud.opacity_logits), atol=1e-6)
    assert result.losses == []


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.floats(-20, 20))
def test_quantised_accessors_stay_within_their_steps(make_cloud, seed, count, size):
    cloud = make_cloud(count, 1, seed=seed)
    cloud.log_scales[:] += np.float32(size)
    found = read(to_bytes(cloud, "glb", encoding="quantised")).cloud
    for name in ("means", "sh"):
        np.testing.assert_array_equal(getattr(found, name), getattr(cloud, name))
    assert angle(found.quaternions, cloud.quaternions).max() < 0.01
    np.testing.assert_allclose(found.log_scales, cloud.log_scales, atol=0.01)
    np.testing.assert_allclose(sigmoid(found.opacity_logits), sigmoid(cloud.opacity_logits), atol=0.5 / 65535 + 1e-6)


def test_quantised_files_are_a_quarter_smaller(make_cloud):
    sizes = [len(to_bytes(make_cloud(2000), "glb", encoding=e)) for e in ("quantised", "float")]
    assert sizes[0] < 0.82 * sizes[1]


def test_scales_too_different_for_16_bits_stay_in_float(make_cloud):
    cloud = make_cloud(9)
    cloud.log_scales[0] = [5, -9, -9]
    found = read(to_bytes(cloud, "glb", encoding="quantised")).cloud
    np.testing.assert_allclose(found.log_scales, cloud.log_scales, atol=1e-6)


def test_axes_are_gltfs_and_colours_without_the_extension_linear(make_cloud):
    cloud = make_cloud(1)
    cloud.means[:] = [1, 2, 3]
    cloud.sh[:] = 0.25 / SH_C0
    cloud.opacity_logits[:] = 0
    root, binary = taken_apart(to_bytes(cloud, "glb"))
    assert root["accessors"][0]["min"] == [1, -2, -3]
    assert root["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"] == 1
    np.testing.assert_allclose(list(binary[12:16]), [0.75**2.2 * 255] * 3 + [128], atol=3)
    splats = root["meshes"][0]["primitives"][0]["extensions"]["KHR_gaussian_splatting"]
    assert splats == {"kernel": "ellipse", "colorSpace": "srgb_rec709_display"}


def test_the_camera_travels_in_the_extras(make_cloud, camera):
    found = read(to_bytes(make_cloud(3, camera=camera), "glb")).cloud.camera
    for name in ("fx", "fy", "cx", "cy", "width", "height"):
        assert getattr(found, name) == getattr(camera, name)
    np.testing.assert_array_equal(found.extrinsic, camera.extrinsic)


@pytest.mark.parametrize("field", [{"fx": -1}, {"fx": "1"}, {"width": 0}, {"width": 1.5}, {"extrinsic": [1]}])
def test_a_camera_that_is_none_is_left_out_and_said(make_cloud, camera, field):
    data = to_bytes(make_cloud(3, camera=camera), "glb")
    result = read(changed(data, lambda root: root["scenes"][0]["extras"]["camera"].update(field)))
    assert (result.cloud.camera, [loss.code for loss in result.losses]) == (None, ["camera"])


def rewritten(cloud, encode):
    """A file with other types of ROTATION, SCALE and OPACITY. encode: name -> array, componentType, normalised."""
    root, binary = taken_apart(to_bytes(cloud, "glb"))
    attributes = root["meshes"][0]["primitives"][0]["attributes"]
    for name in ("ROTATION", "SCALE", "OPACITY"):
        values, component, normalised = encode(name)
        accessor = root["accessors"][attributes[f"KHR_gaussian_splatting:{name}"]]
        accessor.update(componentType=component, normalized=normalised, bufferView=len(root["bufferViews"]))
        root["bufferViews"].append({"buffer": 0, "byteOffset": len(binary), "byteLength": values.nbytes})
        binary += values.tobytes()
    root["buffers"][0]["byteLength"] = len(binary)
    return put_together(root, binary)


@pytest.mark.parametrize(
    ("rotation", "size", "opacity"),
    [
        ((np.int8, 5120), (np.uint8, 5121), (np.uint8, 5121)),
        ((np.int16, 5122), (np.uint16, 5123), (np.uint16, 5123)),
        ((np.float32, 5126), (np.int16, 5122), (np.float32, 5126)),
    ],
)
def test_every_type_the_specification_allows_is_read(make_cloud, rotation, size, opacity):
    cloud = make_cloud(20)
    xyzw = (cloud.quaternions * np.array([1, 1, -1, -1]))[:, [1, 2, 3, 0]]
    natural = {"ROTATION": xyzw, "SCALE": np.exp(cloud.log_scales), "OPACITY": sigmoid(cloud.opacity_logits)}
    types = {"ROTATION": rotation, "SCALE": size, "OPACITY": opacity}

    def encode(name):
        dtype, component = types[name]
        whole = np.issubdtype(dtype, np.integer)
        values = np.round(natural[name] * np.iinfo(dtype).max) if whole else natural[name]
        return values.astype(dtype), component, whole

    found = read(rewritten(cloud, encode)).cloud
    assert angle(found.quaternions, cloud.quaternions).max() < 1.2
    np.testing.assert_allclose(np.exp(found.log_scales), natural["SCALE"], atol=0.5 / np.iinfo(size[0]).max + 1e-6)
    np.testing.assert_allclose(sigmoid(found.opacity_logits), natural["OPACITY"], atol=0.5 / 255 + 1e-6)


def test_a_scale_of_zero_is_a_small_one_and_a_negative_one_no_gaussian(make_cloud):
    cloud = make_cloud(4)
    root, binary = taken_apart(to_bytes(cloud, "glb"))
    at = root["bufferViews"][3]["byteOffset"]
    binary[at : at + 4] = struct.pack("<f", 0)
    binary[at + 12 : at + 16] = struct.pack("<f", -1)
    result = read(put_together(root, binary))
    assert (result.cloud.count, result.dropped) == (3, 1)
    assert result.cloud.log_scales[0, 0] <= -20


def test_linear_colours_become_srgb(make_cloud):
    cloud = replace(make_cloud(2), sh=np.full((2, 1, 3), (0.214 - 0.5) / SH_C0))
    data = to_bytes(cloud, "glb")

    def to_linear(root):
        root["meshes"][0]["primitives"][0]["extensions"]["KHR_gaussian_splatting"]["colorSpace"] = "lin_rec709_display"

    found = read(changed(data, to_linear)).cloud
    np.testing.assert_allclose(0.5 + SH_C0 * found.sh, 0.5, atol=1e-3)


def place(root, node):
    root["nodes"] = [{"children": [1], "translation": [1, 2, 3]}, {"mesh": 0, **node}]


def test_a_node_turns_scales_and_moves_its_gaussians(make_cloud, covariance):
    cloud = make_cloud(12, degree=3)
    turn = Rotation.from_rotvec([0.3, -0.8, 0.5])
    node = {"rotation": turn.as_quat().tolist(), "scale": [2, 2, 2], "translation": [0, 0, 1]}
    found = read(changed(to_bytes(cloud, "glb"), lambda root: place(root, node))).cloud
    flip = np.diag([1.0, -1, -1])
    linear = flip @ turn.as_matrix() @ flip
    np.testing.assert_allclose(found.means, 2 * cloud.means @ linear.T + [1, -2, -4], atol=1e-4)
    for i in range(cloud.count):
        np.testing.assert_allclose(covariance(found, i), 4 * linear @ covariance(cloud, i) @ linear.T, atol=1e-5)
    back = moved(found, np.vstack((np.hstack((linear.T, np.zeros((3, 1)))), [[0, 0, 0, 1]])))
    np.testing.assert_allclose(back.sh, cloud.sh, atol=1e-5)
    # Seen along a turned direction, a turned Gaussian has the colour it had.
    np.testing.assert_allclose(np.abs((found.sh**2).sum(axis=1)), (cloud.sh**2).sum(axis=1), rtol=1e-4)


def test_turning_by_a_half_turn_is_the_same_by_signs_and_by_matrices(make_cloud):
    cloud = make_cloud(5, degree=3)
    exact = moved(cloud, np.diag([-1.0, -1, 1, 1]))
    nearly = np.eye(4)
    nearly[:3, :3] = Rotation.from_rotvec([0, 0, np.pi - 1e-9]).as_matrix()
    by_matrix = moved(cloud, nearly)
    np.testing.assert_allclose(by_matrix.sh, exact.sh, atol=1e-6)
    np.testing.assert_allclose(by_matrix.means, exact.means, atol=1e-6)


def test_several_primitives_become_one_cloud_and_other_points_are_said(make_cloud):
    def double(root):
        primitive = root["meshes"][0]["primitives"][0]
        plain = {"attributes": {"POSITION": 0}, "mode": 0}
        root["meshes"] = [{"primitives": [primitive]}, {"primitives": [primitive, plain]}]
        root["nodes"] = [{"mesh": 0}, {"mesh": 1}]
        root["scenes"][0]["nodes"] = [0, 1]

    data = changed(to_bytes(make_cloud(6, degree=1), "glb"), double)
    result = read(data)
    assert (result.cloud.count, [loss.code for loss in result.losses]) == (12, ["ignored"])
    with pytest.raises(LimitExceededError, match="12 Gaussians, the limit is 11"):
        read(data, limits=ReadLimits(max_points=11))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(0, 3))
def test_an_spz_inside_is_what_the_spz_alone_is(make_cloud, seed, count, degree):
    cloud = make_cloud(count, degree, seed=seed)
    data = to_bytes(cloud, "glb", encoding="spz")
    found, alone = read(data).cloud, read(to_bytes(cloud, "spz", version=2)).cloud
    np.testing.assert_allclose(found.means, alone.means, atol=1 / 4096)
    np.testing.assert_allclose(found.sh, alone.sh, atol=17 / 128)
    np.testing.assert_array_equal(found.log_scales, alone.log_scales)
    np.testing.assert_array_equal(found.opacity_logits, alone.opacity_logits)
    assert angle(found.quaternions, cloud.quaternions).max() < 12


def test_an_spz_inside_is_of_version_2_in_the_axes_of_the_draft(make_cloud):
    cloud = make_cloud(40)
    root, binary = taken_apart(to_bytes(cloud, "glb", encoding="spz"))
    assert root["extensionsRequired"] == ["KHR_gaussian_splatting", "KHR_gaussian_splatting_compression_spz_2"]
    assert splats(root)["extensions"] == {"KHR_gaussian_splatting_compression_spz_2": {"bufferView": 0}}
    assert all("bufferView" not in accessor for accessor in root["accessors"])
    assert struct.unpack_from("<II", gzip.decompress(binary[: root["bufferViews"][0]["byteLength"]])) == (0x5053474E, 2)
    inside = read(bytes(binary), "spz").cloud
    gltf = cloud.means * [1, -1, -1]
    np.testing.assert_allclose(inside.means, gltf * [-1, 1, -1], atol=1 / 4096)
    assert len(binary) < 0.45 * len(taken_apart(to_bytes(cloud, "glb"))[1])


def test_niantics_spz_is_read_inside_a_glb(vectors):
    data = (vectors / "inria_sh2/niantic_v2.spz").read_bytes()
    original = read(vectors / "inria_sh2.ply").cloud
    root, _ = taken_apart(to_bytes(original, "glb", encoding="spz"))
    root["bufferViews"][0]["byteLength"] = root["buffers"][0]["byteLength"] = len(data)
    found = read(put_together(root, data + bytes(-len(data) % 4))).cloud
    np.testing.assert_allclose(found.means, original.means * [-1, 1, -1], atol=1e-3)  # RUB taken as that of LUF


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: [a.update(count=5) for a in r["accessors"]], "6 Gaussians in the SPZ, its accessors have 5"),
        (lambda r: r["bufferViews"][0].update(byteLength=40), "gzip|decompressed"),
        (lambda r: r["bufferViews"][0].update(byteOffset=3, byteLength=40), "gzip"),
        (lambda r: splats(r)["extensions"]["KHR_gaussian_splatting_compression_spz_2"].clear(), "no bufferViews.None."),
    ],
)
def test_an_spz_inside_that_lies_is_refused_by_name(make_cloud, change, said):
    with pytest.raises(SplatError, match=said):
        read(changed(to_bytes(make_cloud(6), "glb", encoding="spz"), change))


def test_an_unknown_encoding_is_answered_with_the_known_ones(make_cloud):
    with pytest.raises(InvalidCloudError, match="encoding is 'best', glb takes one of float, quantised, spz"):
        write(make_cloud(1), None, "glb", encoding="best")


def test_a_glb_cut_off_anywhere_is_refused(make_cloud):
    data = to_bytes(make_cloud(2), "glb")
    for length in range(1, len(data)):
        with pytest.raises(SplatError):
            read(data[:length], "glb")


LIES = {
    "count": (lambda r: r["accessors"][0].update(count=7), "needs|the primitive has"),
    "huge count": (lambda r: [a.update(count=10_000_000) for a in r["accessors"]], "needs 1[26]0,000,000 bytes"),
    "negative count": (lambda r: r["accessors"][0].update(count=-1), "count: wants an integer"),
    "type": (lambda r: r["accessors"][0].update(type="VEC4"), "wants VEC3"),
    "component": (lambda r: r["accessors"][0].update(componentType=1), "componentType: is 1"),
    "offset": (lambda r: r["accessors"][0].update(byteOffset=2**31), "needs"),
    "stride": (lambda r: r["bufferViews"][0].update(byteStride=253), "byteStride: wants an integer from 0 to 252"),
    "view": (lambda r: r["accessors"][0].update(bufferView=99), r"no bufferViews\[99\]"),
    "view of text": (lambda r: r["accessors"][0].update(bufferView="0"), r"no bufferViews\[0\]"),
    "view length": (lambda r: r["bufferViews"][0].update(byteLength=2**32 - 1), "the buffer has"),
    "elsewhere": (lambda r: r["buffers"][0].update(uri="file:///etc/passwd"), "outside the file"),
    "sparse": (lambda r: r["accessors"][0].update(sparse={}), "sparse"),
    "no rotation": (lambda r: attributes(r).pop("KHR_gaussian_splatting:ROTATION"), "lacks KHR_.*ROTATION"),
    "no position": (lambda r: attributes(r).pop("POSITION"), r"no accessors\[None\]"),
    "half a degree": (lambda r: attributes(r).pop("KHR_gaussian_splatting:SH_DEGREE_1_COEF_1"), "SH_DEGREE"),
    "circle": (lambda r: r["nodes"][0].update(children=[0]), "stands twice"),
    "child": (lambda r: r["nodes"][0].update(children=[5]), r"no nodes\[5\]"),
    "matrix": (lambda r: r["nodes"][0].update(matrix=[1]), "wants 16 finite"),
    "NaN": (lambda r: r["nodes"][0].update(scale=[float("nan")] * 3), "wants 3 finite"),
    "huge": (lambda r: r["nodes"][0].update(scale=[10**400] * 3), "beyond float64"),
    "shear": (lambda r: r["nodes"][0].update(scale=[1, 2, 1]), "scales axes differently"),
    "flat": (lambda r: r["nodes"][0].update(scale=[0, 0, 0]), "scales axes differently"),
    "overflow": (lambda r: r["nodes"][0].update(scale=[1e300] * 3), "scales axes differently"),
    "scene": (lambda r: r.update(scene=3), r"no scenes\[3\]"),
    "mesh": (lambda r: r["nodes"][0].update(mesh=3), r"no meshes\[3\]"),
    "primitives": (lambda r: r["meshes"][0].update(primitives={}), "wants an array"),
    "extension": (lambda r: r["meshes"][0]["primitives"][0].update(extensions=[]), "wants an object"),
    "extended": (lambda r: splats(r).update(extensions={"MPEG_x": {}}), "extended by MPEG_x"),
    "nothing": (lambda r: (r["meshes"][0]["primitives"][0].pop("extensions"), r.pop("extensionsUsed")), "no primitive"),
    "accessors": (lambda r: r.update(accessors=7), r"no accessors\[0\]"),
}


def attributes(root):
    return root["meshes"][0]["primitives"][0]["attributes"]


def splats(root):
    return root["meshes"][0]["primitives"][0]["extensions"]["KHR_gaussian_splatting"]


@pytest.mark.parametrize("case", LIES)
def test_a_description_that_lies_is_refused_by_name(make_cloud, case):
    change, said = LIES[case]
    with pytest.raises(SplatError, match=said):
        read(changed(to_bytes(make_cloud(5, degree=1), "glb"), change))


def test_a_huge_matrix_of_many_instances_is_limited_before_memory_is_taken(make_cloud):
    def multiply(root):
        root["nodes"] = [{"mesh": 0}] * 1000
        root["scenes"][0]["nodes"] = list(range(1000))

    with pytest.raises(LimitExceededError, match="Gaussians, the limit is 500"):
        read(changed(to_bytes(make_cloud(5), "glb"), multiply), limits=ReadLimits(max_points=500))


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"[" * 100_000, b'"\xff"'])
def test_json_that_is_no_object_is_refused(text):
    with pytest.raises(MalformedFileError, match="JSON"):
        read(put_together(text), "glb")


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (struct.pack("<4sII", b"glTF", 1, 12), UnsupportedFileError, "version 1"),
        (struct.pack("<4sII", b"glTF", 2, 99), MalformedFileError, "announces 99 bytes"),
        (struct.pack("<4sIII4s", b"glTF", 2, 20, 9, b"JSON"), MalformedFileError, "announces 9 bytes, 0 follow"),
        (struct.pack("<4sIII4s", b"glTF", 2, 20, 0, b"BIN\0"), MalformedFileError, "of type"),
    ],
)
def test_a_container_that_lies_is_refused(data, error, said):
    with pytest.raises(error, match=said):
        read(data, "glb")


@settings(max_examples=150, deadline=None)
@given(at=st.floats(0, 1, exclude_max=True), junk=st.binary(min_size=1, max_size=6))
def test_overwritten_json_is_survived(make_cloud, camera, at, junk):
    data = bytearray(to_bytes(make_cloud(3, camera=camera), "glb"))
    size = struct.unpack_from("<I", data, 12)[0]
    start = 20 + int(at * size)
    data[start : start + len(junk)] = junk
    try:
        cloud = read(data, "glb").cloud
    except SplatError as error:
        assert str(error)
    else:
        for name in ARRAYS:
            assert np.isfinite(getattr(cloud, name)).all()
