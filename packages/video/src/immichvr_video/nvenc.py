"""Whether NVIDIA's encoder (NVENC) writes what is asked for: it is tried on a few pictures, which are read back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast

import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from immichvr_video.encoding import Encoding, Pixels
from immichvr_video.errors import EncoderFailed
from immichvr_video.reader import LumaReader, VideoReader
from immichvr_video.segments import SegmentWriter, join

_COUNT: Final = 6
_MOST_OFF: Final = {True: 0.005, False: 0.03}
"""Of the range, on average: of grey, which is depth, and of colours."""
_MOMENT: Final = Fraction(1, 1000)


@dataclass(frozen=True)
class Trial:
    """What came of it. encoding: by the device, or as it was. reason: why it is as it was; else empty. writer: two
    devices with the same one write the same, so that one goes on with what the other has begun."""

    encoding: Encoding
    reason: str = ""
    writer: str = ""


def tried(encoding: Encoding) -> Trial:
    """The encoding by the device, where two segments by it fit one head, and what is in them is what was written."""
    device = replace(encoding, on_device=True)
    with TemporaryDirectory() as name:
        try:
            first, second = (_written(device, Path(name, part)) for part in ("first", "second"))
            if first[0].read_bytes() != second[0].read_bytes():
                return Trial(encoding, f"{device.encoder} describes each segment otherwise")
            joined = Path(name, "joined.mp4")
            join(first[0], first[1:], joined)
            if not _is_as_written(joined, device):
                return Trial(encoding, f"what {device.encoder} writes is not what was to be written")
            return Trial(device, writer=_writer(device, first, second))
        except (EncoderFailed, FFmpegError, ValueError) as error:
            return Trial(encoding, f"{device.encoder} cannot be used here: {error}")


def _written(encoding: Encoding, folder: Path) -> list[Path]:
    """What goes before, and two segments."""
    folder.mkdir()
    writer = SegmentWriter(folder, "trial", encoding)
    files: list[Path] = []
    try:
        for index, (picture, time) in enumerate(zip(_pictures(encoding), _times(), strict=True)):
            writer.write(picture, time, Fraction(1, 30))
            if 2 * (index + 1) % _COUNT == 0:
                files += writer.seal()
        return files
    finally:
        writer.abandon()


def _times() -> list[Fraction]:
    """Not all as far apart."""
    return [Fraction(index + index // 2, 30) for index in range(_COUNT)]


def _pictures(encoding: Encoding) -> Iterator[Pixels]:
    """Slopes that drift, over the whole range."""
    y, x = np.ogrid[: encoding.height, : encoding.width]
    for index in range(_COUNT):
        slope = (x / max(1, encoding.width - 1) + y / max(1, encoding.height - 1)) / 2
        one = np.abs(2 * ((slope + index / 40) % 1) - 1)
        if encoding.grey:
            kind = np.uint8 if encoding.bits == 8 else np.uint16
            yield cast("Pixels", np.round(one * ((1 << encoding.bits) - 1)).astype(kind))
        else:
            yield np.round(255 * np.stack([one, one[::-1], one[:, ::-1]], axis=-1)).astype(np.uint8)


def _is_as_written(path: Path, encoding: Encoding) -> bool:
    most = _MOST_OFF[encoding.grey] * ((1 << encoding.bits) - 1 if encoding.grey else 255)
    read = list(_read(path, encoding))
    if len(read) != _COUNT:
        return False
    return all(
        abs(time - expected) < _MOMENT and _off(samples, picture) <= most
        for (time, samples), expected, picture in zip(read, _times(), _pictures(encoding), strict=True)
    )


def _read(path: Path, encoding: Encoding) -> Iterator[tuple[Fraction, NDArray[np.uint8] | NDArray[np.uint16]]]:
    if encoding.grey:
        with LumaReader(path) as lumas:
            yield from ((one.time, one.luma) for one in lumas)
    else:
        with VideoReader(path) as pictures:
            yield from ((one.time, one.rgb) for one in pictures)


def _off(samples: NDArray[np.uint8] | NDArray[np.uint16], expected: Pixels) -> float:
    height, width = expected.shape[:2]
    return float(np.abs(samples[:height, :width].astype(np.float32) - expected).mean())


def _writer(encoding: Encoding, first: list[Path], second: list[Path]) -> str:
    """The encoder and what it wrote, as far as that is the same each time."""
    one, other = ([path.read_bytes() for path in files] for files in (first, second))
    digest = hashlib.sha256(b"".join(one if one == other else one[:1])).hexdigest()
    return f"{encoding.encoder} {digest[:16]}"
