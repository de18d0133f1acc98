"""The clip of a photo as a player gets it, and the job that makes it."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from immichvr_common.errors import InvalidRequest
from immichvr_common.tasks import Made, Task
from immichvr_depth import DepthMap, lift
from immichvr_depth.compiled import Bytes
from immichvr_depth.errors import InvalidDepth
from immichvr_depth.files import depth_asset
from immichvr_media import decode_photo
from immichvr_video_depth.jobs import perform
from immichvr_video_depth.motion.clip import clip_size
from PIL import Image


@pytest.fixture(scope="module")
def photo(card_before_wall: tuple[Bytes, DepthMap], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("motion") / "source"
    Image.fromarray(card_before_wall[0]).save(path, "JPEG", quality=95)
    return path


@pytest.fixture(scope="module")
def depth(photo: Path, card_before_wall: tuple[Bytes, DepthMap], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its depth as an asset keeps it."""
    folder = tmp_path_factory.mktemp("depth")
    opened, known = decode_photo(photo), card_before_wall[1]
    depth_asset(opened, known, lift(opened.rgb, known, opened.focal.px, 20_000), folder, {})
    return folder / "depth.png"


def a_clip(folder: Path, inputs: dict[str, Path], **params: object) -> tuple[Made, Path]:
    [made] = perform(Task("motion", params, inputs, folder), lambda *_: None)
    return made, folder / made.files[0].name


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def shown(luma: np.ndarray, blue: np.ndarray, red: np.ndarray) -> np.ndarray:
    """As players show it: chroma of half the size brought to full size between its samples, (h, w, 3) float."""
    size = luma.shape[::-1]
    blue, red = (cv2.resize(one, size, interpolation=cv2.INTER_LINEAR) for one in (blue, red))
    rgb = np.stack([luma + 1.5748 * red, luma - 0.1873 * blue - 0.4681 * red, luma + 1.8556 * blue], 2)  # BT.709
    return np.clip(rgb, 0, 255)


def first_shown(path: Path) -> np.ndarray:
    """The first picture of a clip."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    planes, height, width = frame.to_ndarray().astype(np.float32), frame.height, frame.width
    blue, red = ((planes[height:].reshape(2, height // 2, width // 2) - 128) * 255 / 224).astype(np.float32)
    return shown((planes[:height] - 16) * 255 / 219, blue, red)


def with_coarse_chroma(rgb: np.ndarray) -> np.ndarray:
    """What is left of a picture where nothing but the resolution of its chroma is lost."""
    values = rgb.astype(np.float32)
    luma = values @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    half = (rgb.shape[1] // 2, rgb.shape[0] // 2)
    blue, red = (
        cv2.resize((values[..., at] - luma) / scale, half, interpolation=cv2.INTER_AREA)
        for at, scale in ((2, 1.8556), (0, 1.5748))
    )
    return shown(luma, blue, red)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """PSNR, dB."""
    return float(10 * np.log10(255**2 / np.mean((one.astype(np.float64) - other) ** 2)))


@pytest.mark.parametrize("path", ["sway", "orbit"])
def test_a_clip_plays_everywhere_begins_and_ends_with_the_photo_and_moves(
    photo: Path, depth: Path, tmp_path: Path, path: str
) -> None:
    made, file = a_clip(tmp_path, {"source": photo, "depth": depth}, path=path, seconds=2, depthKey="da2-small")
    assert (made.kind, made.model_key, made.reason) == ("motion", path, "")
    assert made.details["motion"] | {"depth_revision": ""} == {
        "path": path, "seconds": 2.0, "amplitude": 1.0, "width": 240, "height": 136, "pictures": 60,
        "depth_model": "da2-small", "depth_revision": "",
    }  # fmt: skip
    with av.open(str(file)) as container:
        [stream] = container.streams
        context = stream.codec_context
        assert (context.name, context.profile, context.pix_fmt, context.colorspace) == ("h264", "High", "yuv420p", 1)
        assert (stream.average_rate, stream.frames) == (Fraction(30), 60)
    assert file.read_bytes()[:4096].index(b"moov") < 4096, "its index comes first"
    frames = frames_of(file)
    preview = np.asarray(Image.open(photo))
    assert likeness(frames[0], preview) >= 38
    assert likeness(frames[-1], preview) >= 30
    steps = [np.abs(a.astype(float) - b).mean() for a, b in pairwise(frames)]
    assert steps[0] <= 1.5 * steps[1]
    assert max(steps) > 1, "it moves"
    assert list(tmp_path.iterdir()) == [file]


def test_of_a_noisy_photo_the_first_picture_is_as_like_it_as_coarse_chroma_leaves_it(
    card_before_wall: tuple[Bytes, DepthMap], tmp_path: Path
) -> None:
    rgb = card_before_wall[0][:132, :236]
    noisy = np.clip(np.rint(rgb + np.random.default_rng(1).normal(0, 2.5, rgb.shape)), 0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(tmp_path / "noisy.png")
    _, file = a_clip(tmp_path, {"source": tmp_path / "noisy.png"}, seconds=2)
    first = first_shown(file)
    assert likeness(first, noisy) >= max(38, likeness(with_coarse_chroma(noisy), noisy) - 0.1)
    # Brightness is moved where colour is lost: not colour, and on the whole nothing.
    assert np.abs((first - noisy).mean(axis=(0, 1))).max() < 0.2


def test_without_any_depth_it_is_guessed_and_that_is_said(photo: Path, tmp_path: Path) -> None:
    made, _ = a_clip(tmp_path, {"source": photo}, seconds=2, amplitude=0.5)
    assert made.details["motion"]["depth_model"] == "heuristic"
    assert "guessed" in made.reason


def test_a_depth_map_that_is_none_of_ours_is_refused(photo: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidDepth):
        a_clip(tmp_path, {"source": photo, "depth": photo})


def test_a_depth_map_that_says_it_is_huge_is_refused(photo: Path, tmp_path: Path) -> None:
    size = b"IHDR" + struct.pack(">IIBBBBB", 14_000, 13_500, 16, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + size + struct.pack(">I", zlib.crc32(size))
    (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + bytes(4))
    with pytest.raises(InvalidDepth):
        a_clip(tmp_path, {"source": photo, "depth": tmp_path / "huge.png"})


@pytest.mark.parametrize(
    "params", [{"path": "spin"}, {"seconds": 1}, {"seconds": 9}, {"amplitude": 3}, {"amplitude": -1}]
)
def test_what_is_no_clip_is_refused_with_what_can_be_had(
    photo: Path, tmp_path: Path, params: dict[str, object]
) -> None:
    with pytest.raises(InvalidRequest, match=r"there are: sway|can be had"):
        a_clip(tmp_path, {"source": photo}, **params)


@pytest.mark.parametrize(
    ("photo_size", "size"),
    [((6000, 4000), (1620, 1080)), ((4000, 6000), (1080, 1620)), ((8000, 2000), (1920, 480)), ((333, 201), (332, 200))],
)
def test_a_clip_is_as_large_as_full_hd_at_most_and_never_larger_than_the_photo(
    photo_size: tuple[int, int], size: tuple[int, int]
) -> None:
    assert clip_size(*photo_size) == size
