"""SOG's `meta.json` and the textures it names, believed in nothing."""

import contextlib
import json
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from immichvr_splats.cloud import SH_COEFFICIENTS, STORED_SH_COEFFICIENTS, THINNEST_LOG_SCALE
from immichvr_splats.compiled import F32, F64, U8
from immichvr_splats.errors import MalformedFileError, UnsupportedFileError
from immichvr_splats.formats.sog import webp
from immichvr_splats.formats.sog.archive import Archive, plain_name
from immichvr_splats.formats.sog.codebook import LEVELS
from immichvr_splats.losses import Loss, number
from immichvr_splats.numerics import LOGITS_OF_BYTES
from immichvr_splats.source import ReadLimits
from immichvr_splats.threads import workers

VERSION = 2
META_NAME = "meta.json"
ANTIALIASED = "antialiased"
"""`model` of a cloud that was trained for antialiased rendering, as splat-transform writes it; before, `antialias`."""

_PACKED = "quaternion_packed"
_LARGEST_META = 1 << 20
_CENTROIDS_PER_LINE = 64
_MOST_CENTROIDS = 65_536
_PIXELS_PER_GAUSSIAN = 4  # a texture may have a margin, but not be a picture of nothing
_PIXELS_AT_LEAST = 1 << 16
_BYTES_PER_PIXEL = 4
_Json = Mapping[str, object]


@dataclass(frozen=True)
class Meta:
    """What `meta.json` says. files: names of the textures' entries, by what they hold.

    mins, maxs: (3,). scales, sh0: (3, 256), what bytes stand for on each axis, in each colour; logits: (256,).
    centroids: (256,). coefficients: of SH beyond the colour in the palette, 0, 3, 8, 15, or 24, which are cut.
    """

    count: int
    mins: F64
    maxs: F64
    scales: F32
    sh0: F32
    logits: F32
    centroids: F32
    palette: int
    coefficients: int
    files: dict[str, str]
    antialiased: bool
    losses: list[Loss]

    @property
    def degree(self) -> int:
        """What is read, 0 to 3."""
        return min(STORED_SH_COEFFICIENTS.index(self.coefficients + 1), len(SH_COEFFICIENTS) - 1)


def read(archive: Archive, limits: ReadLimits) -> Meta:
    """Parse and check. Raises MalformedFileError, UnsupportedFileError, LimitExceededError."""
    where = f"{archive.source.name}: {META_NAME}"
    text = bytes(archive.read(META_NAME, _LARGEST_META))
    try:
        meta = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedFileError(f"{where}: not JSON ({error})") from error
    if not isinstance(meta, dict):
        raise MalformedFileError(f"{where}: wants an object at the top")
    version = meta.get("version", 1 if "means" in meta else None)
    if version not in _READERS:
        raise UnsupportedFileError(f"{where}: version {str(version)[:20]}, versions 1 and {VERSION} are read")
    means, scales, quats, sh0 = (_object(meta, key, where) for key in ("means", "scales", "quats", "sh0"))
    files = dict(zip(("means_l", "means_u"), _files(means, "means", 2, where), strict=True))
    for name, part in (("quats", quats), ("scales", scales), ("sh0", sh0)):
        (files[name],) = _files(part, name, 1, where)
    rest = None
    if meta.get("shN") is not None:
        rest = _object(meta, "shN", where)
        files |= zip(("shN_centroids", "shN_labels"), _files(rest, "shN", 2, where), strict=True)
    losses: list[Loss] = []
    tables = _READERS[version](meta, rest, where, losses)
    palette, coefficients = tables.palette, tables.coefficients
    if version == 1 and rest is not None:
        palette, coefficients = _palette_by_size(archive, files["shN_centroids"], limits)
    if coefficients + 1 not in SH_COEFFICIENTS:
        degree = STORED_SH_COEFFICIENTS.index(coefficients + 1)
        losses.append(
            Loss("sh_degree", f"spherical harmonics of degree {degree}: at most degree 3 is read", tables.count)
        )
    return Meta(
        count=tables.count,
        mins=_numbers(means, "mins", 3, f"{where}: means"),
        maxs=_numbers(means, "maxs", 3, f"{where}: means"),
        scales=tables.scales,
        sh0=tables.sh0,
        logits=tables.logits,
        centroids=tables.centroids,
        palette=palette,
        coefficients=coefficients,
        files=files,
        antialiased=meta.get("model") == ANTIALIASED or meta.get("antialias") is True,
        losses=losses,
    )


@dataclass(frozen=True)
class _Tables:
    """As in Meta."""

    count: int
    scales: F32
    sh0: F32
    logits: F32
    centroids: F32
    palette: int = 0
    coefficients: int = 0


def _version_2(meta: _Json, rest: _Json | None, where: str, losses: list[Loss]) -> _Tables:
    bands, palette, centroids = 0, 0, np.zeros(LEVELS, np.float32)
    if rest is not None:
        bands = _integer(rest, "bands", 1, len(STORED_SH_COEFFICIENTS) - 1, f"{where}: shN")
        palette = _integer(rest, "count", 1, _MOST_CENTROIDS, f"{where}: shN")
        centroids = _codebook(rest, "shN", where, losses)
    scales, sh0 = (_codebook(_object(meta, name, where), name, where, losses) for name in ("scales", "sh0"))
    return _Tables(
        count=_integer(meta, "count", 0, 2**32 - 1, where),
        scales=np.tile(scales, (3, 1)),
        sh0=np.tile(sh0, (3, 1)),
        logits=LOGITS_OF_BYTES,
        centroids=centroids,
        palette=palette,
        coefficients=STORED_SH_COEFFICIENTS[bands] - 1,
    )


def _version_1(meta: _Json, rest: _Json | None, where: str, losses: list[Loss]) -> _Tables:
    """All levels are evenly between a minimum and a maximum; opacity is a logit; a shape tells the count."""
    shape = _object(meta, "means", where).get("shape")
    sizes = shape if isinstance(shape, list) and shape else [None]
    encoding = _object(meta, "quats", where).get("encoding", _PACKED)
    if encoding != _PACKED:
        raise UnsupportedFileError(f"{where}: quats are encoded as {str(encoding)[:40]!r}, {_PACKED!r} is read")
    sh0 = _even(_object(meta, "sh0", where), 4, f"{where}: sh0")
    return _Tables(
        count=_integer({"shape": sizes[0]}, "shape", 0, 2**32 - 1, f"{where}: means"),
        scales=_even(_object(meta, "scales", where), 3, f"{where}: scales"),
        sh0=np.ascontiguousarray(sh0[:3]),
        logits=np.ascontiguousarray(sh0[3]),
        centroids=np.zeros(LEVELS, np.float32) if rest is None else _even(rest, 1, f"{where}: shN")[0],
    )


_READERS = {1: _version_1, VERSION: _version_2}


def _even(part: _Json, channels: int, where: str) -> F32:
    """(channels, 256) levels from mins to maxs, which are plain numbers where there is one channel."""
    ends = {}
    for key in ("mins", "maxs"):
        value = part.get(key)
        ends[key] = _numbers({key: value if isinstance(value, list) else [value]}, key, channels, where)
    levels: F32 = np.linspace(ends["mins"], ends["maxs"], LEVELS, axis=1).astype(np.float32)
    return levels


def _palette_by_size(archive: Archive, file: str, limits: ReadLimits) -> tuple[int, int]:
    """Rows and coefficients of version 1, which only the picture tells."""
    where = f"{archive.source.name}: {file}"
    width, height = webp.size_of(archive.read(file, limits.max_decompressed_bytes), where)
    coefficients, left = divmod(width, _CENTROIDS_PER_LINE)
    rows = height * _CENTROIDS_PER_LINE
    if left or coefficients + 1 not in STORED_SH_COEFFICIENTS[1:] or not 0 < rows <= _MOST_CENTROIDS:
        wanted = ", ".join(str(_CENTROIDS_PER_LINE * (k - 1)) for k in STORED_SH_COEFFICIENTS[1:])
        raise MalformedFileError(f"{where}: {width}x{height} pixels, a palette is {wanted} wide")
    return rows, coefficients


def read_textures(archive: Archive, meta: Meta, limits: ReadLimits) -> dict[str, U8]:
    """Pixels, (pixels, 4), of every texture, by what it holds; sizes are checked before anything is unpacked."""
    packed: dict[str, bytes | memoryview] = {}
    total = 0
    for name, file in meta.files.items():
        where = f"{archive.source.name}: {file}"
        packed[name] = archive.read(file, limits.max_decompressed_bytes)
        width, height = webp.size_of(packed[name], where)
        _check_shape(name, width, height, meta, where)
        total += width * height * _BYTES_PER_PIXEL
    limits.check_decompressed(total, archive.source.name)
    with ThreadPoolExecutor(workers()) as pool:
        return dict(zip(packed, pool.map(lambda n: _pixels(archive, meta.files[n], packed[n]), packed), strict=True))


def check_labels(pixels: U8, meta: Meta, name: str) -> None:
    """Raise MalformedFileError if one of `pixels`, (N, 4), names a row beyond the palette."""
    labels = pixels[:, 1].astype(np.uint16) << 8
    labels |= pixels[:, 0]
    if labels.size and labels.max() >= meta.palette:
        worst = int(labels.argmax())
        raise MalformedFileError(
            f"{name}: {meta.files['shN_labels']}: Gaussian {worst:,} wants row {labels[worst]:,} of a palette of "
            f"{meta.palette:,}"
        )


def _check_shape(name: str, width: int, height: int, meta: Meta, where: str) -> None:
    if name == "shN_centroids":
        wanted_width = _CENTROIDS_PER_LINE * meta.coefficients
        lines = -(-meta.palette // _CENTROIDS_PER_LINE)
        if width != wanted_width or not lines <= height <= _MOST_CENTROIDS // _CENTROIDS_PER_LINE:
            raise MalformedFileError(
                f"{where}: {width}x{height} pixels, {meta.palette:,} palette rows want {wanted_width}x{lines}"
            )
        return
    most = max(_PIXELS_PER_GAUSSIAN * meta.count, _PIXELS_AT_LEAST)
    if not meta.count <= width * height <= most:
        raise MalformedFileError(
            f"{where}: {width}x{height} pixels for {meta.count:,} Gaussians, wants that many, at most {most:,}"
        )


def _pixels(archive: Archive, file: str, data: bytes | memoryview) -> U8:
    picture = webp.decode(data, f"{archive.source.name}: {file}")
    pixels = picture.reshape(-1, picture.shape[2])
    if pixels.shape[1] < _BYTES_PER_PIXEL:  # an encoder drops an alpha channel that is 255 everywhere
        opaque = np.full((pixels.shape[0], _BYTES_PER_PIXEL), 255, np.uint8)
        opaque[:, :3] = pixels
        pixels = opaque
    pixels.flags.writeable = False  # one kind of array, one compiled kernel
    return pixels


def _object(parent: _Json, key: str, where: str) -> _Json:
    value = parent.get(key)
    if not isinstance(value, dict):
        raise MalformedFileError(f"{where}: {key!r} is missing or not an object")
    return value


def _integer(parent: _Json, key: str, least: int, most: int, where: str) -> int:
    value = parent.get(key)
    if isinstance(value, float) and value.is_integer():  # as it is in JavaScript
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise MalformedFileError(f"{where}: {key!r} is {str(value)[:20]}, wants an integer from {least} to {most:,}")
    return value


def _numbers(parent: _Json, key: str, size: int, where: str) -> F64:
    values = parent.get(key)
    if isinstance(values, list) and len(values) == size and all(type(v) in (int, float) for v in values):
        with contextlib.suppress(OverflowError):  # an integer beyond float64
            numbers = np.array([float(v) for v in values])
            if (np.abs(numbers) < np.finfo(np.float32).max).all():
                return numbers
    raise MalformedFileError(f"{where}: {key!r} wants {size} finite numbers")


def _codebook(parent: _Json, name: str, where: str, losses: list[Loss]) -> F32:
    """256 levels. Those that are null or no number lie on the line through the others, but for flat Gaussians'."""
    values = parent.get("codebook")
    if not isinstance(values, list) or len(values) != LEVELS:
        values = []
    thinnest = values.count(-math.inf) if name == "scales" else 0
    if thinnest:
        values = [THINNEST_LOG_SCALE if value == -math.inf else value for value in values]
        message = f"{name}: {number(thinnest, 'level')} of minus infinity, of flat Gaussians: as thin as can be"
        losses.append(Loss("clamped", message))
    values = [None if type(value) is float and not math.isfinite(value) else value for value in values]
    known = [i for i, value in enumerate(values) if value is not None]
    if len(known) in (0, LEVELS):
        if values and not known:
            raise MalformedFileError(f"{where}: {name}: 'codebook' holds no number, only null")
        return _numbers({"codebook": values or None}, "codebook", LEVELS, f"{where}: {name}").astype(np.float32)
    told = _numbers({"codebook": [values[i] for i in known]}, "codebook", len(known), f"{where}: {name}")
    slope = (told[-1] - told[0]) / (LEVELS - 1)  # as PlayCanvas' engine fills in the first
    indices = np.arange(LEVELS)
    levels = np.interp(indices, known, told) + slope * (
        np.minimum(indices - known[0], 0) + np.maximum(indices - known[-1], 0)
    )
    missing = LEVELS - len(known)
    losses.append(Loss("guessed", f"{name}: {number(missing, 'level')} of the codebook null, taken from the others"))
    filled: F32 = levels.astype(np.float32)
    return filled


def _files(parent: _Json, name: str, count: int, where: str) -> list[str]:
    files = parent.get("files")
    if not isinstance(files, list) or len(files) != count or not all(plain_name(f) for f in files):
        raise MalformedFileError(f"{where}: {name}: 'files' wants {count} plain file names, without folders")
    return files
