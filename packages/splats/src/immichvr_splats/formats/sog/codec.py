"""PlayCanvas SOG: a zip, stored, of `meta.json` and lossless WebP textures. Version 2; version 1 is read too.

Every texture has a pixel for each Gaussian, row by row, ceil(sqrt(N) / 4) * 4 wide, as high in fours as N needs:

| texture         | channels | value                                                                                |
|-----------------|----------|--------------------------------------------------------------------------------------|
| means_l         | RGB      | low bytes of u16 x, y, z: (l - mins) / (maxs - mins) * 65535, l = sign(v) ln(|v| + 1) |
| means_u         | RGB      | high bytes                                                                           |
| quats           | RGB      | the three of w, x, y, z beside the largest, times its sign: q / sqrt(2) + 1/2         |
|                 | A        | 252 + index of the largest                                                           |
| scales          | RGB      | level of ln s in `scales.codebook`                                                   |
| sh0             | RGB      | level of f_dc in `sh0.codebook`                                                      |
|                 | A        | sigmoid(logit) * 255                                                                 |
| shN_labels      | RG       | low and high byte of the row in shN_centroids                                        |
| shN_centroids   | RGB      | 64 rows of K pixels a line, K = 3, 8, 15; level of a coefficient in `shN.codebook`    |

`meta.json`: {version: 2, count, means: {mins, maxs, files}, scales: {codebook, files}, quats: {files},
sh0: {codebook, files}, shN?: {count, bands, codebook, files}}; codebooks have 256 numbers. Bytes are rounded, where the
reference writer truncates: half the error, the same readers. Axes are stored as they are (RDF).
Version 1 has no `version`; means.shape[0] for the count, {mins, maxs} of each channel instead of codebooks, evenly
between them, of sh0 four, the last of logits; and the palette's width alone tells its degree.
Source: developer.playcanvas.com, "The SOG Format".
"""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from immichvr_splats.cloud import SH_COEFFICIENTS, Marks
from immichvr_splats.compiled import F32, U8
from immichvr_splats.errors import InvalidCloudError, UnsupportedFileError
from immichvr_splats.formats.base import Decoded, Encoded, Head
from immichvr_splats.formats.sog import metadata, texels, webp
from immichvr_splats.formats.sog.archive import Archive, open_archive, stored
from immichvr_splats.formats.sog.textures import base_textures, codebooks, palette_textures
from immichvr_splats.formats.sog.unpacking import Tables, centroids_of, unpack, unpack_means
from immichvr_splats.losses import Loss
from immichvr_splats.reach import sampled_rows, within_reach
from immichvr_splats.source import ReadLimits, Source
from immichvr_splats.stream import SOUND, UNSURE, SoundStream, Stream
from immichvr_splats.threads import workers

_ORDERS = ("morton", "file")
_FEW = 5
_LARGEST_WORD = 65_535
_FINE_STEP = 1e-3
"""Metres between neighbouring means; coarser ones are told."""

_METHOD = 1
_MOST_PIXELS_AT_ONCE = 12 << 20  # libwebp takes up to 29 bytes for each pixel that it is at work on
_QUALITY = 0
_QUALITIES = {
    "quats": 30
}  # from 30 on libwebp looks for repetitions in earnest: 1 to 17 % less, elsewhere close to none


def read(source: Source, limits: ReadLimits) -> Decoded:
    """Decode a zipped SOG. No picture is unpacked before its size is found to fit the count in `meta.json`."""
    archive = _opened(source)
    meta = metadata.read(archive, limits)
    limits.check_points(meta.count, source.name)
    pixels = metadata.read_textures(archive, meta, limits)
    positions = texels.positions_of_words(meta.mins, meta.maxs)
    tables = Tables(positions, meta.scales, meta.sh0, meta.logits, centroids_of(meta, pixels))
    if meta.coefficients:
        metadata.check_labels(pixels["shN_labels"][: meta.count], meta, source.name)
    finite = bool(np.isfinite(positions).all())
    stream = Stream(
        meta.count,
        meta.degree,
        lambda rows: unpack(pixels, tables, rows, SH_COEFFICIENTS[meta.degree] - 1),
        decode_means=lambda rows: unpack_means(pixels, tables, rows),
        glance=lambda rows: SOUND if finite and texels.are_unit(pixels["quats"][rows]) else UNSURE,
        decode_less=lambda rows, degree: unpack(pixels, tables, rows, SH_COEFFICIENTS[degree] - 1),
        marks=Marks(antialiased=meta.antialiased),
    )
    return Decoded(stream, meta.losses)


def head(source: Source) -> Head:
    """What `meta.json` says. Raises MalformedFileError, UnsupportedFileError."""
    meta = metadata.read(_opened(source), ReadLimits())
    return Head(meta.count, meta.degree)


def write(stream: SoundStream, *, order: str = "morton") -> Encoded:
    """Encode as a zip.

    order: "morton" sorts by place, which the textures' compression lives on; "file" keeps the cloud's order. Spherical
    harmonics beyond the colour share a palette of up to 65,536 rows.
    """
    if order not in _ORDERS:
        raise InvalidCloudError(f"order is {order!r}, sog takes one of {', '.join(_ORDERS)}")
    stream, losses = within_reach(stream)
    places, ordered = stream.places, stream
    if order == "morton":
        losses.append(Loss("order", "Gaussians were sorted by place (Morton order)"))
        ordered = stream.selected(places.morton_order)
    losses += _precision_losses(stream)
    scale_book, color_book, clamped = codebooks(stream)
    losses += clamped
    meta: dict[str, object] = {
        "version": metadata.VERSION,
        "asset": {"generator": "ImmichVR"},
        **({"model": metadata.ANTIALIASED} if stream.marks.antialiased else {}),
        "count": stream.count,
        "means": {
            "mins": texels.log_of(places.low).tolist(),
            "maxs": texels.log_of(places.high).tolist(),
            "files": ["means_l.webp", "means_u.webp"],
        },
        "scales": {"codebook": _numbers(scale_book), "files": ["scales.webp"]},
        "quats": {"files": ["quats.webp"]},
        "sh0": {"codebook": _numbers(color_book), "files": ["sh0.webp"]},
    }
    entries = []
    if stream.sh_degree and stream.count:
        pictures, book, size, clamped = palette_textures(ordered)
        losses += clamped
        files = ["shN_centroids.webp", "shN_labels.webp"]
        meta["shN"] = {"count": size, "bands": stream.sh_degree, "codebook": _numbers(book), "files": files}
        entries += _encoded(pictures)
    entries += _encoded(base_textures(ordered, scale_book, color_book))
    entries.append(("meta.json", json.dumps(meta, separators=(",", ":")).encode("ascii")))
    return Encoded(stored(entries), losses)


def _precision_losses(stream: SoundStream) -> list[Loss]:
    """How coarse the steps of means are, where those of most are: they grow with the distance and with the cloud."""
    if not stream.count:
        return []
    means = stream.means(sampled_rows(stream.count)).astype(np.float64)
    spans = texels.log_of(stream.places.high) - texels.log_of(stream.places.low)
    steps = (spans / _LARGEST_WORD * (np.abs(means) + 1)).max(axis=1)
    middle = float(np.median(steps))
    if middle <= _FINE_STEP:
        return []
    message = (
        f"means are stored in steps that grow with their distance from the origin: up to {steps.max():.2g} m, "
        f"{middle:.2g} m in the middle of all"
    )
    return [Loss("precision", message, stream.count)]


def _opened(source: Source) -> Archive:
    """The zip, or the one folder in it that holds a SOG. Raises UnsupportedFileError for a zip of something else."""
    archive = open_archive(source)
    if metadata.META_NAME in archive.entries:
        return archive
    inside = f"/{metadata.META_NAME}"
    folders = [n.removesuffix(metadata.META_NAME) for n in archive.entries if n.endswith(inside) and _is_content(n)]
    if len(folders) == 1:
        return archive.within(folders[0])
    names = [n for n in archive.entries if _is_content(n) and not n.endswith("/")]
    shown = ", ".join(n[:60] for n in names[:_FEW]) + (f" and {len(names) - _FEW} more" if len(names) > _FEW else "")
    if any(n.endswith("lod-meta.json") for n in names) or folders:
        what = f"a zip of {len(folders)} SOGs (levels of detail)"
        raise UnsupportedFileError(f"{source.name}: {what}: {shown}; unpack it and convert the folder of one of them")
    raise UnsupportedFileError(
        f"{source.name}: a zip of {shown or 'nothing'}, not a SOG, which has a {metadata.META_NAME}; "
        "unpack it and convert the splat file in it"
    )


def _is_content(name: str) -> bool:
    return not name.startswith("__MACOSX/")  # which macOS puts beside every file


def _encoded(pictures: dict[str, U8]) -> list[tuple[str, bytes]]:
    """The entries of `pictures`, which are taken out of it so that none takes room any longer than it has to."""

    def encode(name: str) -> tuple[str, bytes]:
        return f"{name}.webp", webp.encode(pictures.pop(name), _QUALITIES.get(name, _QUALITY), _METHOD)

    height, width, _ = max(picture.shape for picture in pictures.values())
    at_once = max(1, min(workers(), _MOST_PIXELS_AT_ONCE // (height * width)))
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(encode, list(pictures)))


def _numbers(book: F32) -> list[float]:
    return [float(f"{level:.9g}") for level in book.tolist()]  # nine digits hold any float32
