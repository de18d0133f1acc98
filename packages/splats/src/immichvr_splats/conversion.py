"""Reading and writing clouds in any format of the table."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .cleaning import clean
from .cloud import GaussianCloud
from .color import to_srgb
from .errors import InvalidCloudError, UnknownFormatError
from .formats import FORMATS
from .formats.base import Encoded, Format
from .losses import Loss
from .source import ReadLimits, Source, open_source

DEFAULT_LIMITS = ReadLimits()


@dataclass(frozen=True)
class ReadResult:
    """A cloud from a file. format: its key. losses: what did not survive. dropped: Gaussians left out."""

    cloud: GaussianCloud
    losses: list[Loss]
    dropped: int
    format: str


def read(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview,
    format: str | None = None,
    limits: ReadLimits = DEFAULT_LIMITS,
) -> ReadResult:
    """Read a cloud from a path, which is mapped, or from bytes.

    format: a key of FORMATS; by default told by the extension of a path, or the first bytes of a buffer.
    Gaussians with non-finite values are dropped and counted, infinite opacity logits clamped, quaternions made unit.
    Raises UnknownFormatError, MalformedFileError, UnsupportedFileError, LimitExceededError (all SplatError), and
    OSError where the path cannot be opened.
    """
    opened = open_source(source, limits)
    if format is None:
        path = None if isinstance(source, (bytes, bytearray, memoryview)) else source
        format = _sniff(opened) if path is None else format_of(path)
    row = _row(format)
    if row.reader is None:
        raise UnknownFormatError(f"format {format!r} is not read, only {_keys_where('can_read')}")
    decoded = row.reader(opened, limits)
    cloud, losses = clean(decoded.cloud)
    dropped = sum(loss.count for loss in losses if loss.code == "dropped")
    return ReadResult(cloud, decoded.losses + losses, dropped, format)


def write(
    cloud: GaussianCloud,
    target: str | os.PathLike[str] | BinaryIO | None,
    format: str | None = None,
    **options: object,
) -> list[Loss]:
    """Write a cloud and return what the format could not keep.

    target: a path, which appears whole or not at all; an open binary file; None to only learn the losses.
    format: a key of FORMATS, by default told by the extension of a path. options: those of the format's row.
    Raises UnknownFormatError or InvalidCloudError (both SplatError).
    """
    if format is None:
        if not isinstance(target, (str, os.PathLike)):
            raise UnknownFormatError(f"the target does not tell a format, name one of {_keys_where('can_write')}")
        format = format_of(target)
    encoded = _encode(cloud, format, options)
    if isinstance(target, (str, os.PathLike)):
        _write_whole(Path(target), encoded)
    elif target is not None:
        target.writelines(encoded.chunks)
    return encoded.losses


def to_bytes(cloud: GaussianCloud, format: str, **options: object) -> bytes:
    """The file that `write` would make."""
    return b"".join(_encode(cloud, format, options).chunks)


def format_of(path: str | os.PathLike[str]) -> str:
    """The format's key, told by the extension. Raises UnknownFormatError with the accepted ones."""
    name = Path(path).name.lower()
    matches = [(ext, row.key) for row in FORMATS.values() for ext in row.extensions if name.endswith(ext)]
    if not matches:
        accepted = ", ".join(ext for row in FORMATS.values() for ext in row.extensions)
        raise UnknownFormatError(f"{Path(path).name}: the extension tells no splat format, wants one of {accepted}")
    return max(matches, key=lambda match: len(match[0]))[1]


def _encode(cloud: GaussianCloud, format: str, options: dict[str, object]) -> Encoded:
    row = _row(format)
    if row.writer is None:
        raise UnknownFormatError(f"format {format!r} is not written, only {_keys_where('can_write')}")
    unknown = [name for name in options if name not in row.options]
    if unknown:
        accepted = ", ".join(row.options) or "none"
        raise InvalidCloudError(f"format {format!r} has no option {unknown[0]!r}, it takes: {accepted}")
    sound, losses = clean(cloud)
    encoded = row.writer(to_srgb(sound), **options)
    return Encoded(encoded.chunks, losses + encoded.losses)


def _row(format: str) -> Format:
    try:
        return FORMATS[format]
    except KeyError:
        raise UnknownFormatError(f"unknown format {format!r}, wants one of {', '.join(FORMATS)}") from None


def _keys_where(capability: str) -> str:
    return ", ".join(key for key, row in FORMATS.items() if getattr(row, capability))


def _sniff(source: Source) -> str:
    head = bytes(source.data[:8])
    for row in FORMATS.values():
        if head.startswith(row.magic):
            return row.key
    raise UnknownFormatError(f"{source.name}: the first bytes tell no format, name one of {_keys_where('can_read')}")


def _write_whole(path: Path, encoded: Encoded) -> None:
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with unfinished.open("xb") as file:
            file.writelines(encoded.chunks)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
