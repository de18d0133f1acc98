"""Buffer views of a primitive, from the arrays of a cloud."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..cloud import SH_C0, GaussianCloud
from ..compiled import F32, U8, kernel
from ..gltf.accessors import FLOAT, SHORT, UNSIGNED_BYTE, UNSIGNED_SHORT
from ..numerics import sigmoid
from ..stream import Places
from ..turning import harmonic_signs
from .glb_names import EXTENSION, TO_GLTF, harmonic_names

T = TypeVar("T", np.float32, np.int16, np.uint16)
U16 = NDArray[np.uint16]
I16 = NDArray[np.int16]
_LARGEST_LOG_SCALE = 88.0  # exp of more is infinite in float32
_STEPS_OF_SMALLEST = 64  # of 16 bits, for scales to stay within 1 %
_COLOR_STEPS = 4096
_WORDS = 65_535
_SIGNS: F32 = np.diag(TO_GLTF)[:3].astype(np.float32)


@dataclass(frozen=True)
class Attribute:
    """accessor: its JSON without bufferView and count."""

    name: str
    accessor: dict[str, object]


@dataclass(frozen=True)
class View:
    """A buffer view. size: bytes. make: its content. stride: 0 where elements follow each other."""

    size: int
    make: Callable[[], NDArray[np.generic] | bytes]
    attributes: list[Attribute]
    stride: int = 0


def float_views(cloud: GaussianCloud, places: Places) -> list[View]:
    """All attributes in float32, each made when it is written."""
    n = cloud.count
    return [
        View(12 * n, lambda: cloud.means * _SIGNS, [position_attribute(places, 1)]),
        _colors(cloud),
        View(16 * n, lambda: _filled(_rotations, cloud.quaternions, (n, 4), np.float32), [_float("ROTATION", "VEC4")]),
        View(12 * n, lambda: _scales(cloud), [_float("SCALE", "VEC3")]),
        View(4 * n, lambda: _filled(_opacities, cloud.opacity_logits, (n,), np.float32), [_float("OPACITY", "SCALAR")]),
        *_harmonics(cloud),
    ]


def quantised_views(cloud: GaussianCloud, places: Places) -> tuple[list[View], float]:
    """Rotations, scales and opacities in 16 bits, and the scale, a power of two, that the node is to have.

    Scales stay in float32 where they differ so much that the smallest would lose more than 1 %.
    """
    n = cloud.count
    low, high = (
        float(np.exp(min(bound, _LARGEST_LOG_SCALE))) for bound in (cloud.log_scales.min(), cloud.log_scales.max())
    )
    unit = 2.0 ** np.ceil(np.log2(high)) if 2.0**-60 < high < 2.0**60 else 1.0
    fine = unit >= high and low * _WORDS >= _STEPS_OF_SMALLEST * unit
    if not fine:
        unit = 1.0
    short_size = View(8 * n, lambda: _short_scales(cloud, unit), [splat_attribute("SCALE", UNSIGNED_SHORT, "VEC3")], 8)
    return [
        View(12 * n, lambda: cloud.means * (_SIGNS / np.float32(unit)), [position_attribute(places, unit)]),
        _colors(cloud),
        View(
            8 * n,
            lambda: _filled(_short_rotations, cloud.quaternions, (n, 4), np.int16),
            [splat_attribute("ROTATION", SHORT, "VEC4")],
        ),
        short_size if fine else View(12 * n, lambda: _scales(cloud), [_float("SCALE", "VEC3")]),
        View(
            4 * n,
            lambda: _filled(_short_opacities, cloud.opacity_logits, (n, 2), np.uint16),
            [splat_attribute("OPACITY", UNSIGNED_SHORT, "SCALAR")],
            4,
        ),
        *_harmonics(cloud),
    ], float(unit)


def position_attribute(places: Places, unit: float) -> Attribute:
    """POSITION in glTF's axes, in steps of `unit` metres, with its bounds."""
    low, high = (bound * np.diag(TO_GLTF)[:3] / unit for bound in (places.low, places.high))
    bounds = {"min": np.minimum(low, high).tolist(), "max": np.maximum(low, high).tolist()}
    return Attribute("POSITION", {"componentType": FLOAT, "type": "VEC3", **bounds})


def _colors(cloud: GaussianCloud) -> View:
    """Linear colours and opacities, for points instead of Gaussians."""
    accessor = {"componentType": UNSIGNED_BYTE, "type": "VEC4", "normalized": True}
    return View(4 * cloud.count, lambda: _fallback_colors(cloud), [Attribute("COLOR_0", accessor)])


def _fallback_colors(cloud: GaussianCloud) -> U8:
    steps = np.arange(_COLOR_STEPS) / (_COLOR_STEPS - 1)
    linear = np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4)  # IEC 61966-2-1
    colors = np.empty((cloud.count, 4), np.uint8)
    _linear_bytes(cloud.sh, cloud.opacity_logits, np.round(linear * 255).astype(np.uint8), colors)
    return colors


def _harmonics(cloud: GaussianCloud) -> list[View]:
    """A view for each coefficient."""
    signs = harmonic_signs(np.diag(TO_GLTF)[:3])
    accessor: dict[str, object] = {"componentType": FLOAT, "type": "VEC3"}

    def made(k: int) -> Callable[[], F32]:
        return lambda: cloud.sh[:, k] * signs[k]

    names = harmonic_names(cloud.sh_degree)
    return [View(12 * cloud.count, made(k), [Attribute(name, accessor)]) for k, name in enumerate(names)]


def _float(name: str, kind: str) -> Attribute:
    return splat_attribute(name, FLOAT, kind)


def splat_attribute(name: str, component: int, kind: str) -> Attribute:
    """An attribute of the extension, normalised unless of float32."""
    accessor: dict[str, object] = {"componentType": component, "type": kind}
    if component != FLOAT:
        accessor["normalized"] = True
    return Attribute(f"{EXTENSION}:{name}", accessor)


def _filled(fill: Callable[[F32, NDArray[T]], None], values: F32, shape: tuple[int, ...], dtype: type[T]) -> NDArray[T]:
    out = np.zeros(shape, dtype)
    fill(values, out)
    return out


def _scales(cloud: GaussianCloud) -> F32:
    return np.exp(np.minimum(cloud.log_scales, np.float32(_LARGEST_LOG_SCALE)))


def _short_scales(cloud: GaussianCloud, unit: float) -> U16:
    words = np.zeros((cloud.count, 4), np.uint16)  # the fourth is padding to fours
    words[:, :3] = np.round(_scales(cloud) * np.float32(_WORDS / unit))
    return words


@kernel
def _rotations(quaternions: F32, out: F32) -> None:
    for i in range(quaternions.shape[0]):
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


@kernel
def _opacities(logits: F32, out: F32) -> None:
    for i in range(logits.size):
        out[i] = sigmoid(logits[i])


@kernel
def _short_opacities(logits: F32, out: U16) -> None:
    for i in range(logits.size):
        out[i, 0] = int(np.float32(_WORDS) * sigmoid(logits[i]) + np.float32(0.5))


@kernel
def _linear_bytes(sh: F32, logits: F32, linear: U8, out: U8) -> None:
    for i in range(sh.shape[0]):
        for j in range(3):
            color = np.float32(0.5) + np.float32(SH_C0) * sh[i, 0, j]
            step = min(max(color, np.float32(0)), np.float32(1)) * np.float32(_COLOR_STEPS - 1)
            out[i, j] = linear[int(step + np.float32(0.5))]
        out[i, 3] = int(np.float32(255) * sigmoid(logits[i]) + np.float32(0.5))
