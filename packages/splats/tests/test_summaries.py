"""What files say of themselves, found before they are read."""

import json
import struct
from pathlib import Path

import pytest
from immichvr_splats import LimitExceededError, Summary, read, summary, to_bytes, write


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("spz", {"version": 2}),
        ("spz", {"version": 3}),
        ("spz", {"version": 4}),
        ("sog", {}),
        ("glb", {}),
        ("glb", {"encoding": "quantised"}),
    ],
)
def test_what_a_file_holds_is_known_before_it_is_unpacked(make_cloud, tmp_path: Path, key, options) -> None:
    write(make_cloud(70, degree=2), tmp_path / "a", key, **options)
    told = summary(tmp_path / "a", key)
    assert told is not None
    assert (told.gaussians, told.sh_degree) == (70, 2)
    assert told.memory > 0
    whole = (tmp_path / "a").read_bytes()
    for size in (0, 3, 10, len(whole) // 2):
        (tmp_path / "cut").write_bytes(whole[:size])
        assert summary(tmp_path / "cut", key) in (None, told)


def test_a_ply_says_what_turning_its_numbers_takes(make_cloud, tmp_path: Path) -> None:
    plain = to_bytes(make_cloud(70, degree=1), "ply")
    columns = plain.count(b"property float")
    for name, changed, memory in (
        ("plain", plain, None),
        ("ascii", plain.replace(b"binary_little_endian", b"ascii"), 70 * 4 * columns + len(plain) - 15),
        ("big endian", plain.replace(b"little", b"big"), 70 * 4 * columns),
        ("doubles", plain.replace(b"property float x", b"property double x"), 70 * 4 * columns),
        (
            "comments",
            plain.replace(b"float x", b"double x").replace(b"element", b"comment " + b"x" * 99_999 + b"\nelement", 1),
            70 * 4 * columns,
        ),
    ):
        (tmp_path / "a.ply").write_bytes(changed)
        told = summary(tmp_path / "a.ply", "ply")
        assert told == (None if memory is None else Summary(70, 1, memory)), name
    (tmp_path / "a.ply").write_bytes(b"ply\nformat ascii 1.0\nelement vertex 9")
    assert summary(tmp_path / "a.ply", "ply") is None


@pytest.mark.parametrize("key", ["ply", "compressed-ply", "splat", "ksplat"])
def test_what_is_read_in_place_takes_no_memory_before_it_is_written(make_cloud, tmp_path: Path, key) -> None:
    write(make_cloud(70), tmp_path / "a", key)
    assert summary(tmp_path / "a", key) is None


def test_a_compressed_ply_is_read_in_place_whatever_it_is_said_to_be(make_cloud, tmp_path: Path) -> None:
    write(make_cloud(70), tmp_path / "a.ply", "compressed-ply")
    assert summary(tmp_path / "a.ply", "ply") is None


def test_a_glb_says_how_many_gaussians_its_scene_shows_and_not_how_many_it_holds(make_cloud, tmp_path: Path) -> None:
    whole = to_bytes(make_cloud(70), "glb")
    (tmp_path / "twice.glb").write_bytes(_shown_twice(whole))
    told = summary(tmp_path / "twice.glb", "glb")
    assert told is not None
    assert told.gaussians == read(tmp_path / "twice.glb").cloud.count == 140


def _shown_twice(glb: bytes) -> bytes:
    size = int.from_bytes(glb[12:16], "little")
    root = json.loads(glb[20 : 20 + size])
    root["nodes"].append(root["nodes"][0])
    root["scenes"][0]["nodes"] = [0, 1]
    text = json.dumps(root).encode()
    text += b" " * (-len(text) % 4)
    rest = glb[20 + size :]
    length = (20 + len(text) + len(rest)).to_bytes(4, "little")
    return glb[:8] + length + len(text).to_bytes(4, "little") + b"JSON" + text + rest


def test_a_glb_of_more_gaussians_than_anybody_reads_is_known_by_its_head_and_refused_when_read(
    make_cloud, tmp_path: Path
) -> None:
    whole = to_bytes(make_cloud(1), "glb")
    size = struct.unpack_from("<I", whole, 12)[0]
    root = json.loads(whole[20 : 20 + size])
    for accessor in root["accessors"]:
        accessor["count"] = 3_000_000_000
    text = json.dumps(root).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text + whole[20 + size :]
    (tmp_path / "a.glb").write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body)
    told = summary(tmp_path / "a.glb", "glb")
    assert told is not None
    assert told.gaussians == 3_000_000_000
    with pytest.raises(LimitExceededError):
        read(tmp_path / "a.glb")
