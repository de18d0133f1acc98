"""`.ksplat` 0.1 of every level, in real buckets, as the reference writes and reads it."""

import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from immichvr_splats import (
    GaussianCloud,
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
from scipy.spatial import cKDTree

INPUTS = {"sharp_sh0": 0, "inria_sh0": 0, "inria_sh2": 2, "inria_sh3": 2}
HEADERS = 4096 + 1024


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits.astype(float)))


def degrees_apart(a, b):
    dots = np.abs((a.quaternions.astype(float) * b.quaternions).sum(axis=1)).clip(0, 1)
    return np.degrees(2 * np.arccos(dots))


def in_order_of(cloud, originals):
    distances, nearest = cKDTree(cloud.means).query(originals.means)
    assert np.unique(nearest).size == originals.count
    return cloud.take(nearest), distances.max()


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", INPUTS)
def test_what_the_reference_wrote_is_read_as_splat_transform_reads_it(vectors, name, level):
    path = vectors / name / f"mkkellogg_l{level}.ksplat"
    found, theirs = read(path).cloud, read(f"{path}.decoded.ply").cloud
    assert found.sh_degree == INPUTS[name]
    np.testing.assert_array_equal(found.means, theirs.means)
    for field in ("log_scales", "opacity_logits", "sh"):
        np.testing.assert_allclose(getattr(found, field), getattr(theirs, field), atol=1e-6)
    assert degrees_apart(found, theirs).max() < 0.1


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", INPUTS)
def test_ours_is_as_large_as_the_references_and_nearer_to_the_original(vectors, name, level):
    original = read(vectors / f"{name}.ply").cloud
    theirs = vectors / name / f"mkkellogg_l{level}.ksplat"
    ours = to_bytes(original, "ksplat", level=level)
    assert len(ours) == theirs.stat().st_size
    errors = []
    for cloud in (read(ours, "ksplat").cloud, read(theirs).cloud):
        found, distance = in_order_of(cloud, original)
        assert distance <= (0 if level == 0 else 7e-5)
        errors.append(np.abs(found.sh - original.sh[:, : found.sh.shape[1]]).max(axis=(0, 2)))
        assert degrees_apart(found, original).max() < 0.1
    assert (errors[0] <= errors[1]).all()


VIEWER = Path(__file__).parents[3] / "node_modules/@mkkellogg/gaussian-splats-3d"
READER = """
globalThis.window = globalThis;
const fs = await import("fs");
const { KSplatLoader } = await import(`${process.argv[3]}/build/gaussian-splats-3d.module.js`);
const file = fs.readFileSync(process.argv[2]);
const splats = await KSplatLoader.loadFromFileData(file.buffer.slice(file.byteOffset, file.byteOffset + file.length));
const place = {}, color = { set(...rgba) { this.rgba = rgba; } };
for (let i = 0; i < splats.getSplatCount(); i++) {
  splats.getSplatCenter(i, place);
  splats.getSplatColor(i, color);
  console.log([place.x, place.y, place.z, ...color.rgba].join(" "));
}
"""


@pytest.fixture(scope="session")
def reference():
    """Where npm put the reference viewer."""
    if not VIEWER.is_dir():
        pytest.skip("no @mkkellogg/gaussian-splats-3d in node_modules: `make setup` installs it")
    return VIEWER


@pytest.mark.parametrize("level", [0, 1, 2])
def test_the_reference_viewer_reads_ours_as_we_do(tmp_path, make_cloud, reference, level):
    path, script = tmp_path / "ours.ksplat", tmp_path / "read.mjs"
    write(make_cloud(900, degree=1), path, level=level)
    script.write_text(READER)
    done = subprocess.run(
        ["node", str(script), str(path), str(reference)], capture_output=True, text=True, check=True, timeout=60
    )
    theirs = np.array([line.split() for line in done.stdout.splitlines()], np.float32)
    ours = read(path).cloud
    np.testing.assert_allclose(theirs[:, :3], ours.means, atol=1e-6)
    np.testing.assert_allclose(theirs[:, 3:6] / 255, 0.5 + 0.28209479 * ours.sh[:, 0], atol=1e-5)
    np.testing.assert_allclose(theirs[:, 6] / 255, sigmoid(ours.opacity_logits), atol=1e-5)


def section(data):
    return struct.unpack_from("<IIIIfH2xIIIIH", data, 4096)


def test_buckets_hold_256_each_but_for_the_last_of_their_cube(make_cloud):
    cloud = make_cloud(1000)
    cloud.means[:] = np.random.default_rng(0).uniform(0, 4.9, (1000, 3))
    cloud.means[900:, 0] += 100
    data = to_bytes(cloud, "ksplat")
    splats, room, size, buckets, side, _, scale_range, _, full, partial, _ = section(data)
    assert (splats, room, size, buckets, side, scale_range, full, partial) == (1000, 1000, 256, 5, 5, 32767, 3, 2)
    assert struct.unpack_from("<2I", data, HEADERS) == (132, 100)
    _, distance = in_order_of(read(data, "ksplat").cloud, cloud)
    assert distance < 1e-4


def test_level_0_keeps_order_and_floats(make_cloud):
    cloud = make_cloud(700, degree=2)
    assert write(cloud, None, "ksplat", level=0) == []
    found = read(to_bytes(cloud, "ksplat", level=0), "ksplat").cloud
    for field in ("means", "quaternions"):
        np.testing.assert_allclose(getattr(found, field), getattr(cloud, field), atol=1e-7)
    np.testing.assert_array_equal(found.sh[:, 1:], cloud.sh[:, 1:])
    np.testing.assert_allclose(found.log_scales, cloud.log_scales, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2), st.integers(1, 300), st.integers(0, 2), st.floats(0.1, 1e6), st.integers(0, 2**32 - 1))
def test_values_come_back_within_their_step(level, count, degree, reach, seed):
    random = np.random.default_rng(seed)
    quaternions = random.standard_normal((count, 4))
    cloud = GaussianCloud(
        means=random.uniform(-reach, reach, (count, 3)),
        log_scales=random.uniform(-9, 11, (count, 3)),
        quaternions=quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True),
        opacity_logits=random.uniform(-9, 9, count),
        sh=random.uniform(-1.5, 1.5, (count, (degree + 1) ** 2, 3)),
    )
    found = read(to_bytes(cloud, "ksplat", level=level), "ksplat").cloud
    if level:
        found, _ = in_order_of(found, cloud)
    float_step = reach * 2**-22
    np.testing.assert_allclose(found.means, cloud.means, atol=(0.51 * 2.5 / 32767 if level else 0) + float_step)
    np.testing.assert_allclose(found.log_scales, cloud.log_scales, atol=5e-4 if level else 1e-6)
    np.testing.assert_allclose(sigmoid(found.opacity_logits), sigmoid(cloud.opacity_logits), atol=0.501 / 255)
    np.testing.assert_allclose(found.sh[:, 0], cloud.sh[:, 0], atol=0.51 / 255 / 0.28209479)
    sh_step = (0, 1.5 * 2**-11, 0.501 * 3 / 255)[level]
    np.testing.assert_allclose(found.sh[:, 1:], cloud.sh[:, 1:], atol=sh_step + 1e-7)
    assert degrees_apart(found, cloud).max() < (0.15 if level else 0.06)


@pytest.mark.parametrize("sh", [0.0, 0.25, -0.25])
def test_harmonics_of_one_sign_or_none_are_not_read_in_the_default_range(make_cloud, sh):
    cloud = make_cloud(3, degree=1)
    cloud.sh[:, 1:] = sh
    found = read(to_bytes(cloud, "ksplat", level=2), "ksplat").cloud
    np.testing.assert_allclose(found.sh[:, 1:], sh, atol=0.001)


def test_means_so_far_apart_that_cubes_cannot_be_numbered_widen_them_and_it_is_said(make_cloud):
    cloud = make_cloud(50)
    cloud.means[::2] = [-3e38, 1e30, 3e38]
    losses = write(cloud, None, "ksplat")
    assert [loss.code for loss in losses] == ["order", "precision"]
    assert read(to_bytes(cloud, "ksplat"), "ksplat").cloud.count == 50


def test_values_beyond_half_precision_are_clamped_and_said(make_cloud):
    cloud = make_cloud(4)
    cloud.log_scales[0, 0] = -40
    cloud.log_scales[1, 0] = 40
    cloud.sh[2, 0] = 9
    losses = write(cloud, None, "ksplat")
    assert [(loss.code, loss.count) for loss in losses[1:]] == [("clamped", 2), ("clamped", 1)]
    result = read(to_bytes(cloud, "ksplat"), "ksplat")
    assert (result.dropped, result.cloud.count) == (0, 4)
    assert [loss.code for loss in write(cloud, None, "ksplat", level=0)] == ["clamped"]


def test_an_unknown_level_is_refused(make_cloud):
    with pytest.raises(InvalidCloudError, match="level is 3, ksplat takes one of 0, 1, 2"):
        to_bytes(make_cloud(1), "ksplat", level=3)


def of_sections(*files):
    """One file of the sections of several, each with room for two more."""
    header = bytearray(files[0][:4096])
    counts = [section(file)[0] for file in files]
    struct.pack_into("<IIII", header, 4, len(files) + 1, len(files), sum(counts), sum(counts))
    headers, bodies = b"", b""
    for file, count in zip(files, counts, strict=True):
        head = bytearray(file[4096:HEADERS])
        struct.pack_into("<I", head, 4, count + 2)
        row = (len(file) - HEADERS - buckets_bytes(file)) // count
        headers += head
        bodies += file[HEADERS:] + bytes(2 * row)
    return bytes(header) + headers + bytes(1024) + bodies


def buckets_bytes(file):
    _, _, _, buckets, _, bucket_bytes, _, _, _, partial, _ = section(file)
    return 4 * partial + bucket_bytes * buckets


@pytest.mark.parametrize("level", [0, 1, 2])
def test_sections_of_different_degree_are_read_as_one_cloud(make_cloud, level):
    files = [to_bytes(make_cloud(n, d, seed=n), "ksplat", level=level) for n, d in ((300, 1), (7, 0), (400, 2))]
    if level == 2:  # the range of SH is the file's, not the section's
        files = [file[:36] + struct.pack("<2f", -0.9, 0.9) + file[44:] for file in files]
    found = read(of_sections(*files), "ksplat").cloud
    parts = [read(file, "ksplat").cloud for file in files]
    assert (found.count, found.sh_degree) == (707, 2)
    np.testing.assert_array_equal(found.means, np.concatenate([part.means for part in parts]))
    np.testing.assert_array_equal(found.quaternions, np.concatenate([part.quaternions for part in parts]))
    np.testing.assert_array_equal(found.sh[307:], parts[2].sh)
    np.testing.assert_array_equal(found.sh[:300, :4], parts[0].sh)
    assert not found.sh[:300, 4:].any()


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_file_cut_off_anywhere_is_refused(make_cloud, level):
    data = to_bytes(make_cloud(2, degree=1), "ksplat", level=level)
    for length in [*range(0, 50), *range(50, HEADERS, 97), *range(HEADERS, len(data))]:
        with pytest.raises(SplatError):
            read(data[:length], "ksplat")


@pytest.mark.parametrize(
    ("at", "value", "said"),
    [
        (1, b"\2", "version 0.2"),
        (8, struct.pack("<I", 2), "2 sections at offset 8, at most 1"),
        (8, struct.pack("<I", 0), "no section at offset 8"),
        (4, struct.pack("<II", 2**32 - 1, 2**32 - 1), "file ends at"),
        (20, struct.pack("<H", 3), "compression level 3"),
        (36, struct.pack("<f", np.nan), "SH range"),
        (4096, struct.pack("<I", 4), "4 splats, room for 3"),
        (4096, struct.pack("<II", 4, 4), "but the file ends at"),
        (4096, struct.pack("<II", 2**32 - 1, 2**32 - 1), "4,294,967,295 splats of 42 bytes"),
        (4104, struct.pack("<II", 256, 2**32 - 1), "but the file ends at"),
        (4108, struct.pack("<I", 0), "wants the sum of these"),
        (4112, struct.pack("<f", np.inf), "side of inf m"),
        (4112, struct.pack("<f", -5), "side of -5.0 m"),
        (4116, struct.pack("<H", 11), "buckets of 11 bytes"),
        (4136, struct.pack("<H", 9), "degree 9"),
        (HEADERS, struct.pack("<I", 0), "its buckets hold"),
    ],
)
def test_headers_that_lie_are_refused(make_cloud, at, value, said):
    data = bytearray(to_bytes(make_cloud(3, degree=1), "ksplat"))
    data[at : at + len(value)] = value
    with pytest.raises((MalformedFileError, UnsupportedFileError), match=said):
        read(data, "ksplat")


def test_a_range_beyond_all_places_puts_them_at_the_corner_of_their_cube(make_cloud):
    cloud = make_cloud(9)
    cloud.means[:] *= 0.1
    data = bytearray(to_bytes(cloud, "ksplat", level=1))
    side = struct.unpack_from("<f", data, 4096 + 16)[0]
    struct.pack_into("<I", data, 4096 + 24, 0xFF000000)
    centers = np.frombuffer(data, "<f4", 3, 4096 + 1024 + 4)
    means = read(bytes(data), "ksplat").cloud.means
    np.testing.assert_allclose(means, np.tile(centers - side / 2, (9, 1)), atol=1e-3)


def test_many_sections_meet_the_limit_together(make_cloud):
    data = of_sections(*[to_bytes(make_cloud(6), "ksplat", level=0)] * 2)
    assert read(data, "ksplat", ReadLimits(max_points=12)).cloud.count == 12
    with pytest.raises(LimitExceededError, match="12 Gaussians"):
        read(data, "ksplat", ReadLimits(max_points=11))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", range(11, 20))
def test_non_finite_values_leave_a_sound_cloud(make_cloud, column, bad):
    data = bytearray(to_bytes(make_cloud(4, degree=1), "ksplat", level=0))
    at = HEADERS + 80 + 4 * ((column + 9) % 20)  # every column but that of the colour
    data[at : at + 4] = np.float32(bad).tobytes()
    result = read(data, "ksplat")
    assert (result.dropped, result.cloud.count) == (1, 3)


def test_a_centre_that_is_no_number_drops_its_bucket(make_cloud):
    data = bytearray(to_bytes(replace(make_cloud(3), camera=None), "ksplat"))
    partial = section(data)[9]
    at = HEADERS + 4 * partial
    data[at : at + 4] = np.float32(np.nan).tobytes()
    result = read(data, "ksplat")
    assert result.dropped >= 1
    assert np.isfinite(result.cloud.means).all()
