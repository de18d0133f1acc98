"""Makes the videos that the development server shows.

A square moves over stripes, near before far; the frame number is drawn in each picture. Beside each video lies what
would be made of it: colour and depth side by side, whole and in parts, and a strip of thumbnails.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

FPS = 12
SECONDS = 6
GUTTER = 16
SIZES = {"square-wide": (320, 180), "square-tall": (180, 320), "square-small": (160, 96)}
COLUMNS, TILE_WIDTH = 4, 96
Picture = NDArray[np.uint8]


def frames(width: int, height: int) -> Iterator[tuple[Picture, Picture]]:
    """Pictures and their disparities, each (h, w, 3)."""
    x = np.arange(width)
    stripes = np.where((x // 12) % 2, 70, 130)
    ground = np.repeat(np.stack([stripes, stripes + 20, stripes + 60], -1)[None], height, 0).astype(np.uint8)
    side = height // 3
    for number in range(FPS * SECONDS):
        picture, depth = ground.copy(), np.full((height, width, 3), 40, np.uint8)
        left = round((width - side) * (0.5 - 0.5 * np.cos(2 * np.pi * number / (FPS * SECONDS))))
        top = height // 3
        picture[top : top + side, left : left + side] = (225, 120, 60)
        depth[top : top + side, left : left + side] = 220
        cv2.putText(picture, str(number), (8, 26), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
        yield picture, depth


def write(path: Path, pictures: Iterator[Picture] | list[Picture], options: dict[str, str]) -> None:
    """Writes H.264 that every browser plays."""
    with av.open(str(path), "w", options=options) as container:
        stream: Any = None
        for picture in pictures:
            if stream is None:
                stream = container.add_stream("libx264", rate=FPS, options={"crf": "16", "g": "12", "bf": "0"})
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, FPS)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def split(path: Path) -> tuple[bytes, list[bytes]]:
    """The head of a fragmented file and its fragments."""
    data = path.read_bytes()
    boxes, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        boxes.append((data[at + 4 : at + 8], data[at : at + size]))
        at += size
    head = b"".join(box for name, box in boxes if name in (b"ftyp", b"moov"))
    parts = [box for name, box in boxes if name in (b"moof", b"mdat")]
    return head, [a + b for a, b in zip(parts[::2], parts[1::2], strict=True)]


def make_video(out: Path, name: str, width: int, height: int) -> dict[str, object]:
    """Writes everything of one video; returns its entry of the index."""
    pairs = list(frames(width, height))
    write(out / f"{name}.mp4", [picture for picture, _ in pairs], {"movflags": "faststart"})
    gap = np.zeros((height, 2 * GUTTER, 3), np.uint8)
    both = [np.concatenate([picture, gap, depth], 1) for picture, depth in pairs]
    write(out / f"{name}-rgbd.mp4", both, {"movflags": "faststart"})
    fragments = out / f"{name}-fragments.mp4"
    write(fragments, both, {"movflags": "frag_keyframe+empty_moov+default_base_moof"})
    head, parts = split(fragments)
    (out / f"{name}-init.mp4").write_bytes(head)
    for number, part in enumerate(parts):
        (out / f"{name}-{number + 1:05}.m4s").write_bytes(part)
    fragments.unlink()
    cv2.imwrite(str(out / f"{name}.webp"), pairs[0][0][..., ::-1])
    tile = (TILE_WIDTH, round(TILE_WIDTH * height / width))
    shown = [cv2.resize(picture, tile, interpolation=cv2.INTER_AREA) for picture, _ in pairs[::FPS]]
    blank = [np.zeros_like(shown[0])] * (-len(shown) % COLUMNS)
    rows = [np.concatenate([*shown, *blank][i : i + COLUMNS], 1) for i in range(0, len(shown), COLUMNS)]
    cv2.imwrite(str(out / f"{name}-strip.webp"), np.concatenate(rows)[..., ::-1])
    layout = {"width": 2 * (width + GUTTER), "height": height, "gutter": GUTTER}
    return {
        "name": name,
        "width": width,
        "height": height,
        "seconds": SECONDS,
        "parts": len(parts),
        "rgbd": layout | {"colour": [0, 0, width, height], "depth": [width + 2 * GUTTER, 0, width, height]},
        "strip": {"columns": COLUMNS, "rows": len(rows), "tile": tile, "every_s": 1},
    }


def make_videos(out: Path) -> None:
    """Makes all videos, with `videos.json` naming everything."""
    index = [make_video(out, name, *size) for name, size in SIZES.items()]
    (out / "videos.json").write_text(json.dumps(index, indent=1))
