"""What one file becomes: nothing but files here."""

import gzip
import io
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import immichvr_splats
import immichvr_splats.stream
import numpy as np
import pytest
from immichvr.converter.v1.converter_pb2 import ConvertParams
from immichvr_catalog import format_options
from immichvr_common.errors import InvalidRequest
from immichvr_common.tasks import Task
from immichvr_converter.conversion.admission import MemoryBudget
from immichvr_converter.conversion.errors import InvalidSplat, TooLarge, UnsupportedFormat
from immichvr_converter.conversion.files import Converted, convert
from immichvr_converter.conversion.formats import tell_format
from immichvr_converter.conversion.targets import choose_target, choose_targets
from immichvr_converter.jobs import perform
from immichvr_splats import LIGHT_BYTES, Camera, ReadLimits, read, to_bytes, write, write_sog_folder


@pytest.fixture
def converted(tmp_path: Path):
    """Converts a file as a job would, with the stages it went through."""

    def run(
        source: Path, to_format: str, variant: str = "", from_format: str = "", options=None, count=None, **limits: int
    ) -> Converted:
        folder = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        format = tell_format(source, from_format)
        targets = [choose_target(to_format, variant, options, count)]
        [made] = convert(source, format, targets, folder, ReadLimits(**limits), budget, stages.append)
        return made

    budget = MemoryBudget(2**30, tmp_path / "memory")
    stages: list[str] = []
    run.stages = stages
    return run


def test_a_cloud_keeps_its_gaussians_from_ply_to_spz_to_splat_to_ply(make_cloud, converted, tmp_path: Path) -> None:
    cloud = make_cloud(2000)
    write(cloud, tmp_path / "a.ply")
    spz = converted(tmp_path / "a.ply", "spz")
    splat = converted(spz.path, "splat")
    ply = converted(splat.path, "ply", from_format="splat")
    assert [one.path.name for one in (spz, splat, ply)] == ["splat.spz", "splat.splat", "splat.ply"]
    back = read(ply.path).cloud
    np.testing.assert_allclose(back.means, cloud.means, atol=2**-12)
    np.testing.assert_allclose(back.log_scales, cloud.log_scales, atol=1 / 16)
    np.testing.assert_allclose(back.sh[:, 0], cloud.sh[:, 0], atol=0.05)
    unit = cloud.quaternions / np.linalg.norm(cloud.quaternions, axis=1, keepdims=True)
    assert np.abs((back.quaternions * unit).sum(axis=1)).min() > 0.999


def test_what_the_new_format_cannot_hold_is_told(make_cloud, converted, tmp_path: Path) -> None:
    write(make_cloud(50, degree=2), tmp_path / "many_colours.ply")
    write(make_cloud(50, camera=True), tmp_path / "photo.ply")
    assert [loss.what for loss in converted(tmp_path / "many_colours.ply", "splat").losses] == ["sh_degree"]
    assert [loss.what for loss in converted(tmp_path / "photo.ply", "splat").losses] == ["camera"]


def test_progress_names_the_stages_in_order(make_cloud, converted, tmp_path: Path) -> None:
    write(make_cloud(10), tmp_path / "a.ply")
    converted(tmp_path / "a.ply", "spz")
    assert converted.stages == ["decoded", "packed"]


def test_the_light_variant_of_a_large_cloud_has_at_most_five_megabytes(make_cloud, converted, tmp_path: Path) -> None:
    write(make_cloud(400_000, camera=True), tmp_path / "a.ply")
    light = converted(tmp_path / "a.ply", "spz", "light")
    assert light.path.name == "splat.light.spz"
    assert light.path.stat().st_size <= LIGHT_BYTES
    assert read(light.path).cloud.count == light.gaussians <= 200_000
    assert [loss.count for loss in light.losses if loss.what == "level_of_detail"] == [400_000 - light.gaussians]


def test_the_light_variant_of_a_small_cloud_is_half_of_it(make_cloud, converted, tmp_path: Path) -> None:
    write(make_cloud(100), tmp_path / "a.ply")
    light = converted(tmp_path / "a.ply", "", "light")
    assert (light.path.name, light.gaussians) == ("splat.light.spz", 50)
    assert [(loss.what, loss.count) for loss in light.losses] == [("level_of_detail", 50)]


def hostile_files(cloud, folder: Path) -> dict[str, bytes]:
    write(cloud, folder / "good.ply")
    write(cloud, folder / "good.spz")
    ply, spz = (folder / "good.ply").read_bytes(), (folder / "good.spz").read_bytes()
    header = struct.pack("<IIIBBBB", 0x5053474E, 3, 2**32 - 1, 3, 12, 0, 0)
    return {
        "empty": b"",
        "bytes that tell nothing": b"\x01\x02\x03\x04" + bytes(100),
        "a header that promises more": ply.replace(b"vertex 300", b"vertex 999999"),
        "a missing property": ply.replace(b"property float opacity\n", b""),
        "a cut PLY": ply[:-100],
        "a cut SPZ": spz[:-100],
        "an SPZ that promises a bomb": gzip.compress(header),
        "a gzip of something else": gzip.compress(b"hello" * 100),
        "a header without end": b"ply\n" + b"comment x\n" * 100_000,
    }


def test_a_hostile_file_is_invalid_splat_or_too_large_with_a_reason(make_cloud, converted, tmp_path: Path) -> None:
    for name, data in hostile_files(make_cloud(300), tmp_path).items():
        path = tmp_path / "hostile"
        path.write_bytes(data)
        with pytest.raises((InvalidSplat, TooLarge)) as refusal:
            converted(path, "spz")
        assert refusal.value.code == ("too_large" if "bomb" in name else "invalid_splat"), name
        assert len(str(refusal.value)) > 20, name


def other_files(ply: bytes) -> dict[str, tuple[bytes, str]]:
    """Sound files of something else, and what is said of them."""
    points = b"ply\nformat ascii 1.0\nelement vertex 1\n" + b"".join(b"property float %c\n" % axis for axis in b"xyz")
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("scene/point_cloud.ply", ply)
    root = b'{"asset":{"version":"2.0"},"extensionsRequired":["KHR_spz_gaussian_splats_compression"]} '
    glb = struct.pack("<4sIII4s", b"glTF", 2, 20 + len(root), len(root), b"JSON") + root
    return {
        "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG, a picture"),
        "a point cloud": (points + b"end_header\n0 0 0\n", "a point cloud"),
        "a mesh": (points + b"element face 1\nproperty list uchar int i\nend_header\n0 0 0\n0\n", "a mesh"),
        "a zip of a splat": (zipped.getvalue(), "a zip of scene/point_cloud.ply, not a SOG"),
        "a draft of glTF": (glb, "KHR_spz_gaussian_splats_compression"),
        "a pointer": (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    }


def test_a_sound_file_of_something_else_is_unsupported_format_and_called_what_it_is(
    make_cloud, converted, tmp_path: Path
) -> None:
    for name, (data, words) in other_files(to_bytes(make_cloud(3), "ply")).items():
        path = tmp_path / "other"
        path.write_bytes(data)
        with pytest.raises(UnsupportedFormat, match=words) as refusal:
            converted(path, "spz")
        assert refusal.value.code == "unsupported_format", name


def test_the_axes_of_the_source_can_be_told(make_cloud, tmp_path: Path) -> None:
    write(make_cloud(300), tmp_path / "rub.spz", frame="rub")
    budget = MemoryBudget(2**30, tmp_path / "memory")
    targets = [choose_target("ply", "")]
    source = tmp_path / "rub.spz"
    [made] = convert(source, "spz", targets, tmp_path, ReadLimits(), budget, lambda _: None, "rub")
    np.testing.assert_allclose(read(made.path).cloud.means, make_cloud(300).means, atol=2**-12)
    with pytest.raises(UnsupportedFormat, match="frame is 'odd'"):
        convert(source, "spz", targets, tmp_path, ReadLimits(), budget, lambda _: None, "odd")


def test_a_file_with_not_one_finite_gaussian_is_invalid_splat(make_cloud, converted, tmp_path: Path) -> None:
    cloud = make_cloud(5)
    write(cloud, tmp_path / "a.splat")
    rows = np.frombuffer((tmp_path / "a.splat").read_bytes(), np.uint8).reshape(5, 32).copy()
    rows[:, :4] = np.frombuffer(np.float32(np.nan).tobytes(), np.uint8)
    (tmp_path / "a.splat").write_bytes(rows.tobytes())
    with pytest.raises(InvalidSplat, match=r"no Gaussians.*5 with non-finite means"):
        converted(tmp_path / "a.splat", "spz", from_format="splat")


@pytest.mark.parametrize("limits", [{"max_points": 299}, {"max_bytes": 1000}])
def test_a_file_beyond_the_limits_is_too_large(make_cloud, converted, tmp_path: Path, limits) -> None:
    write(make_cloud(300), tmp_path / "a.ply")
    with pytest.raises(TooLarge, match="limit is"):
        converted(tmp_path / "a.ply", "spz", **limits)


@pytest.mark.parametrize(
    ("to_format", "variant", "words"),
    [
        ("obj", "", "one of .*splat, spz"),
        ("", "", "one of .*splat, spz"),
        ("spz", "tiny", "full, light"),
        ("ply", "light", "spz"),
    ],
)
def test_what_cannot_be_made_is_refused_naming_what_can(to_format: str, variant: str, words: str) -> None:
    with pytest.raises(UnsupportedFormat, match=words):
        choose_target(to_format, variant)


def test_options_reach_the_writer(make_cloud, converted, tmp_path: Path) -> None:
    write(make_cloud(50, degree=3), tmp_path / "a.ply")
    old = converted(tmp_path / "a.ply", "spz", options={"spz_version": 2, "sh_degree": 1})
    assert int.from_bytes(gzip.decompress(old.path.read_bytes())[4:8], "little") == 2
    assert read(old.path).cloud.sh_degree == 1
    assert [loss.what for loss in old.losses] == ["sh_degree"]
    fewer = converted(tmp_path / "a.ply", "ksplat", options={"ksplat_level": 0}, count=20)
    assert (fewer.gaussians, read(fewer.path).cloud.count, fewer.path.name) == (20, 20, "splat.lod-20.ksplat")
    assert ("level_of_detail", 30) in [(loss.what, loss.count) for loss in fewer.losses]


@pytest.mark.parametrize(
    ("to_formats", "variant", "options", "words"),
    [
        (["ply"], "", {"spz_version": 2}, "no option spz_version .*ply takes sh_degree, ply_layout"),
        (["ply", "sog"], "", {"ksplat_level": 2}, "ply takes .*; sog takes sh_degree, order"),
        (["spz"], "light", {"spz_version": 2}, "light variant takes no options"),
    ],
)
def test_an_option_that_no_format_has_is_refused_naming_what_there_is(to_formats, variant, options, words) -> None:
    with pytest.raises(UnsupportedFormat, match=words):
        choose_targets(to_formats, variant, options)


@pytest.mark.parametrize("options", [{"spz_version": 9}, {"frame": "xyz"}, {"order": "size"}, {"sh_degree": 4}])
def test_a_value_that_an_option_does_not_take_is_refused_naming_those_it_does(
    make_cloud, converted, tmp_path: Path, options
) -> None:
    write(make_cloud(5), tmp_path / "a.ply")
    with pytest.raises(UnsupportedFormat, match=r"takes one of|from 0 to 3"):
        converted(tmp_path / "a.ply", "spz", options=options)


def test_several_formats_of_one_file_come_from_one_read_and_one_sort(make_cloud, tmp_path: Path, monkeypatch) -> None:
    write(make_cloud(500, degree=1), tmp_path / "a.ply")
    opened, sorted_ = [], []
    real_open, real_sort = immichvr_splats.open_cloud, immichvr_splats.stream.morton_order_of_blocks
    monkeypatch.setattr(immichvr_splats, "open_cloud", lambda *args: opened.append(args) or real_open(*args))
    monkeypatch.setattr(
        immichvr_splats.stream, "morton_order_of_blocks", lambda *args: sorted_.append(args) or real_sort(*args)
    )
    targets = choose_targets(["sog", "compressed-ply", "spz", "spz"], "", {"order": "morton", "spz_version": 4})
    budget = MemoryBudget(2**30, tmp_path / "memory")
    made = convert(tmp_path / "a.ply", "ply", targets, tmp_path, ReadLimits(), budget, lambda _: None)
    assert [one.path.name for one in made] == ["splat.sog", "splat.compressed.ply", "splat.spz"]
    assert {read(one.path).cloud.count for one in made} == {500}
    assert (len(opened), len(sorted_)) == (1, 1)


def test_the_first_bytes_tell_more_than_the_name(make_cloud, tmp_path: Path) -> None:
    write(make_cloud(3), tmp_path / "input", "spz")
    assert tell_format(tmp_path / "input", name="scene.ply") == "spz"
    write(make_cloud(3), tmp_path / "input", "splat")
    assert tell_format(tmp_path / "input", name="scene.SPLAT") == "splat"
    with pytest.raises(UnsupportedFormat, match=r"one of .*splat, spz"):
        tell_format(tmp_path / "input", "obj")


@pytest.mark.parametrize("key", ["ply", "spz"])
def test_what_is_made_of_the_spz_says_so_and_what_is_made_of_the_raw_ply_does_not(make_cloud, tmp_path, key) -> None:
    (tmp_path / "splat").write_bytes(to_bytes(make_cloud(40), key))
    for kind, params in (("convert", {"toFormat": "ksplat"}), ("lod", {"levels": ["preview"]})):
        out = tmp_path / kind
        out.mkdir()
        task = Task(kind, {"modelKey": "m", "fromFormat": key, **params}, {"splat": tmp_path / "splat"}, out)
        [made] = perform(task, lambda *_: None)
        told = [loss for loss in made.losses if "made from the SPZ" in loss]
        assert len(told) == (len(made.files) if key == "spz" else 0)


@pytest.mark.parametrize(
    ("kind", "params", "count"),
    [
        ("convert", {"toFormat": "spz", "variant": "light"}, 150),
        ("convert", {"toFormat": "spz", "lodCount": 90}, 90),
        ("lod", {"counts": [90]}, 90),
    ],
)
def test_what_is_merged_of_an_spz_looks_like_it_from_the_camera_that_is_told(
    make_cloud, tmp_path: Path, kind: str, params: dict[str, object], count: int
) -> None:
    write(make_cloud(300), tmp_path / "splat.spz")
    camera = {"fx": 900.0, "fy": 900.0, "cx": 480.0, "cy": 360.0, "width": 960, "height": 720}
    task = Task(
        kind, {"modelKey": "m", "camera": camera, **params}, {"splat": tmp_path / "splat.spz"}, tmp_path / "out"
    )
    task.folder.mkdir()
    [made] = perform(task, lambda *_: None)
    assert not any("camera" in loss for loss in made.losses)
    level = read(task.folder / made.files[0].name).cloud
    whole = read(tmp_path / "splat.spz").cloud
    for told, alike in ((Camera(**camera), True), (None, False)):
        wanted = read(to_bytes(immichvr_splats.Reduction(whole, told).to(count), "spz"), "spz").cloud
        assert np.allclose(level.means, wanted.means) is alike
        assert np.allclose(level.sh, wanted.sh, atol=0.05) is alike


@pytest.mark.parametrize("kind", ["convert", "lod"])
@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"fx": 0}, "positive focal length"),
        ({"extrinsic": [1, 0, 0]}, "16 values or none"),
        ({"extrinsic": [0] * 16}, "no rotation"),
    ],
)
def test_a_camera_that_cannot_be_is_refused(
    make_cloud, tmp_path: Path, kind: str, wrong: dict[str, object], why: str
) -> None:
    write(make_cloud(40), tmp_path / "splat.spz")
    camera = {"fx": 900, "fy": 900, "cx": 480, "cy": 360, "width": 960, "height": 720, **wrong}
    params = {"modelKey": "m", "variant": "light", "camera": camera}
    with pytest.raises(InvalidRequest, match=why):
        perform(Task(kind, params, {"splat": tmp_path / "splat.spz"}, tmp_path), lambda *_: None)


def test_a_file_with_a_camera_that_nobody_can_look_from_is_merged(make_cloud, tmp_path: Path) -> None:
    flat = Camera(900, 900, 480, 360, 960, 720, np.diag([1, 1, 0, 1]))
    write(replace(make_cloud(300), camera=flat), tmp_path / "splat.ply")
    assert read(tmp_path / "splat.ply").cloud.camera is not None
    made = perform(
        Task("convert", {"modelKey": "m", "variant": "light"}, {"splat": tmp_path / "splat.ply"}, tmp_path),
        lambda *_: None,
    )
    assert read(tmp_path / made[0].files[0].name).cloud.count == 150


def test_every_option_of_a_format_is_a_parameter_of_a_conversion() -> None:
    assert set(format_options()) <= set(ConvertParams.DESCRIPTOR.fields_by_name)


@pytest.mark.parametrize("inside", ["", "scene"])
@pytest.mark.parametrize("packed", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_folder_of_sog_comes_as_a_zip_of_its_files_and_goes_as_one(
    make_cloud, converted, tmp_path: Path, packed: int, inside: str
) -> None:
    write_sog_folder(make_cloud(300), tmp_path / "scene")
    with zipfile.ZipFile(tmp_path / "upload.zip", "w", packed) as archive:
        for path in sorted((tmp_path / "scene").iterdir()):
            archive.write(path, Path(inside) / path.name)
    assert converted(tmp_path / "upload.zip", "ply").gaussians == 300
    made = converted(tmp_path / "upload.zip", "sog")
    with zipfile.ZipFile(made.path) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert (tmp_path / "unpacked/meta.json").is_file()
    assert read(tmp_path / "unpacked/meta.json").cloud.count == 300


def test_the_description_of_a_sog_folder_alone_is_refused_with_what_to_send(
    make_cloud, converted, tmp_path: Path
) -> None:
    write_sog_folder(make_cloud(30), tmp_path / "scene")
    with pytest.raises(UnsupportedFormat, match=r"JSON: .*of SOG the folder or the zip with its pictures"):
        converted(tmp_path / "scene/meta.json", "ply")
