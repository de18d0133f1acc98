"""Files that are named as one thing and are another, and axes that are told on reading."""

from dataclasses import replace

import numpy as np
import pytest
from immichvr_splats import (
    InvalidCloudError,
    MalformedFileError,
    UnknownFormatError,
    UnsupportedFileError,
    read,
    to_bytes,
    write,
)
from immichvr_splats.strangers import what_it_is


@pytest.mark.parametrize("key", ["spz", "ply", "glb", "sog"])
@pytest.mark.parametrize("name", ["cloud.splat", "cloud.ply", "cloud.spz", "cloud.ksplat"])
def test_a_file_of_another_format_than_its_name_says_is_read_as_what_it_is(make_cloud, tmp_path, key, name):
    (tmp_path / name).write_bytes(to_bytes(make_cloud(5), key, **({"version": 4} if key == "spz" else {})))
    result = read(tmp_path / name)
    assert (result.format, result.cloud.count) == (key, 5)
    misnamed = not name.endswith(f".{key}")
    assert [loss.code for loss in result.losses] == (["guessed"] if misnamed else [])


@pytest.mark.parametrize(("begin", "words"), [
    (b"\xff\xd8\xff\xe1", "JPEG, a picture"), (b"\x89PNG\r\n\x1a\n", "PNG, a picture"),
    (b"RIFF\0\0\0\0WEBPVP8 ", "WebP"), (b"\0\0\0\x18ftypheic", "HEIC"), (b"LASF", "LAS or LAZ, a point cloud"),
    (b"ASTM-E57", "E57, a point cloud"), (b"7z\xbc\xaf\x27\x1c", "unpack it"), (b"RAD0", "Spark"),
    (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"), (b" \n<!DOCTYPE html>", "a web page"),
    (b'{"asset": {}}', "JSON"),
])  # fmt: skip
def test_files_of_another_kind_are_called_what_they_are(tmp_path, begin, words):
    assert words in what_it_is(begin)
    (tmp_path / "cloud.ply").write_bytes(begin + bytes(99))
    for source in (begin + bytes(99), tmp_path / "cloud.ply"):
        with pytest.raises(UnsupportedFileError, match=words):
            read(source)


@pytest.mark.parametrize(("begin", "words"), [
    (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG, a picture"), (b"\x89PNG\r\n\x1a\n", "PNG, a picture"),
    (b"<!DOCTYPE html><html><head><title>404", "a web page"), (b'{"version": 2, "count": 12, "means":', "JSON"),
    (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"), (b"BZh91AY&SY", "bzip2"), (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"), (b"\x93NUMPY", "NumPy"),
])  # fmt: skip
@pytest.mark.parametrize("name", ["a.splat", "a.ksplat"])
def test_what_is_named_as_a_format_of_bare_numbers_is_called_what_it_is(tmp_path, begin, words, name):
    (tmp_path / name).write_bytes((begin + b" " * 64 + bytes(8192))[:8192])
    with pytest.raises(UnsupportedFileError, match=words):
        read(tmp_path / name)


@pytest.mark.parametrize("key", ["splat", "ksplat"])
def test_a_file_of_another_format_is_not_read_as_bare_numbers(make_cloud, key):
    for other in ("ply", "sog", "glb"):
        data = to_bytes(make_cloud(400), other)
        with pytest.raises(UnsupportedFileError, match=f"given as {key}, but its first bytes are those of {other}"):
            read(data[: len(data) // 32 * 32], key)


def test_bytes_that_tell_nothing_stay_what_their_name_says(make_cloud, tmp_path):
    data = to_bytes(make_cloud(3), "splat")
    for begin in (b"\xff\xd8\xff\x3f", b"\x1f\x8b\x08\x40", b"{\0\0\x3f"):
        (tmp_path / "a.splat").write_bytes(begin + data[4:])
        assert read(tmp_path / "a.splat").format == "splat"
    (tmp_path / "a.splat").write_bytes(b"\1\2\3")
    with pytest.raises(MalformedFileError):
        read(tmp_path / "a.splat")


@pytest.mark.parametrize("key", ["ply", "splat", "ksplat", "compressed-ply", "sog", "spz"])
def test_the_axes_of_any_file_can_be_told_on_reading(make_cloud, camera, key):
    cloud = make_cloud(40, camera=camera if key == "ply" else None)
    data = to_bytes(cloud, key)
    plain, turned = read(data, key).cloud, read(data, key, frame="rub").cloud
    np.testing.assert_array_equal(turned.means, plain.means * [1, -1, -1])
    for frame, order in (("rfu", [0, 2, 1]), ("rdf", [0, 1, 2])):
        means = np.abs(read(data, key, frame=frame).cloud.means)
        np.testing.assert_allclose(means, np.abs(plain.means)[:, order], rtol=1e-5, atol=1e-6)
    with pytest.raises(InvalidCloudError, match="frame is 'up'"):
        read(data, key, frame="up")


def test_a_camera_sees_the_same_after_its_clouds_axes_were_told(make_cloud, camera):
    extrinsic = np.eye(4)
    extrinsic[:3, 3] = [1, 2, 3]
    cloud = make_cloud(10, camera=replace(camera, extrinsic=extrinsic))
    turned = read(to_bytes(cloud, "ply"), frame="rub").cloud
    seen = turned.means @ turned.camera.extrinsic[:3, :3].T + turned.camera.extrinsic[:3, 3]
    np.testing.assert_allclose(seen, cloud.means + np.array([1, 2, 3]), atol=1e-5)


def test_glb_says_itself_what_its_axes_are(make_cloud):
    with pytest.raises(InvalidCloudError, match="glb says itself"):
        read(to_bytes(make_cloud(2), "glb"), frame="rub")


def test_a_folder_is_read_where_a_file_is(make_cloud, tmp_path):
    from immichvr_splats import convert, write_sog_folder

    write_sog_folder(make_cloud(30), tmp_path / "scene")
    for source in (tmp_path / "scene", tmp_path / "scene/meta.json"):
        assert convert(source, tmp_path / "a.ply").count == 30
    assert write(read(tmp_path / "scene").cloud, None, "ply") == []


def test_a_file_without_a_known_extension_is_told_by_its_bytes(make_cloud, tmp_path):
    for key in ("spz", "sog", "glb", "ply"):
        (tmp_path / "scene.zip").write_bytes(to_bytes(make_cloud(5), key))
        assert read(tmp_path / "scene.zip").format == key
    (tmp_path / "scene.las").write_bytes(b"LASF" + bytes(99))
    with pytest.raises(UnsupportedFileError, match="LAS or LAZ"):
        read(tmp_path / "scene.las")
    (tmp_path / "scene.bin").write_bytes(bytes(99))
    with pytest.raises(UnknownFormatError, match="the extension tells no splat format"):
        read(tmp_path / "scene.bin")
