"""Reading and writing clouds in any format of the table."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar, cast

from immichvr_splats.cleaning import check_any_left, clean, survey
from immichvr_splats.cloud import SH_COEFFICIENTS, Camera, GaussianCloud
from immichvr_splats.color import to_srgb
from immichvr_splats.errors import (
    EmptyCloudError,
    InvalidCloudError,
    MalformedFileError,
    SplatError,
    UnknownFormatError,
    UnsupportedFileError,
)
from immichvr_splats.formats import FORMATS
from immichvr_splats.formats.base import Decoded, Encoded, Format, Reader, Summary, Writer
from immichvr_splats.formats.sog import META_NAME, is_folder, zip_of_folder
from immichvr_splats.frames import check_frame_of_file, turned
from immichvr_splats.losses import Loss
from immichvr_splats.source import ReadLimits, Source, open_source
from immichvr_splats.strangers import HEAD_BYTES, what_it_is
from immichvr_splats.stream import SoundStream, Stream
from immichvr_splats.target import Writable, put

DEFAULT_LIMITS = ReadLimits()
_ANY_SIZE = ReadLimits(max_bytes=1 << 62)
_SURE_BYTES = 4

T = TypeVar("T", GaussianCloud, SoundStream)
Readable = str | os.PathLike[str] | bytes | bytearray | memoryview


@dataclass(frozen=True)
class ReadResult:
    """A cloud from a file. format: its key. losses: what did not survive. dropped: Gaussians left out."""

    cloud: GaussianCloud
    losses: list[Loss]
    dropped: int
    format: str


@dataclass(frozen=True)
class Opened:
    """A file that was checked from end to end, but whose Gaussians are decoded only when they are written.

    format: its key. losses: what did not survive reading. dropped: Gaussians left out.
    """

    format: str
    losses: list[Loss]
    dropped: int
    _stream: SoundStream

    @property
    def count(self) -> int:
        """Number of sound Gaussians."""
        return self._stream.count

    @property
    def sh_degree(self) -> int:
        """Degree of the spherical harmonics, 0 to 3."""
        return self._stream.sh_degree

    @property
    def camera(self) -> Camera | None:
        return self._stream.camera

    @property
    def bounds(self) -> tuple[list[float], list[float]]:
        """Smallest and largest mean, metres. Zeros where there is no Gaussian."""
        places = self._stream.places
        return places.low.tolist(), places.high.tolist()

    def check_not_empty(self) -> None:
        """Raise EmptyCloudError where the file has no sound Gaussian: what is made of it would be empty."""
        if not self.count:
            reasons = "; ".join(loss.message for loss in self.losses) or "it is empty"
            raise EmptyCloudError(f"the file gives no Gaussians: {reasons}")

    def cloud(self) -> GaussianCloud:
        """All Gaussians in memory."""
        return self._stream.cloud()

    def write(self, target: Writable, format: str | None = None, **options: object) -> list[Loss]:
        """As `write`. A second target shares what the first made necessary: the check and the sort.

        Raises EmptyCloudError where there is no Gaussian, and writes nothing.
        """
        self.check_not_empty()
        row = _writer_row(_target_format(target, format), options)
        return put(_encode_sound(self._stream, row, options, []), target)


@dataclass(frozen=True)
class Conversion:
    """What `convert` did. source, target: keys of formats. count: Gaussians written. losses: of reading and writing."""

    source: str
    target: str
    count: int
    losses: list[Loss]


def read(
    source: Readable, format: str | None = None, limits: ReadLimits = DEFAULT_LIMITS, **options: object
) -> ReadResult:
    """Read a cloud from a path, which is mapped, from bytes, or from the folder of a SOG or its `meta.json`.

    format: a key of FORMATS; by default told by the extension of a path, unless the first bytes contradict it, or by
    the first bytes of a buffer.
    options: frame, the axes that the file is in where they are not OpenCV's: "rub" and any other of SPZ_FRAMES.
    Gaussians with damaged values are dropped and counted, infinite opacity logits and flat log-scales clamped,
    quaternions made unit.
    Raises UnknownFormatError, MalformedFileError, UnsupportedFileError, LimitExceededError (all SplatError), and
    OSError where the path cannot be opened.
    """
    key, decoded = _decode(source, format, limits, options)
    found = decoded.cloud
    cloud, losses = clean(found if isinstance(found, GaussianCloud) else found.cloud())
    return ReadResult(cloud, decoded.losses + losses, _dropped(losses), key)


def open_cloud(
    source: Readable, format: str | None = None, limits: ReadLimits = DEFAULT_LIMITS, **options: object
) -> Opened:
    """Check a file as `read` does, and leave its Gaussians where they are until they are written. Raises as `read`."""
    key, decoded = _decode(source, format, limits, options)
    found = decoded.cloud
    stream, losses = survey(found if isinstance(found, Stream) else Stream.of(to_srgb(found)))
    return Opened(key, decoded.losses + losses, _dropped(losses), stream)


def summary(source: Readable, format: str) -> Summary | None:
    """What a file says it has, found before it is read.

    format: a key of FORMATS. None where the file is read in place, or where what it says is not sound: reading tells
    what is wrong with it. Raises UnknownFormatError, OSError.
    """
    row = _row(format)
    try:
        opened = open_source(source, _ANY_SIZE)
        return _among_alike(row, opened).summary(opened)
    except SplatError:
        return None


def convert(
    source: Readable,
    target: Writable,
    format: str | None = None,
    to: str | None = None,
    limits: ReadLimits = DEFAULT_LIMITS,
    **options: object,
) -> Conversion:
    """Write a file's cloud in another format, block by block: the same file as `write` of what `read` returns.

    format, to: keys of FORMATS for source and target. options: those of the target's row.
    Raises as `read` and `write`, EmptyCloudError also where the file has no Gaussian at all.
    """
    key = _target_format(target, to)
    _writer_row(key, options)
    opened = open_cloud(source, format, limits)
    losses = opened.write(target, key, **options)
    return Conversion(opened.format, key, opened.count, opened.losses + losses)


def write(cloud: GaussianCloud, target: Writable, format: str | None = None, **options: object) -> list[Loss]:
    """Write a cloud and return what the format could not keep.

    target: a path, which appears whole or not at all; an open binary file; None to only learn the losses.
    format: a key of FORMATS, by default told by the extension of a path. options: those of the format's row, and
    sh_degree=0..3 to leave out higher spherical harmonics.
    Raises UnknownFormatError, InvalidCloudError, or EmptyCloudError where no Gaussian of the cloud is sound, so that an
    empty file never takes the place of another (all SplatError).
    """
    encoded = _encode(cloud, _target_format(target, format), options)
    return put(encoded, target)


def to_bytes(cloud: GaussianCloud, format: str, **options: object) -> bytes:
    """The file that `write` would make."""
    return b"".join(_encode(cloud, format, options).chunks)


def format_of(path: str | os.PathLike[str]) -> str:
    """The format's key, told by the extension. Raises UnknownFormatError with the accepted ones."""
    name = Path(path).name.lower()
    if name == META_NAME:
        return "sog"
    matches = [(ext, row.key) for row in FORMATS.values() for ext in row.extensions if name.endswith(ext)]
    if not matches:
        accepted = ", ".join(ext for row in FORMATS.values() for ext in row.extensions)
        raise UnknownFormatError(f"{Path(path).name}: the extension tells no splat format, wants one of {accepted}")
    return max(matches, key=lambda match: len(match[0]))[1]


def _decode(
    source: Readable, format: str | None, limits: ReadLimits, options: dict[str, object]
) -> tuple[str, Decoded]:
    path = None if isinstance(source, (bytes, bytearray, memoryview)) else source
    in_folder = path is not None and format in (None, "sog") and is_folder(path)
    opened = zip_of_folder(cast("Path", path), limits) if in_folder else open_source(source, limits)
    losses: list[Loss] = []
    if in_folder:
        format = "sog"
    elif format is None:
        format = _sniff(opened) if path is None else _told(path, opened, losses)
    row = _among_alike(_row(format), opened)
    if row.reader is None:
        raise UnknownFormatError(f"format {format!r} is not read, only {_keys_where('can_read')}")
    key, decoded = _decode_as(row, opened, limits, options)
    return key, replace(decoded, losses=losses + decoded.losses)


def _decode_as(row: Format, opened: Source, limits: ReadLimits, options: dict[str, object]) -> tuple[str, Decoded]:
    own = dict(options)
    frame = None if "frame" in row.read_options else own.pop("frame", None)
    _check_options(row.key, own, row.read_options)
    head = _head(opened)
    if not row.magic:  # any bytes are numbers, which such a format would take for Gaussians
        other = _by_magic(opened)
        words = what_it_is(head, surely=True)
        if other is not None and _is_surely(other, head):
            words = f"given as {row.key}, but its first bytes are those of {other.key}"
        if words is not None:
            raise UnsupportedFileError(f"{opened.name}: {words}")
    try:
        decoded = cast("Reader", row.reader)(opened, limits, **own)
    except MalformedFileError as error:
        words = what_it_is(head)
        if words is None:
            raise
        raise UnsupportedFileError(f"{opened.name}: {words}") from error
    if frame is None:
        return row.key, decoded
    if row.frame != "rdf":
        raise InvalidCloudError(f"{row.key} says itself what its axes are, so no frame can be named for it")
    check_frame_of_file(str(frame), row.key)
    found = decoded.cloud if isinstance(decoded.cloud, Stream) else Stream.of(to_srgb(decoded.cloud))
    return row.key, replace(decoded, cloud=turned(found, str(frame)))


def _encode(cloud: GaussianCloud, format: str, options: dict[str, object]) -> Encoded:
    row = _writer_row(format, options)
    if row.streams:
        stream, losses = survey(Stream.of(to_srgb(cloud)))
        check_any_left(cloud.count, stream.count, losses)
        return _encode_sound(stream, row, options, losses)
    sound, losses = clean(cloud)
    check_any_left(cloud.count, sound.count, losses)
    return _encode_sound(to_srgb(sound), row, options, losses)


def _encode_sound(sound: T, row: Format, options: dict[str, object], losses: list[Loss]) -> Encoded:
    """losses: those known before, which come first."""
    own = dict(options)
    more: list[Loss]
    fitted, more = _fitted(sound, row, own.pop("sh_degree", None))
    given = fitted.cloud() if isinstance(fitted, Stream) and not row.streams else fitted
    encoded = cast("Writer", row.writer)(given, **own)
    encoded.losses[:0] = [*losses, *more]
    return encoded


def _fitted(sound: T, row: Format, sh_degree: object) -> tuple[T, list[Loss]]:
    """What the format, and the option, leave of spherical harmonics and camera."""
    losses: list[Loss] = []
    if sh_degree is not None and sh_degree not in range(len(SH_COEFFICIENTS)):
        raise InvalidCloudError(
            f"sh_degree is {sh_degree!r}, wants a whole number from 0 to {len(SH_COEFFICIENTS) - 1}"
        )
    most = min(row.max_sh_degree, row.max_sh_degree if sh_degree is None else cast("int", sh_degree))
    if sound.sh_degree > most:
        degrees = f"{most + 1} to {sound.sh_degree}" if most + 1 < sound.sh_degree else f"{sound.sh_degree}"
        which = f"spherical harmonics of degree {degrees}"
        why = f"{row.key} holds degree {most}" if most == row.max_sh_degree else f"degree {most} was asked for"
        losses.append(Loss("sh_degree", f"{which}: {why}", sound.count))
        sound = sound.with_sh_degree(most)
    if sound.camera is not None and not row.keeps_camera:
        losses.append(Loss("camera", f"{row.key} has no place for the camera"))
        sound = replace(sound, camera=None)
    return _marked(sound, row, losses), losses


def _marked(sound: T, row: Format, losses: list[Loss]) -> T:
    """With those marks alone that the format has a place for."""
    marks = sound.marks
    if marks.antialiased and not row.keeps_antialiased:
        message = f"{row.key} has no place for the mark that the cloud was trained for antialiased rendering"
        losses.append(Loss("antialiased", message, sound.count))
        marks = replace(marks, antialiased=False)
    if marks.place and not row.keeps_georeference:
        losses.append(Loss("georeference", f"{row.key} has no place for where the cloud stands: {marks.place}"))
        marks = replace(marks, origin=None, georeference=())
    return sound if marks == sound.marks else replace(sound, marks=marks)


def _target_format(target: Writable, format: str | None) -> str:
    if format is not None:
        return format
    if not isinstance(target, (str, os.PathLike)):
        raise UnknownFormatError(f"the target does not tell a format, name one of {_keys_where('can_write')}")
    return format_of(target)


def _writer_row(format: str, options: dict[str, object]) -> Format:
    row = _row(format)
    if row.writer is None:
        raise UnknownFormatError(f"format {format!r} is not written, only {_keys_where('can_write')}")
    _check_options(format, options, row.arguments)
    return row


def _check_options(format: str, options: dict[str, object], accepted: tuple[str, ...]) -> None:
    unknown = [name for name in options if name not in accepted]
    if unknown:
        taken = ", ".join(accepted) or "none"
        raise InvalidCloudError(f"format {format!r} has no option {unknown[0]!r}, it takes: {taken}")


def _row(format: str) -> Format:
    try:
        return FORMATS[format]
    except KeyError:
        raise UnknownFormatError(f"unknown format {format!r}, wants one of {', '.join(FORMATS)}") from None


def _keys_where(capability: str) -> str:
    return ", ".join(key for key, row in FORMATS.items() if getattr(row, capability))


def _sniff(source: Source) -> str:
    found = _by_magic(source)
    if found is not None:
        return found.key
    words = what_it_is(_head(source))
    if words is not None:
        raise UnsupportedFileError(f"{source.name}: {words}")
    raise UnknownFormatError(f"{source.name}: the first bytes tell no format, name one of {_keys_where('can_read')}")


def _told(path: str | os.PathLike[str], source: Source, losses: list[Loss]) -> str:
    """The format that a file's extension tells, or its first bytes where they contradict that."""
    found = _by_magic(source)
    try:
        key = format_of(path)
    except UnknownFormatError:
        if found is None and what_it_is(_head(source)) is None:
            raise
        return _sniff(source)
    row = FORMATS[key]
    if found is None or not set(found.magic).isdisjoint(row.magic):
        return key
    # Without a beginning of its own a format may begin with any two bytes by chance.
    if not row.magic and not _is_surely(found, _head(source)):
        return key
    losses.append(Loss("guessed", f"named as {key}, but its first bytes are those of {found.key}: read as that"))
    return found.key


def _by_magic(source: Source) -> Format | None:
    return next((row for row in FORMATS.values() if row.magic and _head(source).startswith(row.magic)), None)


def _is_surely(row: Format, head: bytes) -> bool:
    """Whether a file begins as a format does, and not as numbers do by chance."""
    return any(len(magic) >= _SURE_BYTES and head.startswith(magic) for magic in row.magic)


def _head(source: Source) -> bytes:
    return bytes(source.data[:HEAD_BYTES])


def _among_alike(row: Format, source: Source) -> Format:
    """The format that a file really has, among those that begin with the same bytes as `row`."""
    alike = [r for r in FORMATS.values() if not set(r.magic).isdisjoint(row.magic)]
    told = [r for r in alike if r.is_it and r.is_it(source)]
    untold = [r for r in alike if not r.is_it]
    return next(iter((*told, *untold)), row)


def _dropped(losses: list[Loss]) -> int:
    return sum(loss.count for loss in losses if loss.code == "dropped")
