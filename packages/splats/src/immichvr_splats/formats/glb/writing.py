"""Buffer views of a primitive, block by block of a cloud."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.cloud import SH_C0, GaussianCloud
from immichvr_splats.compiled import F32, U8, finite_kernel, kernel
from immichvr_splats.formats.glb.names import EXTENSION, TO_GLTF, harmonic_names
from immichvr_splats.gltf.accessors import FLOAT, SHORT, UNSIGNED_BYTE, UNSIGNED_SHORT
from immichvr_splats.numerics import LARGEST_EXPONENT, exponentials, sigmoid
from immichvr_splats.stream import Places, SoundStream
from immichvr_splats.turning import harmonic_signs

U16 = NDArray[np.uint16]
I16 = NDArray[np.int16]
_STEPS_OF_SMALLEST = 64  # of 16 bits, for scales to stay within 1 %
_COLOR_STEPS = 4096
_WORDS = 65_535
_TILE = 64  # rows that stay in the nearest cache while each plane takes its part of them
_STEPS = np.arange(_COLOR_STEPS) / (_COLOR_STEPS - 1)
_LINEAR_BYTES: U8 = np.round(  # IEC 61966-2-1
    255 * np.where(_STEPS <= 0.04045, _STEPS / 12.92, ((_STEPS + 0.055) / 1.055) ** 2.4)
).astype(np.uint8)
_SIGNS: F32 = np.diag(TO_GLTF)[:3].astype(np.float32)


@dataclass(frozen=True)
class Attribute:
    """accessor: its JSON without bufferView and count."""

    name: str
    accessor: dict[str, object]


@dataclass(frozen=True)
class View:
    """A buffer view. size: bytes of each Gaussian. stride: 0 where elements follow each other."""

    size: int
    attributes: list[Attribute]
    stride: int = 0


_COLORS = View(4, [Attribute("COLOR_0", {"componentType": UNSIGNED_BYTE, "type": "VEC4", "normalized": True})])
"""Linear colours and opacities, for points instead of Gaussians."""


class Encoding(NamedTuple):
    """make: what each view holds of a block. unit: the scale, a power of two, that the node is to have."""

    views: list[View]
    make: Callable[[GaussianCloud], list[NDArray[np.generic]]]
    unit: float = 1.0


def float_encoding(stream: SoundStream) -> Encoding:
    """All attributes in float32."""
    views = [
        View(12, [position_attribute(stream.places, 1)]),
        _COLORS,
        View(16, [_float("ROTATION", "VEC4")]),
        View(12, [_float("SCALE", "VEC3")]),
        View(4, [_float("OPACITY", "SCALAR")]),
        *_harmonic_views(stream.sh_degree),
    ]

    def make(block: GaussianCloud) -> list[NDArray[np.generic]]:
        rotations, opacities = np.empty_like(block.quaternions), np.empty_like(block.opacity_logits)
        _rotations(block.quaternions, rotations)
        _opacities(block.opacity_logits, opacities)
        return [_moved(block, 1), _colors(block), rotations, _scales(block), opacities, *_harmonics(block)]

    return Encoding(views, make)


def quantised_encoding(stream: SoundStream) -> Encoding:
    """Rotations, scales and opacities in 16 bits.

    Scales stay in float32 where they differ so much that the smallest would lose more than 1 %.
    """
    ranges = list(stream.blocks(lambda block: (block.log_scales.min(), block.log_scales.max())))
    bounds = min(low for low, _ in ranges), max(high for _, high in ranges)
    low, high = (float(np.exp(min(bound, LARGEST_EXPONENT))) for bound in bounds)
    unit = float(2.0 ** np.ceil(np.log2(high))) if 2.0**-60 < high < 2.0**60 else 1.0
    fine = unit >= high and low * _WORDS >= _STEPS_OF_SMALLEST * unit
    if not fine:
        unit = 1.0
    views = [
        View(12, [position_attribute(stream.places, unit)]),
        _COLORS,
        View(8, [splat_attribute("ROTATION", SHORT, "VEC4")]),
        View(8, [splat_attribute("SCALE", UNSIGNED_SHORT, "VEC3")], 8) if fine else View(12, [_float("SCALE", "VEC3")]),
        View(4, [splat_attribute("OPACITY", UNSIGNED_SHORT, "SCALAR")], 4),
        *_harmonic_views(stream.sh_degree),
    ]

    def make(block: GaussianCloud) -> list[NDArray[np.generic]]:
        rotations, opacities = np.empty((block.count, 4), np.int16), np.zeros((block.count, 2), np.uint16)
        _short_rotations(block.quaternions, rotations)
        _short_opacities(block.opacity_logits, opacities)
        scales = _short_scales(block, unit) if fine else _scales(block)
        return [
            _moved(block, unit),
            _colors(block),
            rotations,
            scales,
            opacities,
            *_harmonics(block),
        ]

    return Encoding(views, make, unit)


def position_attribute(places: Places, unit: float) -> Attribute:
    """POSITION in glTF's axes, in steps of `unit` metres, with its bounds."""
    low, high = (bound * np.diag(TO_GLTF)[:3] / unit for bound in (places.low, places.high))
    bounds = {"min": np.minimum(low, high).tolist(), "max": np.maximum(low, high).tolist()}
    return Attribute("POSITION", {"componentType": FLOAT, "type": "VEC3", **bounds})


def _harmonic_views(degree: int) -> list[View]:
    """A view for each coefficient."""
    accessor: dict[str, object] = {"componentType": FLOAT, "type": "VEC3"}
    return [View(12, [Attribute(name, accessor)]) for name in harmonic_names(degree)]


def _harmonics(block: GaussianCloud) -> list[F32]:
    planes = np.empty((block.sh.shape[1], 3 * block.count), np.float32)
    _into_planes(block.flat_sh, harmonic_signs(np.diag(TO_GLTF)[:3]), planes)
    return list(planes)


def _colors(block: GaussianCloud) -> U8:
    colors = np.empty((block.count, 4), np.uint8)
    _linear_bytes(block.flat_sh, block.opacity_logits, _LINEAR_BYTES, colors)
    return colors


def _float(name: str, kind: str) -> Attribute:
    return splat_attribute(name, FLOAT, kind)


def splat_attribute(name: str, component: int, kind: str) -> Attribute:
    """An attribute of the extension, normalised unless of float32."""
    accessor: dict[str, object] = {"componentType": component, "type": kind}
    if component != FLOAT:
        accessor["normalized"] = True
    return Attribute(f"{EXTENSION}:{name}", accessor)


def _moved(block: GaussianCloud, unit: float) -> F32:
    """Means in glTF's axes, in units of `unit` metres."""
    positions = np.empty_like(block.means)
    _positions(block.means, _SIGNS / np.float32(unit), positions)
    return positions


def _scales(block: GaussianCloud) -> F32:
    return exponentials(block.log_scales)[0]


def _short_scales(cloud: GaussianCloud, unit: float) -> U16:
    words = np.zeros((cloud.count, 4), np.uint16)  # the fourth is padding to fours
    words[:, :3] = np.round(_scales(cloud) * np.float32(_WORDS / unit))
    return words


@kernel
def _into_planes(sh: F32, signs: F32, planes: F32) -> None:
    three, width = np.uint64(3), np.uint64(sh.shape[1])
    values = sh.reshape(-1)
    for first in range(0, sh.shape[0], _TILE):
        for k in range(np.uint64(planes.shape[0])):
            plane, sign = planes[k], signs[k]
            for i in range(np.uint64(first), np.uint64(min(first + _TILE, sh.shape[0]))):
                for c in range(three):
                    plane[three * i + c] = values[width * i + three * k + c] * sign


@kernel
def _positions(means: F32, factors: F32, out: F32) -> None:
    x, y, z = factors[0], factors[1], factors[2]
    for i in range(np.uint64(means.shape[0])):
        out[i, 0] = means[i, 0] * x
        out[i, 1] = means[i, 1] * y
        out[i, 2] = means[i, 2] * z


@kernel
def _rotations(quaternions: F32, out: F32) -> None:
    for i in range(np.uint64(quaternions.shape[0])):
        out[i, 0] = quaternions[i, 1]
        out[i, 1] = -quaternions[i, 2]
        out[i, 2] = -quaternions[i, 3]
        out[i, 3] = quaternions[i, 0]


@kernel
def _short_rotations(quaternions: F32, out: I16) -> None:
    for i in range(quaternions.shape[0]):
        q = quaternions[i]
        for j, value in enumerate((q[1], -q[2], -q[3], q[0])):
            out[i, j] = int(np.floor(value * np.float32(32767) + np.float32(0.5)))


@finite_kernel
def _opacities(logits: F32, out: F32) -> None:
    for i in range(logits.size):
        out[i] = sigmoid(logits[i])


@kernel
def _short_opacities(logits: F32, out: U16) -> None:
    for i in range(logits.size):
        out[i, 0] = int(np.float32(_WORDS) * sigmoid(logits[i]) + np.float32(0.5))


@finite_kernel
def _linear_bytes(sh: F32, logits: F32, linear: U8, out: U8) -> None:
    alphas = np.empty(logits.shape[0], np.uint8)
    for i in range(logits.shape[0]):
        alphas[i] = np.int32(np.float32(255) * sigmoid(logits[i]) + np.float32(0.5))
    for i in range(np.uint64(sh.shape[0])):
        for j in range(np.uint64(3)):
            color = np.float32(0.5) + np.float32(SH_C0) * sh[i, j]
            step = min(max(color, np.float32(0)), np.float32(1)) * np.float32(_COLOR_STEPS - 1)
            out[i, j] = linear[np.uint64(np.int32(step + np.float32(0.5)))]
        out[i, 3] = alphas[i]
