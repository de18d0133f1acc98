"""`immichvr convert`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from immichvr_splats import FORMATS, Camera, GaussianCloud, Reduction, open_cloud, read, write

WRITTEN = [key for key, row in FORMATS.items() if row.can_write]


@pytest.fixture
def ply(tmp_path: Path) -> Path:
    """A cloud of 900 Gaussians of degree 2."""
    random = np.random.default_rng(0)
    cloud = GaussianCloud(
        means=random.uniform((-1, -1, 2), (1, 1, 4), (900, 3)),
        log_scales=random.uniform(-5, -3, (900, 3)),
        quaternions=random.standard_normal((900, 4)),
        opacity_logits=random.uniform(0, 4, 900),
        sh=random.uniform(-0.5, 0.5, (900, 9, 3)),
        camera=Camera(fx=60, fy=60, cx=32, cy=32, width=64, height=64),
    )
    write(cloud, tmp_path / "room.ply", layout="inria")
    return tmp_path / "room.ply"


@pytest.mark.parametrize("key", WRITTEN)
def test_the_extension_tells_the_format_and_all_gaussians_are_kept(run, ply: Path, tmp_path: Path, key: str) -> None:
    target = tmp_path / f"made{FORMATS[key].extensions[0]}"
    result = run("convert", ply, target)
    assert result.exit_code == 0, result.output
    found = open_cloud(target)
    assert (found.format, found.count) == (key, 900)
    assert f"{target}: 900 Gaussians" in result.stdout


def test_what_is_lost_is_named(run, ply: Path, tmp_path: Path) -> None:
    result = run("convert", ply, tmp_path / "b.splat")
    assert "note: spherical harmonics of degree 1 to 2: splat holds degree 0" in result.stdout


def test_many_files_are_converted_at_once_into_a_directory(run, ply: Path, tmp_path: Path) -> None:
    run("convert", ply, tmp_path / "small.compressed.ply")
    (tmp_path / "out").mkdir()
    result = run("convert", ply, tmp_path / "small.compressed.ply", "--to", "ksplat", "--out-dir", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["room.ksplat", "small.ksplat"]
    assert "room.ply → room.ksplat" in result.stderr
    beside = run("convert", ply, "--to", "sog")
    assert beside.exit_code == 0
    assert read(tmp_path / "room.sog").cloud.count == 900


def test_one_bad_file_does_not_stop_the_others(run, ply: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.ply").write_bytes(b"ply\nformat ascii 9.9\n")
    result = run("convert", tmp_path / "bad.ply", ply, "--to", "spz")
    assert result.exit_code == 2
    assert read(tmp_path / "room.spz").cloud.count == 900
    assert "immichvr: bad.ply" in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "bad.spz").exists()


def test_options_reach_the_writer(run, ply: Path, tmp_path: Path) -> None:
    result = run("convert", ply, tmp_path / "a.spz", "--spz-version", 4, "--sh-degree", 1, "--frame", "rub")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "a.spz").read_bytes()[:4] == b"NGSP"
    found, whole = read(tmp_path / "a.spz", frame="rub").cloud, read(ply).cloud
    assert found.sh_degree == 1
    np.testing.assert_allclose(found.means, whole.means, atol=2**-12)
    run("convert", ply, tmp_path / "a.ksplat", "--ksplat-level", 0)
    run("convert", ply, tmp_path / "b.ksplat")
    assert (tmp_path / "a.ksplat").stat().st_size > 1.5 * (tmp_path / "b.ksplat").stat().st_size


def with_column(ply: Path, column: str, value: float) -> Path:
    """The same file with one value for all in a column."""
    data = ply.read_bytes()
    body = data.index(b"end_header\n") + 11
    names = [line.split()[-1] for line in data[:body].splitlines() if line.startswith(b"property")]
    rows = np.frombuffer(data[body:], "<f4").reshape(900, -1).copy()
    rows[:, names.index(column.encode())] = value
    changed = ply.with_name(f"changed-{ply.name}")
    changed.write_bytes(data[:body] + rows.tobytes())
    return changed


@pytest.mark.parametrize("options", [[], ["--lod", 5], ["--quality", "light"]])
def test_a_file_of_which_nothing_is_left_replaces_nothing(run, ply: Path, tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "good.spz").write_bytes(b"made with care")
    result = run("convert", with_column(ply, "x", np.nan), tmp_path / "good.spz", *options)
    assert result.exit_code == 2, result.output
    words = " ".join(result.stderr.split())
    assert "the file gives no Gaussians: 900 Gaussians dropped: 900 with non-finite means" in words
    assert (tmp_path / "good.spz").read_bytes() == b"made with care"


@pytest.mark.parametrize("key", WRITTEN)
def test_flat_gaussians_are_kept_as_thin_as_the_format_allows(run, ply: Path, tmp_path: Path, key: str) -> None:
    target = tmp_path / f"made{FORMATS[key].extensions[0]}"
    result = run("convert", with_column(ply, "scale_2", -np.inf), target)
    assert result.exit_code == 0, result.output
    assert "900 flat Gaussians" in " ".join(result.stdout.split())
    found = read(target).cloud
    assert found.count == 900
    assert found.log_scales[:, 2].max() < -9.9
    assert found.log_scales[:, :2].min() > -6


def test_fewer_gaussians_are_made_on_request(run, ply: Path, tmp_path: Path, monkeypatch) -> None:
    import immichvr_local.converting as converting
    from immichvr_splats import light

    result = run("convert", ply, tmp_path / "level.glb", "--lod", 100)
    assert read(tmp_path / "level.glb").cloud.count == 100
    assert "100 Gaussians (of 900)" in result.stdout
    photo = replace(read(ply).cloud, sh=read(ply).cloud.sh[:, :1])
    write(photo, tmp_path / "photo.ply")
    run("convert", tmp_path / "photo.ply", tmp_path / "level.ply", "--lod", 100)
    np.testing.assert_array_equal(read(tmp_path / "level.ply").cloud.sh, Reduction(photo).to(100).sh)
    monkeypatch.setattr(converting, "light", lambda cloud: light(cloud, max_bytes=8_000))
    result = run("convert", ply, tmp_path / "light.spz", "--quality", "light")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "light.spz").stat().st_size <= 8_000
    assert "(of 900)" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["room.ply"], "wants IN OUT, or any number of files and --to FORMAT"),
        (["room.ply", "room.ply", "a.spz"], "wants IN OUT"),
        (["room.ply", "a.obj"], "a.obj: the extension tells no splat format"),
        (["none.ply", "a.spz"], "none.ply: No such file or directory"),
        (["room.ply", "nowhere/a.spz"], "there is no such directory"),
        (["room.ply", "--to", "obj"], "wants one of ply, compressed-ply"),
        (["room.ply", "--to", "spz", "--out-dir", "nowhere"], "nowhere: there is no such directory"),
        (["room.ply", "--out-dir", "."], "--out-dir needs --to"),
        (["room.ply", "--to", "ply"], "would be replaced by its own conversion"),
        (["room.ply", "room.spz", "--to", "splat"], "would both become room.splat"),
        (["room.ply", "a.sog", "--spz-version", "2"], "--spz-version is not for sog, which takes --sh-degree"),
        (["room.ply", "a.spz", "--spz-version", "9"], "spz takes one of 2, 3, 4"),
        (["room.ply", "a.spz", "--lod", "9", "--quality", "light"], "exclude each other"),
        (["room.ply", "a.spz", "--quality", "best"], "Invalid value for '--quality'"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(
    run, ply: Path, tmp_path: Path, monkeypatch, arguments, words
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("convert", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["room.ply"]


def test_a_folder_of_sog_is_read_and_written_by_its_description(run, ply: Path, tmp_path: Path) -> None:
    made = run("convert", ply, tmp_path / "scene/meta.json")
    assert made.exit_code == 0, made.output
    assert {"meta.json", "means_l.webp"} <= {path.name for path in (tmp_path / "scene").iterdir()}
    assert run("convert", tmp_path / "scene/meta.json", tmp_path / "back.ply").exit_code == 0
    assert read(tmp_path / "back.ply").cloud.count == 900
    assert run("convert", tmp_path / "scene/meta.json", "--to", "spz").exit_code == 0
    assert read(tmp_path / "scene.spz").cloud.count == 900
    assert run("convert", tmp_path / "scene", "--to", "ksplat").exit_code == 0
    assert read(tmp_path / "scene.ksplat").cloud.count == 900


@pytest.mark.parametrize("flag", ["--frame-in", "--frame"])
def test_the_axes_of_what_is_read_can_be_told(run, ply: Path, tmp_path: Path, flag: str) -> None:
    run("convert", ply, tmp_path / "rub.spz", "--frame", "rub")
    result = run("convert", tmp_path / "rub.spz", tmp_path / "back.ply", flag, "rub")
    assert result.exit_code == 0, result.output
    np.testing.assert_allclose(read(tmp_path / "back.ply").cloud.means, read(ply).cloud.means, atol=2**-12)
    turned = run("convert", ply, tmp_path / "turned.splat", "--frame-in", "rub")
    assert turned.exit_code == 0, turned.output
    np.testing.assert_array_equal(read(tmp_path / "turned.splat").cloud.means * [1, -1, -1], read(ply).cloud.means)


def test_layout_order_and_encoding_reach_the_writer(run, ply: Path, tmp_path: Path) -> None:
    run("convert", ply, tmp_path / "sharp.ply", "--ply-layout", "sharp")
    assert b"element intrinsic 9" in (tmp_path / "sharp.ply").read_bytes()
    run("convert", ply, tmp_path / "plain.ply")
    assert b"element intrinsic" not in (tmp_path / "plain.ply").read_bytes()
    assert read(tmp_path / "plain.ply").cloud.camera is not None
    run("convert", ply, tmp_path / "small.glb", "--glb-encoding", "spz")
    run("convert", ply, tmp_path / "large.glb")
    assert (tmp_path / "small.glb").stat().st_size < (tmp_path / "large.glb").stat().st_size / 4
    assert "sorted by place" in run("convert", ply, tmp_path / "a.spz", "--order", "morton").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--limit-gaussians", "899"], "900 Gaussians, the limit is 899"),
        (["--frame-in", "up"], "frame is 'up', ply is read in one of"),
        (["--ply-layout", "odd"], "--ply-layout is not for splat"),
    ],
)
def test_limits_and_axes_of_reading_are_kept(run, ply: Path, tmp_path: Path, arguments, words) -> None:
    result = run("convert", ply, tmp_path / "a.splat", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_a_photo_given_as_a_splat_is_called_what_it_is(run, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "photo.ply").write_bytes(photo.read_bytes())
    result = run("convert", tmp_path / "photo.ply", tmp_path / "a.spz")
    assert result.exit_code == 2
    assert "photo.ply: PNG, a picture, not a splat" in result.stderr
