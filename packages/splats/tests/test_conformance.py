"""Ours reads what other tools wrote, and they read what ours writes."""

import gzip
from dataclasses import replace

import gsply
import numpy as np
import pytest
import zstandard
from immichvr_splats import read, to_bytes, write
from scipy.spatial import cKDTree

INPUTS = {"sharp_sh0": (4096, 0), "inria_sh0": (3001, 0), "inria_sh2": (1500, 2), "inria_sh3": (2000, 3)}
SH_SIGNS = np.array([1, -1, -1, 1, -1, 1, 1, -1, 1, -1, 1, -1, -1, 1, -1, 1], np.float32)
STEPS = {"means": 0.5 / 4096, "log_scales": 0.5 / 16, "dc": 0.5 / (0.15 * 255), "low": 4.5 / 128, "high": 8.5 / 128}


@pytest.fixture(params=INPUTS)
def name(request):
    return request.param


@pytest.fixture
def original(vectors, name):
    return read(vectors / f"{name}.ply").cloud


def turned(cloud):
    """From RDF to RUB or back: half a turn about x."""
    flip = np.array([1, -1, -1], np.float32)
    return replace(
        cloud,
        means=cloud.means * flip,
        quaternions=cloud.quaternions * np.array([1, 1, -1, -1], np.float32),
        sh=cloud.sh * SH_SIGNS[: cloud.sh.shape[1], None],
    )


def matched(cloud, original):
    """`cloud` in the order of `original`, by nearest mean."""
    distances, nearest = cKDTree(cloud.means).query(original.means)
    assert distances.max() < 0.001
    assert np.unique(nearest).size == original.count
    return cloud.take(nearest)


def assert_close(found, original, rotation_degrees, steps=STEPS):
    np.testing.assert_allclose(found.means, original.means, atol=steps["means"] + 1e-5)
    np.testing.assert_allclose(found.log_scales, original.log_scales, atol=steps["log_scales"] + 1e-5)
    alphas = [1 / (1 + np.exp(-c.opacity_logits.astype(float))) for c in (found, original)]
    np.testing.assert_allclose(*alphas, atol=1 / 255 + 1e-5)
    dot = np.abs((found.quaternions.astype(float) * original.quaternions).sum(axis=1)).clip(0, 1)
    assert np.degrees(2 * np.arccos(dot)).max() < rotation_degrees
    np.testing.assert_allclose(found.sh[:, 0], original.sh[:, 0], atol=steps["dc"] + 1e-5)
    k = found.sh.shape[1]
    np.testing.assert_allclose(found.sh[:, 1:4], original.sh[:, 1 : min(k, 4)], atol=steps["low"] + 1e-5)
    np.testing.assert_allclose(found.sh[:, 4:], original.sh[:, 4:k], atol=steps["high"] + 1e-5)


def test_the_inputs_are_read_whole(name, original):
    count, degree = INPUTS[name]
    assert (original.count, original.sh_degree) == (count, degree)
    assert (original.camera is not None) == (name == "sharp_sh0")
    np.testing.assert_allclose(np.linalg.norm(original.quaternions, axis=1), 1, atol=1e-6)


def test_sharps_camera_is_read(vectors):
    camera = read(vectors / "sharp_sh0.ply").cloud.camera
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (700, 700, 320, 240)
    assert (camera.width, camera.height) == (640, 480)
    np.testing.assert_array_equal(camera.extrinsic, np.eye(4))


def test_a_sharp_ply_comes_back_as_it_was(vectors):
    path = vectors / "sharp_sh0.ply"
    ours, theirs = to_bytes(read(path).cloud, "ply", layout="sharp"), path.read_bytes()
    disparity = slice(len(theirs) - 12, len(theirs) - 4)  # of the scene, where ours is of the Gaussians
    assert len(ours) == len(theirs)
    assert ours[: disparity.start] == theirs[: disparity.start]
    assert ours[disparity.stop :] == theirs[disparity.stop :]


def test_an_inria_ply_comes_back_but_for_the_length_of_its_quaternions(vectors):
    for name in ("inria_sh0", "inria_sh2", "inria_sh3"):
        theirs = (vectors / f"{name}.ply").read_bytes()
        ours = to_bytes(read(vectors / f"{name}.ply").cloud, "ply", layout="inria")
        body = theirs.index(b"end_header\n") + 11
        assert ours[:body] == theirs[:body]
        rows = [np.frombuffer(d[body:], "<f4").reshape(INPUTS[name][0], -1) for d in (ours, theirs)]
        np.testing.assert_array_equal(rows[0][:, :-4], rows[1][:, :-4])


def test_niantics_spz_is_read(vectors, name, original):
    for version, degrees in ((2, 12), (3, 0.3), (4, 0.3)):  # 8 bits for each of xyz leave w far off where it is small
        found = read(vectors / name / f"niantic_v{version}.spz", frame="rub").cloud
        assert_close(found, original, degrees)


def test_the_frame_that_a_file_is_read_in_is_the_callers_choice(vectors, name):
    path = vectors / name / "niantic_v3.spz"
    np.testing.assert_array_equal(read(path).cloud.means, turned(read(path, frame="rub").cloud).means)
    np.testing.assert_array_equal(read(path).cloud.sh, turned(read(path, frame="rub").cloud).sh)


def spz_payload(data):
    """Header fields and planes, whatever they are compressed with."""
    if data[:4] != b"NGSP":
        payload = gzip.decompress(data)
        return np.frombuffer(payload, np.uint8)
    streams, offset = data[15], int.from_bytes(data[16:20], "little")
    at, planes = offset + 16 * streams, [np.frombuffer(data[:32], np.uint8)]
    for i in range(streams):
        size = int.from_bytes(data[offset + 16 * i :][:8], "little")
        planes.append(np.frombuffer(zstandard.ZstdDecompressor().decompress(data[at : at + size]), np.uint8))
        at += size
    assert at == len(data)
    return np.concatenate(planes)


@pytest.mark.parametrize("version", [2, 3, 4])
def test_our_spz_is_niantics_byte_for_byte_but_for_ties(vectors, name, original, version):
    theirs = spz_payload((vectors / name / f"niantic_v{version}.spz").read_bytes())
    ours = spz_payload(to_bytes(original, "spz", version=version, frame="rub"))
    assert ours.size == theirs.size
    assert np.mean(ours != theirs) < 0.001


def test_splat_transforms_spz_is_read(vectors, name, original):
    found = read(vectors / name / "splat-transform_v3.spz").cloud
    assert_close(matched(found, original), original, 0.3)


def test_ply2splats_splat_is_read(vectors, name, original):
    found = read(vectors / name / "ply2splat.splat").cloud
    steps = {"means": 0, "log_scales": 0, "dc": 1 / (255 * 0.282), "low": 0, "high": 0}
    assert_close(found, replace(original, sh=original.sh[:, :1]), 2, steps)


def test_our_splat_is_ply2splats_but_for_the_last_bit_of_the_scales(vectors, name, original):
    theirs = np.frombuffer((vectors / name / "ply2splat.splat").read_bytes(), np.uint8).reshape(-1, 32)
    ours = np.frombuffer(to_bytes(original, "splat"), np.uint8).reshape(-1, 32)
    np.testing.assert_array_equal(np.delete(ours, range(12, 24), 1), np.delete(theirs, range(12, 24), 1))
    scales = [rows[:, 12:24].copy().view("<f4") for rows in (ours, theirs)]
    np.testing.assert_allclose(*scales, rtol=3e-7)


def test_ply_that_splat_transform_wrote_is_read(vectors, name, original):
    for path in sorted((vectors / name).glob("*.decoded.ply")):
        found = read(path)
        assert found.dropped == 0
        assert abs(found.cloud.count - original.count) <= original.count * 0.01


def assert_gsply_agrees(theirs, ours):
    np.testing.assert_allclose(theirs.means, ours.means, atol=1e-6)
    np.testing.assert_allclose(theirs.scales, ours.log_scales, atol=1e-6)
    np.testing.assert_allclose(theirs.sh0, ours.sh[:, 0], atol=1e-5)
    if ours.sh_degree:
        np.testing.assert_allclose(theirs.shN, ours.sh[:, 1:], atol=1e-6)
    unit = theirs.quats / np.linalg.norm(theirs.quats, axis=1, keepdims=True)
    assert np.abs((unit * ours.quaternions).sum(axis=1)).min() > 1 - 1e-6
    sigmoids = [1 / (1 + np.exp(-logits.ravel())) for logits in (theirs.opacities, ours.opacity_logits)]
    np.testing.assert_allclose(*sigmoids, atol=1e-4)


# gsply compiles for seconds what it reads with. In short, our SPZ is held against Niantic's above, to the byte.
@pytest.mark.long
@pytest.mark.parametrize("version", [2, 3, 4])
def test_gsply_reads_our_spz_as_we_do(tmp_path, original, version):
    path = tmp_path / "cloud.spz"
    write(original, path, version=version)
    assert_gsply_agrees(gsply.read_spz(path), read(path).cloud)


# In short, our PLY is held above against the one that it was read from, to the byte.
@pytest.mark.long
def test_gsply_reads_our_ply_as_we_do(tmp_path, original):
    path = tmp_path / "cloud.ply"
    write(original, path, layout="inria")
    assert_gsply_agrees(gsply.plyread(path), original)
