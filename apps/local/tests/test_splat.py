"""`immichvr splat`."""

from __future__ import annotations

from pathlib import Path

import pytest
from immichvr_splats import read
from PIL import Image

SPHERE = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" '
    b'GPano:ProjectionType="equirectangular"/></rdf:RDF></x:xmpmeta>'
)


@pytest.mark.parametrize("extension", ["ply", "splat", "spz"])
def test_splat_writes_each_format(run, photo: Path, tmp_path: Path, extension: str) -> None:
    target = tmp_path / f"out.{extension}"
    result = run("splat", photo, "-o", target, "--model", "heuristic", "--max-gaussians", 5000)
    assert result.exit_code == 0, result.output
    count = read(target).cloud.count
    assert 1000 < count <= 5000
    assert f"{target}: {count:,} Gaussians" in result.stdout


def test_splat_says_which_model_ran_and_why(run, photo: Path, tmp_path: Path) -> None:
    result = run("splat", photo, "-o", tmp_path / "out.spz", "--max-gaussians", 2000)
    assert result.exit_code == 0, result.output
    assert "depth: heuristic" in result.stdout
    assert "da2-small" in result.stdout
    assert "no network" in result.stdout


@pytest.mark.parametrize(
    ("model", "command"),
    [("da2-base", "immichvr models accept da2-base"), ("zoedepth", "immichvr models download zoedepth")],
)
def test_a_model_that_needs_a_yes_says_how_to_give_it(
    run, photo: Path, tmp_path: Path, model: str, command: str
) -> None:
    result = run("splat", photo, "-o", tmp_path / "out.spz", "--model", model)
    assert result.exit_code == 2
    assert command in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.jpg", "-o", "out.ply"], "missing.jpg: No such file or directory"),
        (["text.jpg", "-o", "out.ply"], "text.jpg: not an image"),
        (["tiny.png", "-o", "out.ply"], "tiny.png: the photo is 8×600 pixels; at least 32 on each side are needed"),
        (["sphere.webp", "-o", "out.ply"], "sphere.webp: the photo is no flat picture but 'equirectangular'"),
        (["text.jpg", "-o", "out.obj"], "out.obj: the extension tells no splat format"),
        (["text.jpg", "-o", "nowhere/out.ply"], "there is no such directory"),
        (["text.jpg", "-o", "out.ply", "--model", "sharper"], "there is no model 'sharper'; there are: auto"),
    ],
)
def test_splat_refuses_bad_input_in_one_sentence(run, tmp_path: Path, monkeypatch, arguments, words) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.jpg").write_text("this is no photo")
    Image.new("RGB", (8, 600), "teal").save("tiny.png")
    Image.new("RGB", (64, 32), "teal").save("sphere.webp", xmp=SPHERE)
    result = run("splat", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.output
    assert not Path("out.ply").exists()
