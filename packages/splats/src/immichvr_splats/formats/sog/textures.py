"""The textures of a SOG, filled block by block."""

from collections.abc import Mapping

import numpy as np

from immichvr_splats.cloud import SH_C0, GaussianCloud
from immichvr_splats.compiled import F32, F64, I64, U8
from immichvr_splats.formats.sog import texels
from immichvr_splats.formats.sog.codebook import Histogram, codebook_of, labels_of
from immichvr_splats.formats.sog.palette import F16, Means, one_blas_thread, palette_of, train
from immichvr_splats.losses import Loss, number
from immichvr_splats.numerics import count_outside, extremes_within
from immichvr_splats.reach import Interval, reach_of_values, sample_of
from immichvr_splats.stream import SoundStream
from immichvr_splats.threads import in_order

_CENTROIDS_PER_LINE = 64
_PALETTE_UNIT = 1024
_MOST_PALETTE_UNITS = 64
_MOST_SAMPLES = 1 << 19  # eight for each row of the largest palette: 0.1 dB less than of a million
_LEAST_SH_SPAN = 0.5  # of the middle, so that what is within ±1 is kept in any case
_LABELLED_AT_ONCE = 1 << 16  # products of matrices want many rows


def shape_of(count: int) -> tuple[int, int]:
    """Width and height of textures for `count` Gaussians."""
    width = max(4, int(np.ceil(np.sqrt(count) / 4)) * 4)
    height = max(4, -(-count // (4 * width)) * 4)
    return width, height


def codebooks(stream: SoundStream) -> tuple[F32, F32, list[Loss]]:
    """Levels of log-scales and of colours, (256,) each, and what lies too far from all others to have one."""
    flat = stream.with_sh_degree(0)
    if not flat.count:
        return codebook_of(np.empty(0, np.float32)), codebook_of(np.empty(0, np.float32)), []
    sample = sample_of(stream)
    reaches = reach_of_values(sample.log_scales, 1.0), reach_of_values(sample.sh, 1 / SH_C0)
    spans = _spans(np.array(list(flat.blocks(_extents))))
    losses: list[Loss] = []
    if not all(reach.holds(*span) for reach, span in zip(reaches, spans, strict=True)):
        extents = np.array(list(flat.blocks(lambda block: _extents_within(block, *reaches))))
        spans = _spans(extents)
        losses = _clamped({"log-scale": extents[:, 4].sum(), "colour": extents[:, 5].sum()})
    scales, colors = (Histogram.between(*span) for span in spans)

    def count(block: GaussianCloud) -> tuple[Histogram, Histogram]:
        return scales.counting(block.log_scales), colors.counting(block.sh)

    for block_scales, block_colors in flat.blocks(count):
        scales.add(block_scales)
        colors.add(block_colors)
    return scales.codebook(), colors.codebook(), losses


def _extents(block: GaussianCloud) -> list[np.float32]:
    """Least of log-scales and colours, then the greatest of both."""
    return [block.log_scales.min(), block.sh.min(), block.log_scales.max(), block.sh.max()]


def _extents_within(block: GaussianCloud, scales: Interval, colors: Interval) -> list[float]:
    """As `_extents` of what is within, then how many Gaussians have a log-scale, a colour, that is not."""
    found = extremes_within(block.log_scales, 0, *scales), extremes_within(block.flat_sh, 0, *colors)
    return [value for both in zip(*found, strict=True) for value in both]


def _spans(extents: F64) -> list[tuple[float, float]]:
    low, high = extents[:, :2].min(axis=0).tolist(), extents[:, 2:4].max(axis=0).tolist()
    return list(zip(low, high, strict=True))


def _clamped(strays: Mapping[str, float]) -> list[Loss]:
    return [
        Loss(
            "clamped",
            f"{number(int(count), 'Gaussian')} with a {what} so far from all others that they would lose precision, "
            "clamped",
            int(count),
        )
        for what, count in strays.items()
        if count
    ]


def base_textures(stream: SoundStream, scale_book: F32, color_book: F32) -> dict[str, U8]:
    """All that every SOG has, (height, width, 3 or 4), by name."""
    width, height = shape_of(stream.count)
    channels = {"quats": 4, "sh0": 4, "means_u": 3, "means_l": 3, "scales": 3}  # what takes longest to encode is first
    pictures = {name: np.zeros((height, width, depth), np.uint8) for name, depth in channels.items()}
    pixels = {name: picture.reshape(height * width, -1) for name, picture in pictures.items()}
    mins, maxs = texels.log_of(stream.places.low), texels.log_of(stream.places.high)
    scale_table, color_table = texels.table(scale_book), texels.table(color_book)
    flat = stream.with_sh_degree(0)

    def pack(rows: slice) -> None:
        block = flat.decode(rows)
        texels.pack_means(block.means, mins, maxs, pixels["means_l"][rows], pixels["means_u"][rows])
        texels.pack_rotations(block.quaternions, pixels["quats"][rows])
        texels.pack_levels(block.log_scales, scale_table, pixels["scales"][rows])
        texels.pack_levels(block.sh[:, 0], color_table, pixels["sh0"][rows])
        texels.pack_opacities(block.opacity_logits, pixels["sh0"][rows])

    for _ in in_order(pack, flat.slices()):
        pass
    return pictures


def palette_textures(stream: SoundStream) -> tuple[dict[str, U8], F32, int, list[Loss]]:
    """Textures of the palette and of the rows that Gaussians choose of it, its codebook, its size, what was clamped."""
    palette, labels, strays = _palette(stream)
    book = codebook_of(palette.ravel())
    size, numbers = palette.shape
    lines = -(-size // _CENTROIDS_PER_LINE)
    centroids = np.zeros((lines * _CENTROIDS_PER_LINE, numbers), np.uint8)
    centroids[:size] = labels_of(palette.ravel(), book).reshape(size, -1)
    width, height = shape_of(stream.count)
    pixels = np.zeros((height * width, 3), np.uint8)
    pixels[: labels.size, 0] = labels & 255
    pixels[: labels.size, 1] = labels >> 8
    pictures = {
        "shN_centroids": centroids.reshape(lines, _CENTROIDS_PER_LINE * numbers // 3, 3),
        "shN_labels": pixels.reshape(height, width, 3),
    }
    return pictures, book, size, _clamped({"SH coefficient": strays})


def _palette(stream: SoundStream) -> tuple[F32, I64, int]:
    """The palette, the row of it, (N,), that each Gaussian chooses, and how many have a coefficient that strays."""
    size = _palette_size(stream.count)
    reach = reach_of_values(sample_of(stream, stream.sh_degree).sh[:, 1:], _LEAST_SH_SPAN)
    if stream.count <= _MOST_SAMPLES:
        harmonics, strays = _harmonics(stream, slice(0, stream.count), reach)
        return *palette_of(harmonics, size), strays
    with one_blas_thread():
        trained = train(_sample(stream, reach), size)
        labels = np.empty(stream.count, np.uint16)
        means = Means(trained.rows)

        def label(rows: slice) -> tuple[F32, slice, int]:
            harmonics, outside = _harmonics(stream, rows, reach)
            labels[rows] = trained.nearest(harmonics)
            return harmonics, rows, outside

        strays = 0
        starts = range(0, stream.count, _LABELLED_AT_ONCE)
        blocks = [slice(s, min(s + _LABELLED_AT_ONCE, stream.count)) for s in starts]
        for harmonics, rows, outside in in_order(label, blocks):
            means.add(harmonics, labels[rows].astype(np.int64))
            strays += outside
    return means.rows(), labels.astype(np.int64), strays


def _sample(stream: SoundStream, reach: Interval) -> F16:
    """Harmonics of some Gaussians, (S, D), the same each time."""
    chosen = np.sort(np.random.default_rng(0).choice(stream.count, _MOST_SAMPLES, replace=False))
    some = stream.selected(chosen)
    return np.concatenate(
        list(in_order(lambda rows: _harmonics(some, rows, reach)[0].astype(np.float16), some.slices()))
    )


def _harmonics(stream: SoundStream, rows: slice, reach: Interval) -> tuple[F32, int]:
    """Coefficients beyond the colour, (N, D), clamped to their reach, and how many Gaussians have others."""
    sh = stream.decode(rows).sh[:, 1:]
    harmonics = np.ascontiguousarray(sh).reshape(sh.shape[0], -1)
    if reach.holds(float(harmonics.min()), float(harmonics.max())):
        return harmonics, 0
    return harmonics.clip(*reach), count_outside(harmonics, *reach)


def _palette_size(count: int) -> int:
    units = 1
    while units < _MOST_PALETTE_UNITS and 2 * units * _PALETTE_UNIT <= count:
        units *= 2
    return units * _PALETTE_UNIT
