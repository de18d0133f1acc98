"""Formats come from one table; files appear whole; what does not fit is said."""

from io import BytesIO

import numpy as np
import pytest
from immichvr_splats import (
    FORMATS,
    InvalidCloudError,
    LimitExceededError,
    ReadLimits,
    SplatError,
    UnknownFormatError,
    convert,
    format_of,
    open_cloud,
    read,
    to_bytes,
    write,
)
from scipy.spatial import cKDTree


def test_the_extension_tells_the_format():
    assert [format_of(p) for p in ("a.ply", "b/C.SPZ", "x.y.splat")] == ["ply", "spz", "splat"]


def test_an_unknown_extension_is_answered_with_the_known_ones():
    with pytest.raises(UnknownFormatError, match=r"cloud\.obj.*\.ply.*\.splat.*\.spz"):
        format_of("cloud.obj")


def test_an_unknown_format_is_answered_with_the_known_ones(make_cloud):
    with pytest.raises(UnknownFormatError, match=r"'obj'.*ply.*splat.*spz"):
        to_bytes(make_cloud(1), "obj")


def test_an_unknown_option_is_answered_with_the_known_ones(make_cloud):
    with pytest.raises(InvalidCloudError, match=r"'speed'.*order"):
        to_bytes(make_cloud(1), "spz", speed=3)


@pytest.mark.parametrize(("format", "option"), [("spz", "order"), ("splat", "order"), ("ply", "layout")])
def test_an_unknown_value_of_an_option_is_answered_with_the_known_ones(make_cloud, format, option):
    with pytest.raises(InvalidCloudError, match=f"{option} is 'best', {format} takes one of"):
        to_bytes(make_cloud(1), format, **{option: "best"})


def matched(means, originals):
    """`means` in the order of `originals`."""
    return means[cKDTree(means).query(originals)[1]]


@pytest.mark.parametrize("key", FORMATS)
def test_every_row_of_the_table_writes_and_reads_what_it_promises(tmp_path, make_cloud, camera, key):
    row = FORMATS[key]
    cloud = make_cloud(40, degree=0, camera=camera)
    path = tmp_path / f"cloud{row.extensions[0]}"
    losses = write(cloud, path)
    result = read(path)
    assert result.format == key
    assert result.cloud.count == 40
    assert (result.cloud.camera is not None) == row.keeps_camera
    assert ("camera" in {loss.code for loss in losses}) == (not row.keeps_camera)
    means = result.cloud.means if row.keeps_order else matched(result.cloud.means, cloud.means)
    np.testing.assert_allclose(means, cloud.means, atol=6e-3)  # compressed PLY: 10 bits of 10 m
    rich = make_cloud(5, degree=3)
    losses = write(rich, path)
    assert read(path).cloud.sh_degree == row.max_sh_degree
    assert ("sh_degree" in {loss.code for loss in losses}) == (row.max_sh_degree < 3)


@pytest.mark.parametrize("key", FORMATS)
def test_a_cloud_of_nothing_is_written_and_read(make_cloud, key):
    data = to_bytes(make_cloud(0), key)
    if data:
        assert read(data, key).cloud.count == 0
    else:
        with pytest.raises(SplatError, match="empty"):
            read(data, key)


@pytest.mark.parametrize("key", ["ply", "spz"])
def test_the_first_bytes_tell_the_format_of_a_buffer(make_cloud, key):
    data = to_bytes(make_cloud(3), key)
    assert read(data).format == read(memoryview(data)).format == read(bytearray(data)).format == key


def test_a_buffer_that_tells_nothing_needs_a_format(make_cloud):
    data = to_bytes(make_cloud(3), "splat")
    with pytest.raises(UnknownFormatError, match="name one of"):
        read(data)
    assert read(data, "splat").cloud.count == 3


def test_a_format_given_goes_before_the_extension(tmp_path, make_cloud):
    path = tmp_path / "cloud.bin"
    write(make_cloud(3), path, "spz")
    assert read(path, "spz").cloud.count == 3


def test_an_open_file_is_written_to(make_cloud):
    file = BytesIO()
    write(make_cloud(3), file, "splat")
    assert file.getvalue() == to_bytes(make_cloud(3), "splat")


def test_losses_are_told_without_writing(make_cloud, camera):
    losses = write(make_cloud(3, degree=2, camera=camera), None, "splat")
    assert [loss.code for loss in losses] == ["sh_degree", "camera"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, make_cloud):
    path = tmp_path / "cloud.ply"
    path.write_bytes(b"old")
    with pytest.raises(InvalidCloudError):
        write(make_cloud(3), path, layout="sharp")
    assert [p.name for p in tmp_path.iterdir()] == ["cloud.ply"]
    assert path.read_bytes() == b"old"


def test_dropped_gaussians_are_counted_on_reading_and_on_writing(make_cloud):
    cloud = make_cloud(6)
    cloud.means[2:4] = np.nan
    assert [loss.count for loss in write(cloud, None, "spz")] == [2]
    data = bytearray(to_bytes(make_cloud(6), "ply"))
    body = data.index(b"end_header\n") + len(b"end_header\n")
    data[body : body + 4] = np.float32(np.inf).tobytes()
    result = read(data)
    assert (result.dropped, result.cloud.count) == (1, 5)
    assert "non-finite means" in str(result.losses[0])


@pytest.mark.parametrize("key", FORMATS)
def test_more_points_than_the_limit_are_refused(make_cloud, key):
    data = to_bytes(make_cloud(11), key)
    assert read(data, key, ReadLimits(max_points=11)).cloud.count == 11
    with pytest.raises(LimitExceededError, match="11 Gaussians, the limit is 10"):
        read(data, key, ReadLimits(max_points=10))


def test_a_larger_file_than_the_limit_is_refused(tmp_path, make_cloud):
    path = tmp_path / "a.ply"
    write(make_cloud(10), path)
    with pytest.raises(LimitExceededError, match=r"a\.ply: .* the limit is 100"):
        read(path, limits=ReadLimits(max_bytes=100))


CONVERSIONS = [(a, b) for a in FORMATS for b in FORMATS if FORMATS[a].can_write and FORMATS[b].streams]


@pytest.mark.parametrize(("source", "target"), CONVERSIONS)
def test_converting_makes_the_file_that_reading_and_writing_makes(tmp_path, make_cloud, camera, source, target):
    cloud = make_cloud(50, degree=2, camera=camera)
    cloud.opacity_logits[3] = np.inf
    data = to_bytes(cloud, source)
    path = tmp_path / f"made{FORMATS[target].extensions[0]}"
    done = convert(data, path, source)
    result = read(data, source)
    assert path.read_bytes() == to_bytes(result.cloud, target)
    assert done.losses == result.losses + write(result.cloud, None, target)
    assert (done.source, done.target, done.count) == (source, target, 50)


def test_converting_leaves_out_what_is_not_sound_and_says_so(make_cloud):
    data = bytearray(to_bytes(make_cloud(6), "ply", layout="inria"))
    body = data.index(b"end_header\n") + len(b"end_header\n")
    for row, column, value in ((1, 0, np.nan), (3, 9, np.inf), (4, 9, -np.inf)):  # mean, opacity twice
        at = body + 4 * (17 * row + column)
        data[at : at + 4] = np.float32(value).tobytes()
    for key in ("splat", "spz", "compressed-ply", "ply"):
        file = BytesIO()
        done = convert(data, file, to=key)
        assert done.count == read(file.getvalue(), key).cloud.count == 5
        assert [(loss.code, loss.count) for loss in done.losses[:2]] == [("dropped", 1), ("clamped", 2)]


def test_an_opened_file_says_what_is_in_it_and_is_written_many_times(make_cloud, camera):
    cloud = make_cloud(2000, degree=1, camera=camera)
    opened = open_cloud(to_bytes(cloud, "ply"))
    assert (opened.format, opened.count, opened.sh_degree, opened.dropped) == ("ply", 2000, 1, 0)
    low, high = cloud.bounds()
    assert opened.bounds == (low.tolist(), high.tolist())
    for key in ("spz", "compressed-ply"):
        file = BytesIO()
        opened.write(file, key, order="morton")
        assert file.getvalue() == to_bytes(cloud, key, order="morton")
    np.testing.assert_array_equal(opened.cloud().means, cloud.means)


def test_opening_finds_the_camera(make_cloud, camera):
    assert open_cloud(to_bytes(make_cloud(3, camera=camera), "ply")).camera.fx == camera.fx


@pytest.mark.parametrize("key", [key for key, row in FORMATS.items() if row.can_write])
def test_higher_harmonics_are_left_out_on_request_and_said(make_cloud, key):
    cloud = make_cloud(300, degree=3)
    for degree in range(min(3, FORMATS[key].max_sh_degree + 1)):
        losses = write(cloud, None, key, sh_degree=degree)
        assert [loss.count for loss in losses if loss.code == "sh_degree"] == [300]
        assert read(to_bytes(cloud, key, sh_degree=degree), key).cloud.sh_degree == degree
    assert "sh_degree" not in [loss.code for loss in write(make_cloud(3), None, key, sh_degree=3)]


@pytest.mark.parametrize("value", [-1, 4, "2"])
def test_a_degree_of_harmonics_that_does_not_exist_is_refused(make_cloud, value):
    with pytest.raises(InvalidCloudError, match="sh_degree is"):
        to_bytes(make_cloud(1), "ply", sh_degree=value)


def test_a_block_that_fails_ends_the_writing_and_leaves_no_file(tmp_path, make_cloud, monkeypatch):
    cloud = make_cloud(70_000)
    monkeypatch.setattr("immichvr_splats.formats.splat._encode", lambda block: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(cloud, tmp_path / "a.splat")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["ply", "compressed-ply", "splat", "ksplat", "spz", "sog", "glb"])
def test_bounds_of_an_opened_file_are_those_of_its_cloud(make_cloud, key):
    data = to_bytes(make_cloud(700, degree=1), key)
    low, high = read(data, key).cloud.bounds()
    assert open_cloud(data, key).bounds == (low.tolist(), high.tolist())


@pytest.mark.parametrize("key", ["ply", "compressed-ply", "ksplat", "spz", "glb"])
def test_harmonics_left_out_while_decoding_are_those_left_out_of_the_cloud(make_cloud, key):
    data = to_bytes(make_cloud(300, degree=2), key)
    for degree in (0, 1):
        file = BytesIO()
        convert(data, file, key, "ply", sh_degree=degree)
        found, wanted = read(file.getvalue()).cloud, read(data, key).cloud.with_sh_degree(degree)
        np.testing.assert_array_equal(found.sh, wanted.sh)
        np.testing.assert_array_equal(found.quaternions, wanted.quaternions)


@pytest.mark.parametrize("key", ["compressed-ply", "splat", "ksplat", "spz"])
def test_what_is_not_looked_at_twice_is_sound_and_unit_all_the_same(make_cloud, key):
    file = BytesIO()
    convert(to_bytes(make_cloud(500, degree=1), key), file, key, "ply")
    cloud = read(file.getvalue()).cloud
    assert cloud.count == 500
    norms = np.linalg.norm(cloud.quaternions.astype(np.float64), axis=1)
    np.testing.assert_allclose(norms, 1, atol=1e-6)


def test_a_splat_without_size_or_rotation_is_dropped_on_the_way_to_another_format(make_cloud):
    rows = np.frombuffer(to_bytes(make_cloud(6), "splat"), np.uint8).reshape(6, 32).copy()
    rows[1, 28:] = 128
    rows[3, 12:24].view(np.float32)[1] = -1
    rows[4, :12].view(np.float32)[2] = np.nan
    done = convert(rows.tobytes(), BytesIO(), "splat", "ply")
    assert done.count == 3
    assert [(loss.code, loss.count) for loss in done.losses] == [("dropped", 3)]
