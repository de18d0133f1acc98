"""PlayCanvas SOG, version 2: a zip, stored, of `meta.json` and lossless WebP textures.

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
Source: developer.playcanvas.com, "The SOG Format".
"""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..cloud import GaussianCloud
from ..compiled import F32, F64, I64, U8
from ..errors import InvalidCloudError
from ..losses import Loss
from ..numerics import LOGITS_OF_BYTES
from ..source import ReadLimits, Source
from ..stream import SoundStream
from ..threads import workers
from . import sog_meta, sog_pixels, texture
from .archive import open_archive, stored
from .base import Decoded, Encoded
from .codebook import codebook_of, labels_of
from .palette import palette_of

_ORDERS = ("morton", "file")
_CENTROIDS_PER_LINE = 64
_PALETTE_UNIT = 1024
_MOST_PALETTE_UNITS = 64
_METHOD = 1
_QUALITY = 0
_QUALITIES = {
    "quats": 30
}  # from 30 on libwebp looks for repetitions in earnest: 1 to 17 % less, elsewhere close to none


def read(source: Source, limits: ReadLimits) -> Decoded:
    """Decode a zipped SOG. No picture is unpacked before its size is found to fit the count in `meta.json`."""
    archive = open_archive(source)
    meta = sog_meta.read(archive)
    limits.check_points(meta.count, source.name)
    pixels = sog_meta.read_textures(archive, meta, limits)
    n = meta.count
    cloud = GaussianCloud(
        means=np.empty((n, 3), np.float32),
        log_scales=meta.scales[pixels["scales"][:n, :3]],
        quaternions=np.empty((n, 4), np.float32),
        opacity_logits=LOGITS_OF_BYTES[pixels["sh0"][:n, 3]],
        sh=np.empty((n, meta.coefficients + 1, 3), np.float32),
    )
    positions = sog_pixels.positions_of_words(meta.mins, meta.maxs)
    sog_pixels.unpack_means(pixels["means_l"], pixels["means_u"], positions, cloud.means)
    sog_pixels.unpack_rotations(pixels["quats"], cloud.quaternions)
    cloud.sh[:, 0] = meta.sh0[pixels["sh0"][:n, :3]]
    if meta.coefficients:
        centroids = meta.centroids[pixels["shN_centroids"][:, :3]].reshape(-1, meta.coefficients, 3)
        labels = sog_meta.palette_labels(pixels["shN_labels"][:n], meta, source.name)
        cloud.sh[:, 1:] = centroids[labels]
    return Decoded(cloud, [])


def write(stream: SoundStream, *, order: str = "morton") -> Encoded:
    """Encode as a zip.

    order: "morton" sorts by place, which the textures' compression lives on; "file" keeps the cloud's order. Spherical
    harmonics beyond the colour share a palette of up to 65,536 rows.
    """
    if order not in _ORDERS:
        raise InvalidCloudError(f"order is {order!r}, sog takes one of {', '.join(_ORDERS)}")
    losses = []
    if order == "morton":
        losses.append(Loss("order", "Gaussians were sorted by place (Morton order)"))
        stream = stream.selected(stream.places.morton_order)
    textures, meta = _textures(stream.cloud(), stream.places.low, stream.places.high)
    with ThreadPoolExecutor(workers()) as pool:
        files = list(pool.map(lambda n: texture.encode(textures[n], _QUALITIES.get(n, _QUALITY), _METHOD), textures))
    entries = [(f"{name}.webp", data) for name, data in zip(textures, files, strict=True)]
    description = json.dumps(meta, separators=(",", ":")).encode("ascii")
    return Encoded(stored([*entries, ("meta.json", description)]), losses)


def _textures(cloud: GaussianCloud, low_bound: F64, high_bound: F64) -> tuple[dict[str, U8], dict[str, object]]:
    width, height = _shape(cloud.count)
    shape = (height * width, 3)
    low, high, scales = (np.zeros(shape, np.uint8) for _ in range(3))
    quats, sh0 = (np.zeros((height * width, 4), np.uint8) for _ in range(2))
    mins, maxs = sog_pixels.log_of(low_bound), sog_pixels.log_of(high_bound)
    scale_book, color_book = codebook_of(cloud.log_scales.ravel()), codebook_of(cloud.sh[:, 0].ravel())
    sog_pixels.pack_means(cloud.means, mins, maxs, low, high)
    sog_pixels.pack_rotations(cloud.quaternions, quats)
    sog_pixels.pack_levels(cloud.log_scales, sog_pixels.table(scale_book), scales)
    sog_pixels.pack_levels(cloud.sh[:, 0], sog_pixels.table(color_book), sh0)
    sog_pixels.pack_opacities(cloud.opacity_logits, sh0)
    textures = {"means_l": low, "means_u": high, "quats": quats, "scales": scales, "sh0": sh0}
    meta: dict[str, object] = {
        "version": sog_meta.VERSION,
        "asset": {"generator": "ImmichVR"},
        "count": cloud.count,
        "means": {"mins": mins.tolist(), "maxs": maxs.tolist(), "files": ["means_l.webp", "means_u.webp"]},
        "scales": {"codebook": _numbers(scale_book), "files": ["scales.webp"]},
        "quats": {"files": ["quats.webp"]},
        "sh0": {"codebook": _numbers(color_book), "files": ["sh0.webp"]},
    }
    pictures = {name: pixels.reshape(height, width, -1) for name, pixels in textures.items()}
    if cloud.sh_degree and cloud.count:
        labels, centroids, meta["shN"] = _palette(cloud)
        label_pixels = np.zeros(shape, np.uint8)
        label_pixels[: cloud.count, 0] = labels & 255
        label_pixels[: cloud.count, 1] = labels >> 8
        pictures["shN_centroids"] = centroids
        pictures["shN_labels"] = label_pixels.reshape(height, width, 3)
    return pictures, meta


def _palette(cloud: GaussianCloud) -> tuple[I64, U8, dict[str, object]]:
    """Labels, (N,), the texture of the palette they choose from, and what `meta.json` says about it."""
    coefficients = cloud.sh.shape[1] - 1
    rows = np.ascontiguousarray(cloud.sh[:, 1:]).reshape(cloud.count, coefficients * 3)
    palette, labels = palette_of(rows, _palette_size(cloud.count))
    book = codebook_of(palette.ravel())
    count = palette.shape[0]
    lines = -(-count // _CENTROIDS_PER_LINE)
    pixels = np.zeros((lines * _CENTROIDS_PER_LINE, coefficients * 3), np.uint8)
    pixels[:count] = labels_of(palette.ravel(), book).reshape(count, -1)
    meta = {
        "count": count,
        "bands": cloud.sh_degree,
        "codebook": _numbers(book),
        "files": ["shN_centroids.webp", "shN_labels.webp"],
    }
    return labels, pixels.reshape(lines, _CENTROIDS_PER_LINE * coefficients, 3), meta


def _palette_size(count: int) -> int:
    units = 1
    while units < _MOST_PALETTE_UNITS and 2 * units * _PALETTE_UNIT <= count:
        units *= 2
    return units * _PALETTE_UNIT


def _shape(count: int) -> tuple[int, int]:
    width = max(4, int(np.ceil(np.sqrt(count) / 4)) * 4)
    height = max(4, -(-count // (4 * width)) * 4)
    return width, height


def _numbers(book: F32) -> list[float]:
    return [float(f"{level:.9g}") for level in book.tolist()]  # nine digits hold any float32
