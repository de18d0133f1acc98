"""SOG's `meta.json` and the textures it names, believed in nothing."""

import contextlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..cloud import SH_COEFFICIENTS
from ..compiled import F32, F64, U8
from ..errors import MalformedFileError, UnsupportedFileError
from ..source import ReadLimits
from ..threads import workers
from . import texture
from .archive import Archive, plain_name
from .codebook import LEVELS

VERSION = 2
_NAME = "meta.json"
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

    mins, maxs: (3,). scales, sh0, centroids: (256,) codebooks. coefficients: of SH beyond the colour, 0, 3, 8 or 15.
    """

    count: int
    mins: F64
    maxs: F64
    scales: F32
    sh0: F32
    centroids: F32
    palette: int
    coefficients: int
    files: dict[str, str]


def read(archive: Archive) -> Meta:
    """Parse and check. Raises MalformedFileError, UnsupportedFileError."""
    where = f"{archive.source.name}: {_NAME}"
    text = bytes(archive.read(_NAME, _LARGEST_META))
    try:
        meta = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedFileError(f"{where}: not JSON ({error})") from error
    if not isinstance(meta, dict):
        raise MalformedFileError(f"{where}: wants an object at the top")
    if meta.get("version") != VERSION:
        raise UnsupportedFileError(f"{where}: version {str(meta.get('version'))[:20]}, version {VERSION} is read")
    means, scales, quats, sh0 = (_object(meta, key, where) for key in ("means", "scales", "quats", "sh0"))
    files = dict(zip(("means_l", "means_u"), _files(means, "means", 2, where), strict=True))
    for name, part in (("quats", quats), ("scales", scales), ("sh0", sh0)):
        (files[name],) = _files(part, name, 1, where)
    bands, palette, centroids = 0, 0, np.zeros(LEVELS, np.float32)
    if meta.get("shN") is not None:
        rest = _object(meta, "shN", where)
        bands = _integer(rest, "bands", 1, len(SH_COEFFICIENTS) - 1, f"{where}: shN")
        palette = _integer(rest, "count", 1, _MOST_CENTROIDS, f"{where}: shN")
        centroids = _codebook(rest, "shN", where)
        files |= zip(("shN_centroids", "shN_labels"), _files(rest, "shN", 2, where), strict=True)
    return Meta(
        count=_integer(meta, "count", 0, 2**32 - 1, where),
        mins=_numbers(means, "mins", 3, f"{where}: means"),
        maxs=_numbers(means, "maxs", 3, f"{where}: means"),
        scales=_codebook(scales, "scales", where),
        sh0=_codebook(sh0, "sh0", where),
        centroids=centroids,
        palette=palette,
        coefficients=SH_COEFFICIENTS[bands] - 1,
        files=files,
    )


def read_textures(archive: Archive, meta: Meta, limits: ReadLimits) -> dict[str, U8]:
    """Pixels, (pixels, 4), of every texture, by what it holds; sizes are checked before anything is unpacked."""
    packed: dict[str, bytes | memoryview] = {}
    total = 0
    for name, file in meta.files.items():
        where = f"{archive.source.name}: {file}"
        packed[name] = archive.read(file, limits.max_decompressed_bytes)
        width, height = texture.size_of(packed[name], where)
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
    picture = texture.decode(data, f"{archive.source.name}: {file}")
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


def _codebook(parent: _Json, name: str, where: str) -> F32:
    return _numbers(parent, "codebook", LEVELS, f"{where}: {name}").astype(np.float32)


def _files(parent: _Json, name: str, count: int, where: str) -> list[str]:
    files = parent.get("files")
    if not isinstance(files, list) or len(files) != count or not all(plain_name(f) for f in files):
        raise MalformedFileError(f"{where}: {name}: 'files' wants {count} plain file names, without folders")
    return files
