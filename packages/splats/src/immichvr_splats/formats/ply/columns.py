"""Which properties of element vertex mean what, however the program that wrote a PLY spells them.

| spelling                             | of                                    | here                                  |
|--------------------------------------|---------------------------------------|---------------------------------------|
| scalar_f_dc_0, scalar_opacity, ...   | CloudCompare, all but x, y, z         | the name behind the prefix            |
| red green blue for f_dc_0..2         | nerfstudio, editors                   | colour / largest = 0.5 + C0 * f_dc    |
| no scale_2                           | 2DGS: surfels                         | a third axis of THINNEST_LOG_SCALE    |
| f_rest_0..71                         | degree 4                              | the coefficients up to degree 3       |
| filter_3D                            | mip-splatting, GOF                    | fused into scales and opacity         |

filter_3D, a standard deviation f: on each axis s'^2 = s^2 + f^2, and opacity * sqrt(prod s^2 / prod s'^2).
Source of it: github.com/autonomousvision/mip-splatting, `gaussian_model.py`, `get_opacity_with_3D_filter`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from immichvr_splats.cloud import SH_C0, SH_COEFFICIENTS, STORED_SH_COEFFICIENTS, THINNEST_LOG_SCALE, GaussianCloud
from immichvr_splats.compiled import F32
from immichvr_splats.errors import MalformedFileError, UnsupportedFileError
from immichvr_splats.formats.ply.header import Element, Header
from immichvr_splats.formats.ply.rows import BASE, rest_names
from immichvr_splats.losses import Loss
from immichvr_splats.reach import sampled_rows

COLOR_NAMES = (("red", "green", "blue"), ("r", "g", "b"), ("diffuse_red", "diffuse_green", "diffuse_blue"))
"""How red, green and blue are spelled."""

STORED_REST_COUNTS = tuple(3 * (k - 1) for k in STORED_SH_COEFFICIENTS)

_PREFIX = "scalar_"
_NORMALS = ("nx", "ny", "nz")
_FILTER = "filter_3D"
_COLORS, _SCALES, _LAST_SCALE = BASE[3:6], BASE[7:10], "scale_2"
_OF_GAUSSIANS = BASE[6:]
_LARGEST = {"u1": 255, "u2": 65_535, "f2": 1, "f4": 1, "f8": 1}
_NO_SHARE = 2.0
_NEAR_BYTES = (128.0, 256.0)
_FEWEST_TO_TELL = 8
_FEW = 6


def largest_color(code: str) -> float:
    """What stands for full colour in a property of that type: 1 in floats, the largest number in integers."""
    return _LARGEST.get(code, 255)


def reach_as_bytes(colors: F32) -> bool:
    """Whether colours of floats, (N, 3), go to 255 instead of 1, as some programs write them.

    Most are beyond 2 then, and the largest near 255; highlights of HDR are neither.
    """
    sample = colors[sampled_rows(colors.shape[0])]
    most = np.sort(sample[np.isfinite(sample).all(axis=1)].max(axis=1))
    return most.size >= _FEWEST_TO_TELL and bool(
        np.median(most) > _NO_SHARE and _NEAR_BYTES[0] <= most[-1] <= _NEAR_BYTES[1]
    )


def known_names(properties: Iterable[str]) -> tuple[str, ...]:
    """Names as programs for splats spell them, in the order of the properties."""
    names = list(properties)
    plain = [name.removeprefix(_PREFIX) for name in names]
    return tuple(short if plain.count(short) == 1 else name for short, name in zip(plain, names, strict=True))


def unread(names: Sequence[str], used: Iterable[str], count: int) -> list[Loss]:
    """The loss that properties without a place here are, by name."""
    others = [name for name in names if name not in set(used)]
    if not others:
        return []
    more = f" and {len(others) - _FEW} more" if len(others) > _FEW else ""
    listed = ", ".join(name[:40] for name in others[:_FEW])
    return [Loss("ignored", f"{'property' if len(others) == 1 else 'properties'} {listed}{more}: ignored", count)]


@dataclass(frozen=True)
class Columns:
    """Where the values of Gaussians stand in the rows of element vertex.

    names: of the columns, where each of BASE has one, be it of another kind. degree: what is read; stored: that of
    f_rest_*. flat: the third scale is missing. largest: of colours, None where they are f_dc_*. filter: the column
    of filter_3D.
    """

    names: tuple[str, ...]
    degree: int
    stored: int
    flat: bool = False
    largest: float | None = None
    filter: int | None = None

    @property
    def as_they_stand(self) -> bool:
        """Whether values need no more than to be taken from their columns."""
        return not self.flat and self.largest is None and self.filter is None

    def measured(self, rows: F32, losses: list[Loss]) -> "Columns":
        """These columns, of colours that go to 255 where they do so in `rows`, (N, columns) of floats."""
        if self.largest != 1:
            return self
        if not reach_as_bytes(rows[:, [self.names.index(name) for name in _COLORS]]):
            return self
        losses.append(Loss("guessed", "colours of floats beyond 1: taken as from 0 to 255", rows.shape[0]))
        return replace(self, largest=255)

    def settled(self, block: GaussianCloud, filters: F32 | None) -> GaussianCloud:
        """Gaussians from what was taken from the columns. filters: (N,), of filter_3D, where there is one."""
        if self.flat:
            block.log_scales[:, 2] = THINNEST_LOG_SCALE
        if self.largest is not None:
            block.sh[:, 0] = (block.sh[:, 0] * np.float32(1 / self.largest) - np.float32(0.5)) / np.float32(SH_C0)
        return block if filters is None else _filtered(block, filters)


def columns_in(header: Header, name: str) -> tuple[Columns, list[Loss]]:
    """What element vertex holds, and what of it is guessed or left out. name: the file's, for errors.

    Raises UnsupportedFileError for a PLY of something else, MalformedFileError for one of Gaussians that lack values.
    """
    vertex = header.element("vertex")
    if vertex is None:
        raise MalformedFileError(f"{name}: header has no element 'vertex'")
    names = known_names(vertex.properties)
    _check_kind(header, vertex, names, name)
    losses: list[Loss] = []
    flat = _LAST_SCALE not in names and all(scale in names for scale in _SCALES[:2])
    colors = next((c for c in COLOR_NAMES if all(one in names for one in c)), None)
    largest = None
    stands_for: dict[str, str] = {}
    if flat:
        losses.append(Loss("guessed", "no scale_2: taken as flat Gaussians (2DGS), 2 nm thick", vertex.count))
    if colors is not None and not any(one in names for one in _COLORS):
        code = vertex.properties[list(vertex.properties)[names.index(colors[0])]]
        largest = largest_color(code)
        stands_for = dict(zip(colors, _COLORS, strict=True))
        losses.append(Loss("guessed", f"no f_dc_*: colours taken from {', '.join(colors)}", vertex.count))
    names = tuple(stands_for.get(one, one) for one in names)
    missing = [p for p in BASE if p not in names and p not in vertex.lists and not (flat and p == _LAST_SCALE)]
    if missing:
        raise MalformedFileError(f"{name}: element 'vertex' lacks the properties {', '.join(missing)}")
    stored = _stored_degree(names, name)
    degree = min(stored, len(SH_COEFFICIENTS) - 1)
    if degree < stored:
        message = f"spherical harmonics of degree {stored}: at most degree {degree} is read"
        losses.append(Loss("sh_degree", message, vertex.count))
    filter_column = names.index(_FILTER) if _FILTER in names else None
    if filter_column is not None:
        message = "filter_3D: fused into scales and opacities, as mip-splatting does"
        losses.append(Loss("converted", message, vertex.count))
    used = (*BASE, *_NORMALS, _FILTER, *rest_names(STORED_REST_COUNTS[stored]))
    return Columns(names, degree, stored, flat, largest, filter_column), losses + unread(names, used, vertex.count)


def _check_kind(header: Header, vertex: Element, names: tuple[str, ...], name: str) -> None:
    if not all(axis in names for axis in "xyz") or any(one in names for one in _OF_GAUSSIANS):
        return
    what = f"{vertex.count:,} vertices with {', '.join(names[:12])[:120]}"
    if any(element.name in ("face", "tristrips") and element.count for element in header.elements):
        raise UnsupportedFileError(
            f"{name}: a mesh ({what}), not Gaussians; a splat has to be trained from photos of it"
        )
    raise UnsupportedFileError(
        f"{name}: a point cloud ({what}), not Gaussians: it has no opacity, scale_*, rot_*. Points are read by "
        "read_points; a splat of them is what a trainer for Gaussian splatting makes"
    )


def _stored_degree(names: tuple[str, ...], name: str) -> int:
    rest = sum(p.startswith("f_rest_") for p in names)
    if rest not in STORED_REST_COUNTS or any(p not in names for p in rest_names(rest)):
        raise MalformedFileError(
            f"{name}: element 'vertex' has {rest} properties f_rest_*, "
            f"wants {', '.join(map(str, STORED_REST_COUNTS))} of them, numbered from 0"
        )
    return STORED_REST_COUNTS.index(rest)


def _filtered(block: GaussianCloud, filters: F32) -> GaussianCloud:
    # In logarithms: squares of the thinnest scales are nothing in float32.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # what is no number is dropped as such
        variances = 2 * block.log_scales.astype(np.float64)
        grown = np.logaddexp(variances, 2 * np.log(np.abs(filters.astype(np.float64)))[:, None])
        opacities = 0.5 * (variances - grown).sum(axis=1) - np.logaddexp(0, -block.opacity_logits.astype(np.float64))
        logits = opacities - np.log(-np.expm1(opacities))
    return replace(block, log_scales=(grown / 2).astype(np.float32), opacity_logits=logits.astype(np.float32))
