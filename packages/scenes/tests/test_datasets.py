"""Datasets: what is written is what nerfstudio documents, what is read is bounded, and both say the same."""

from __future__ import annotations

import errno
import io
import json
import os
import struct
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import jsonschema
import numpy as np
import pytest
from immichvr_scenes import Camera, Picture
from immichvr_scenes.datasets import DatasetLimits, read_dataset, reading, unzip_dataset, write_dataset, zip_dataset
from immichvr_scenes.errors import DatasetTooLarge, InvalidDataset
from immichvr_scenes.frames import frames_of_pictures
from immichvr_scenes.testing import Room, photograph, through
from immichvr_splats.pointclouds import PointCloud, read_points
from PIL import Image, ImageFile

CAMERA = Camera(64, 48, 52.0, 53.0, 31.0, 25.0)

_NUMBER = {"type": "number"}
SCHEMA = {
    # nerfstudio, "Data conventions": intrinsics for all or for each frame; depth, masks and points as its page says.
    "type": "object",
    "required": ["camera_model", "frames"],
    "properties": {
        "camera_model": {"enum": ["OPENCV", "OPENCV_FISHEYE"]},
        "k1": _NUMBER, "k2": _NUMBER, "p1": _NUMBER, "p2": _NUMBER,
        "applied_transform": {"type": "array", "minItems": 3, "maxItems": 3,
                              "items": {"type": "array", "minItems": 4, "maxItems": 4, "items": _NUMBER}},
        "ply_file_path": {"type": "string"},
        "frames": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["file_path", "transform_matrix", "fl_x", "fl_y", "cx", "cy", "w", "h"],
                "properties": {
                    "file_path": {"type": "string", "pattern": "^images/"},
                    "mask_path": {"type": "string", "pattern": "^masks/.*\\.png$"},
                    "depth_file_path": {"type": "string", "pattern": "^depth/.*\\.npy$"},
                    "fl_x": _NUMBER, "fl_y": _NUMBER, "cx": _NUMBER, "cy": _NUMBER,
                    "w": {"type": "integer"}, "h": {"type": "integer"},
                    "transform_matrix": {"type": "array", "minItems": 4, "maxItems": 4,
                                         "items": {"type": "array", "minItems": 4, "maxItems": 4, "items": _NUMBER}},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def pictures(place: Room, tmp_path_factory: pytest.TempPathFactory) -> list[Picture]:
    taken = photograph(place, through(CAMERA, 3), tmp_path_factory.mktemp("pictures"))
    mask = np.ones((48, 64), bool)
    mask[10:20, 30:50] = False
    return [Picture(taken[0].view, taken[0].image, mask, taken[0].depth), *taken[1:]]


@pytest.fixture
def dataset(pictures: list[Picture], tmp_path: Path) -> Path:
    write_dataset(tmp_path / "set", pictures)
    return tmp_path / "set"


def changed(dataset: Path, **changes: object) -> Path:
    document = json.loads((dataset / "transforms.json").read_text())
    document.update(changes)
    (dataset / "transforms.json").write_text(json.dumps(document))
    return dataset


def test_a_dataset_is_as_nerfstudio_documents_it(pictures: list[Picture], tmp_path: Path) -> None:
    points = PointCloud(np.array([[0, -1.5, 4]], np.float32), np.array([[9, 8, 7]], np.uint8))
    document = json.loads(write_dataset(tmp_path, pictures, points).read_text())
    jsonschema.validate(document, SCHEMA)
    for frame in document["frames"]:
        assert all((tmp_path / frame[name]).is_file() for name in ("file_path", "depth_file_path"))
    mask = np.asarray(Image.open(tmp_path / document["frames"][0]["mask_path"]))
    assert mask.shape == (48, 64) and set(np.unique(mask)) == {0, 255} and mask[15, 40] == 0
    assert read_points(tmp_path / document["ply_file_path"]).cloud.points.tolist() == [[0, 4, 1.5]]


def test_as_nerfstudio_reads_it_a_pixel_lies_where_it_really_is(pictures: list[Picture], tmp_path: Path) -> None:
    """Its reader in short: rays of a camera whose y is up and whose z is backward, into a world whose z is up."""
    document = json.loads(write_dataset(tmp_path, pictures).read_text())
    for frame, picture in zip(document["frames"], pictures, strict=True):
        pose, depth = np.array(frame["transform_matrix"]), 1e-3 * np.load(tmp_path / frame["depth_file_path"])
        x = (40 + 0.5 - frame["cx"]) / frame["fl_x"]
        y = -(30 + 0.5 - frame["cy"]) / frame["fl_y"]
        point = pose @ [*(depth[30, 40] * np.array([x, y, -1])), 1]
        true = picture.view.unprojected(picture.read_depth())[30, 40]
        assert point[:3] == pytest.approx([true[0], true[2], -true[1]], abs=1e-5)
        assert pose[2, 3] > 1  # eyes are above the floor


def test_what_was_written_is_read_again(pictures: list[Picture], dataset: Path) -> None:
    for read, picture in zip(read_dataset(dataset), pictures, strict=True):
        assert read.view.camera == picture.view.camera
        assert read.view.world_to_camera == pytest.approx(picture.view.world_to_camera)
        assert np.array_equal(read.read_image(), picture.read_image())
        assert read.read_depth() == pytest.approx(picture.read_depth(), rel=1e-6)
    first, second, _ = read_dataset(dataset)
    assert np.array_equal(first.read_mask(), pictures[0].read_mask())
    assert second.read_mask() is None


def test_an_angle_of_view_and_names_without_suffix_are_read_as_in_older_datasets(dataset: Path) -> None:
    document = json.loads((dataset / "transforms.json").read_text())
    frames = [
        {"file_path": "./" + frame["file_path"].removesuffix(".png"), "transform_matrix": frame["transform_matrix"]}
        for frame in document["frames"]
    ]
    (dataset / "transforms.json").write_text(json.dumps({"camera_angle_x": 1.2, "frames": frames}))
    camera = read_dataset(dataset)[0].view.camera
    assert (camera.width, camera.height) == (64, 48)
    assert camera.fx == camera.fy == pytest.approx(32 / np.tan(0.6))


def test_what_a_lens_bent_is_straightened(dataset: Path, pictures: list[Picture]) -> None:
    bent = read_dataset(changed(dataset, k1=0.25))[1]
    straight = bent.read_image().astype(int)
    assert straight.shape == (48, 64, 3)
    middle = np.s_[20:30, 26:36]
    assert np.abs(straight[middle] - pictures[1].read_image()[middle].astype(int)).mean() < 8
    assert np.abs(straight - pictures[1].read_image()).mean() > 8
    known = bent.read_mask()
    assert known is not None and known[24, 32] and not known[0, 0]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"frames": []}, "no list of `frames`"),
        ({"frames": [3]}, "frame 0 of transforms.json is no object"),
        ({"frames": [{"file_path": "../../../etc/passwd"}]}, "leads out of the dataset"),
        ({"frames": [{"file_path": "/etc/passwd"}]}, "leads out of the dataset"),
        ({"frames": [{"file_path": 7}]}, "is no path"),
        ({"frames": [{"file_path": "images/none.png"}]}, "is not there"),
        ({"frames": [{"file_path": "\ud800.png"}]}, "cannot be looked for"),
        ({"frames": [{"file_path": "a" * 400}]}, "cannot be looked for"),
        ({"camera_model": "OPENCV_FISHEYE"}, "none of flat pictures"),
        ({"k1": "much"}, "k1 of transforms.json is no number"),
        ({"k1": 10**400}, "k1 of transforms.json is no number"),
        ({"is_fisheye": True}, "fisheye"),
    ],
)
def test_what_is_wrong_with_a_dataset_is_said(dataset: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidDataset, match=says):
        read_dataset(changed(dataset, **changes))


@pytest.mark.parametrize("wrong", [{"fl_x": 5e-324}, {"fl_y": 1e300}, {"fl_x": -52.0}, {"cx": 1e308}, {"cy": -1e4}])
def test_a_camera_of_no_lens_that_there_is_is_refused(dataset: Path, wrong: dict[str, float]) -> None:
    frames = json.loads((dataset / "transforms.json").read_text())["frames"]
    frames[1] |= wrong
    with pytest.raises(InvalidDataset, match=r"the camera of frame_00002\.png is none"):
        read_dataset(changed(dataset, frames=frames))


@pytest.mark.parametrize("k1", [0.0, 0.01])
def test_a_picture_that_was_turned_since_its_camera_was_found_is_left_out_whatever_its_lens(
    dataset: Path, tmp_path: Path, k1: float
) -> None:
    with Image.open(dataset / "images/frame_00002.png") as image:
        image.rotate(90, expand=True).save(dataset / "images/frame_00002.png")
    frames, posed = frames_of_pictures(read_dataset(changed(dataset, k1=k1)), tmp_path / "frames")
    assert [(one.name, one.code) for one in frames.dropped] == [("images/frame_00002.png", "invalid_dataset")]
    assert len(posed) == 2


@pytest.mark.parametrize("k1", [0.0, 0.01])
@pytest.mark.parametrize(
    ("beside", "says"),
    [
        ("masks/frame_00001.png", "its mask has 48 x 64 pixels, and its camera 64 x 48"),
        ("depth/frame_00001.npy", "its depth map has 48 x 64 pixels, and its camera 64 x 48"),
    ],
)
def test_a_picture_with_a_mask_or_depth_of_another_shape_than_its_camera_is_left_out_whatever_its_lens(
    dataset: Path, tmp_path: Path, beside: str, says: str, k1: float
) -> None:
    path = dataset / beside
    if path.suffix == ".npy":
        np.save(path, np.ones((64, 48), np.float32))
    else:
        Image.new("L", (48, 64), 255).save(path)
    frames, posed = frames_of_pictures(read_dataset(changed(dataset, k1=k1)), tmp_path / "frames")
    [left_out] = frames.dropped
    assert (left_out.name, left_out.code) == ("images/frame_00001.png", "invalid_dataset")
    assert says in left_out.reason
    assert len(posed) == 2


def png(width: int = 64, height: int = 48) -> bytes:
    """A depth map that says that it is of this size, and has 64 x 48 pixels."""
    held = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 2000, (48, 64), np.uint16)).save(held, "PNG")
    chunk = b"IHDR" + struct.pack(">II", width, height) + held.getvalue()[24:29]
    return held.getvalue()[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + held.getvalue()[33:]


def npy(header: str) -> bytes:
    """An .npy file with this header."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(4096)


UNREADABLE = {
    "a mask": ("masks/frame_00001.png", b"neither"),
    "a PNG": ("depth/frame_00001.png", b"neither"),
    "a PNG cut off": ("depth/frame_00001.png", png()[:2000]),
    "a PNG cut off in its header": ("depth/frame_00001.png", png()[:20]),
    "a PNG whose data is broken": ("depth/frame_00001.png", png()[:60] + bytes(200) + png()[260:]),
    "a PNG that says it is large": ("depth/frame_00001.png", png(14_000, 13_500)),
    "a PNG that says it is huge": ("depth/frame_00001.png", png(2**31 - 1, 2**31 - 1)),
    "an array": ("depth/frame_00001.npy", b"neither"),
    "a ZIP": ("depth/frame_00001.npy", b"PK\x03\x04neither"),
    "an array whose header is cut off": ("depth/frame_00001.npy", npy("{'descr': '<f4', 'shape': (48,")),
    "an array whose header is deep": ("depth/frame_00001.npy", npy("-" * 9000 + "1")),
    "an array that says it is huge": (
        "depth/frame_00001.npy",
        npy(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({10**30}, 64)}}"),
    ),
    "an array of less than nothing": (
        "depth/frame_00001.npy",
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-48, 64)}"),
    ),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("beside", "data"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_picture_with_a_mask_or_depth_that_cannot_be_read_is_left_out(
    dataset: Path, tmp_path: Path, beside: str, data: bytes
) -> None:
    (dataset / beside).write_bytes(data)
    frames = json.loads((dataset / "transforms.json").read_text())["frames"]
    if beside.startswith("depth"):
        frames[0]["depth_file_path"] = beside
    taken, posed = frames_of_pictures(read_dataset(changed(dataset, frames=frames)), tmp_path / "frames")
    assert [one.name for one in taken.dropped] == ["images/frame_00001.png"]
    assert len(posed) == 2


@pytest.mark.parametrize("beside", ["depth/frame_00001.png", "depth/frame_00001.npy"])
def test_a_disk_that_fails_is_not_taken_for_a_broken_depth_map(
    dataset: Path, tmp_path: Path, beside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> NoReturn:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    (dataset / beside).write_bytes(png())
    frames = json.loads((dataset / "transforms.json").read_text())["frames"]
    frames[0]["depth_file_path"] = beside
    pictures = read_dataset(changed(dataset, frames=frames))
    monkeypatch.setattr(np, "load", fails)
    monkeypatch.setattr(ImageFile.ImageFile, "load", fails)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        pictures[0].read_depth()


def test_what_else_is_said_of_all_pictures_is_not_gone_through_for_each(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    picture = reading._picture

    def seen(folder: Path, number: int, one: Mapping[str, object]) -> Picture:
        told.append(len(one))
        return picture(folder, number, one)

    monkeypatch.setattr(reading, "_picture", seen)
    read_dataset(changed(dataset, **{f"told {number}": 0 for number in range(10_000)}))
    assert len(told) == 3 and max(told) < 30


def test_a_mask_and_depth_of_another_size_but_of_the_same_shape_are_read(dataset: Path, tmp_path: Path) -> None:
    Image.new("L", (33, 25), 255).save(dataset / "masks/frame_00001.png")
    np.save(dataset / "depth/frame_00001.npy", np.full((12, 16), 2000, np.float32))
    frames, posed = frames_of_pictures(read_dataset(dataset), tmp_path / "frames")
    assert frames.dropped == ()
    mask, depth = posed[0].read_mask(), posed[0].read_depth()
    assert mask is not None and mask.shape == (48, 64)
    assert depth == pytest.approx(np.full((48, 64), 2.0))


@pytest.mark.parametrize(
    "matrix",
    [
        [[10**400, 0, 0, 0]] * 4,
        None,
        [[1, 2], [3, 4]],
        np.zeros((4, 4)).tolist(),
        np.diag([1, 2, 3, 1.0]).tolist(),
        [[1, 0, 0, 1e7], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
        [[1, 0, 0, 1e308], [0, 1, 0, 1e308], [0, 0, 1, 0], [0, 0, 0, 1]],
    ],
)
def test_a_pose_that_is_none_is_refused(dataset: Path, matrix: object) -> None:
    frames = json.loads((dataset / "transforms.json").read_text())["frames"]
    frames[1]["transform_matrix"] = matrix
    with pytest.raises(InvalidDataset, match="frame 1 is no pose"):
        read_dataset(changed(dataset, frames=frames))


def test_a_picture_is_taken_as_its_pixels_are_stored_whatever_its_exif_says(
    dataset: Path, pictures: list[Picture]
) -> None:
    rgb = pictures[1].read_image()
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(rgb).save(dataset / "images/frame_00002.png", exif=exif)
        assert np.array_equal(read_dataset(dataset)[1].read_image(), rgb)


def test_a_mask_is_known_wherever_it_is_not_black_and_depth_may_be_a_png_in_thousandths(dataset: Path) -> None:
    mask = np.zeros((48, 64), np.uint8)
    mask[:10] = 1
    Image.fromarray(mask).save(dataset / "masks/frame_00001.png")
    Image.fromarray(np.full((48, 64), 2500, np.uint16)).save(dataset / "depth/frame_00002.png")
    frames = json.loads((dataset / "transforms.json").read_text())["frames"]
    frames[1]["depth_file_path"] = "depth/frame_00002.png"
    first, second, _ = read_dataset(changed(dataset, frames=frames))
    assert np.array_equal(first.read_mask(), mask > 0)
    assert second.read_depth() == pytest.approx(np.full((48, 64), 2.5), rel=1e-6)
    (dataset / "depth/frame_00002.exr").write_bytes(b"v/1")
    frames[1]["depth_file_path"] = "depth/frame_00002.exr"
    with pytest.raises(InvalidDataset, match="no depth map"):
        read_dataset(changed(dataset, frames=frames))


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_read(dataset: Path) -> None:
    frames = json.loads((dataset / "transforms.json").read_text())["frames"]
    frames[0] |= {"w": 90_000, "h": 90_000}
    with pytest.raises(DatasetTooLarge, match="90000 x 90000"):
        read_dataset(changed(dataset, frames=frames))


def test_what_leads_out_of_a_dataset_by_a_link_is_refused(dataset: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret.png"
    Image.new("RGB", (64, 48)).save(outside)
    (dataset / "images/link.png").symlink_to(outside)
    frames = json.loads((dataset / "transforms.json").read_text())["frames"]
    for named in ("images/link.png", "images/link"):
        frames[0]["file_path"] = named
        with pytest.raises(InvalidDataset, match="leads out"):
            read_dataset(changed(dataset, frames=frames))


def test_more_frames_or_a_larger_file_than_allowed_are_refused(dataset: Path) -> None:
    with pytest.raises(DatasetTooLarge, match="3 frames; 2 at most"):
        read_dataset(dataset, DatasetLimits(frames=2))
    with pytest.raises(DatasetTooLarge):
        read_dataset(dataset, DatasetLimits(json_bytes=100))
    (dataset / "transforms.json").write_text("[" * 100_000)
    with pytest.raises(InvalidDataset, match="no JSON"):
        read_dataset(dataset)


def test_an_archive_holds_the_dataset_and_is_the_same_each_time(dataset: Path, tmp_path: Path) -> None:
    first, second = zip_dataset(dataset, tmp_path / "a.zip"), zip_dataset(dataset, tmp_path / "b.zip")
    assert first.read_bytes() == second.read_bytes()
    found = unzip_dataset(first, tmp_path / "out")
    assert len(read_dataset(found)) == 3
    assert not list(tmp_path.glob(".*partial"))


def archive(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return path


@pytest.mark.parametrize("name", ["../out.json", "/abs.json", "a/../../b.png", "..\\out.json", "c:evil.json"])
def test_an_archive_that_writes_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset, match="no plain file within it"):
        unzip_dataset(archive(tmp_path / "a.zip", **{name: b"{}"}), tmp_path / "in")
    assert not list(tmp_path.rglob("*.json"))


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("images/a.png")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        opened.writestr(entry, "/etc/passwd")
    with pytest.raises(InvalidDataset, match="no plain file within it"):
        unzip_dataset(tmp_path / "a.zip", tmp_path / "in")


def test_an_archive_that_grows_is_stopped_at_the_limit(tmp_path: Path) -> None:
    bomb = archive(tmp_path / "a.zip", **{"transforms.json": b"{}", "a.png": bytes(30_000_000)})
    assert bomb.stat().st_size < 100_000
    with pytest.raises(DatasetTooLarge, match="unpacked, the archive has more"):
        unzip_dataset(bomb, tmp_path / "in", DatasetLimits(bytes=5_000_000))
    assert sum(path.stat().st_size for path in (tmp_path / "in").rglob("*") if path.is_file()) <= 5_000_000
    with pytest.raises(DatasetTooLarge, match="2 files; 1 at most"):
        unzip_dataset(bomb, tmp_path / "more", DatasetLimits(files=1))


def test_an_archive_with_a_name_twice_or_packed_otherwise_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("transforms.json", "transforms.json"):
            opened.writestr(name, b"{}")
    with pytest.raises(InvalidDataset, match="two files of one name"):
        unzip_dataset(tmp_path / "a.zip", tmp_path / "in")
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_LZMA) as opened:
        opened.writestr("transforms.json", b"{}")
    with pytest.raises(InvalidDataset, match="ordinary zip"):
        unzip_dataset(tmp_path / "b.zip", tmp_path / "out")


def test_a_list_of_files_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        for number in range(40):
            entry = zipfile.ZipInfo(f"{number}.png")
            entry.comment = b"x" * 60_000
            opened.writestr(entry, b"")
    with pytest.raises(DatasetTooLarge, match="list of files"):
        unzip_dataset(tmp_path / "a.zip", tmp_path / "in", DatasetLimits(files=50))


def test_what_is_no_archive_or_has_no_cameras_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 but not really")
    with pytest.raises(InvalidDataset, match="no zip archive"):
        unzip_dataset(tmp_path / "a.zip", tmp_path / "in")
    with pytest.raises(InvalidDataset, match="the archive has no transforms"):
        unzip_dataset(archive(tmp_path / "b.zip", **{"a.png": b"", "run.sh": b"rm"}), tmp_path / "in")
    assert not list(tmp_path.rglob("run.sh"))
