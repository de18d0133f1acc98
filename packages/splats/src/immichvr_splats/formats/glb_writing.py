"""Buffer views of a primitive, from the arrays of a cloud."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cloud import SH_C0, GaussianCloud
from ..compiled import F32, U8, kernel
from ..gltf.accessors import FLOAT, SHORT, UNSIGNED_BYTE, UNSIGNED_SHORT
from ..numerics import sigmoid
from ..turning import harmonic_signs
from .glb_names import EXTENSION, TO_GLTF, harmonic_names

U16 = NDArray[np.uint16]
I16 = NDArray[np.int16]
_LARGEST_LOG_SCALE = 88.0  # exp of more is infinite in float32
_STEPS_OF_SMALLEST = 64  # of 16 bits, for scales to stay within 1 %
_COLOR_STEPS = 4096
_SIGNS: F32 = np.diag(TO_GLTF)[:3].astype(np.float32)


@dataclass(frozen=True)
class Attribute:
    """accessor: its JSON without bufferView and count."""

    name: str
    accessor: dict[str, object]


@dataclass(frozen=True)
class View:
    """A buffer view and what it holds. stride: 0 where elements follow each other."""

    data: NDArray[np.generic]
    attributes: list[Attribute]
    stride: int = 0


def float_views(cloud: GaussianCloud) -> list[View]:
    """All attributes in float32."""
    rotations, opacities = np.empty((cloud.count, 4), np.float32), np.empty(cloud.count, np.float32)
    _rotations(cloud.quaternions, _SIGNS, rotations)
    _opacities(cloud.opacity_logits, opacities)
    scales = np.exp(np.minimum(cloud.log_scales, np.float32(_LARGEST_LOG_SCALE)))
    return [
        _positions(cloud.means * _SIGNS),
        _colors(cloud),
        View(rotations, [splat_attribute("ROTATION", FLOAT, "VEC4")]),
        View(scales, [splat_attribute("SCALE", FLOAT, "VEC3")]),
        View(opacities, [splat_attribute("OPACITY", FLOAT, "SCALAR")]),
        _harmonics(cloud),
    ]


def quantised_views(cloud: GaussianCloud) -> tuple[list[View], float]:
    """Rotations, scales and opacities in 16 bits, and the scale, a power of two, that the node is to have.

    Scales stay in float32 where they differ so much that the smallest would lose more than 1 %.
    """
    n = cloud.count
    scales = np.exp(np.minimum(cloud.log_scales, np.float32(_LARGEST_LOG_SCALE)))
    largest = float(scales.max()) if n else 1.0
    unit = 2.0 ** np.ceil(np.log2(largest)) if 2.0**-60 < largest < 2.0**60 else 1.0
    fine = n > 0 and unit >= largest and float(scales.min()) * 65_535 >= _STEPS_OF_SMALLEST * unit
    rotations, opacities, words = np.empty((n, 4), np.int16), np.zeros((n, 2), np.uint16), np.zeros((n, 4), np.uint16)
    _short_rotations(cloud.quaternions, _SIGNS, rotations)
    _short_opacities(cloud.opacity_logits, opacities)
    if fine:
        words[:, :3] = np.round(scales * np.float32(65_535 / unit))
        size = View(words, [splat_attribute("SCALE", UNSIGNED_SHORT, "VEC3")], words.strides[0])
    else:
        unit = 1.0
        size = View(scales, [splat_attribute("SCALE", FLOAT, "VEC3")])
    return [
        _positions(cloud.means * (_SIGNS / np.float32(unit))),
        _colors(cloud),
        View(rotations, [splat_attribute("ROTATION", SHORT, "VEC4")]),
        size,
        View(opacities, [splat_attribute("OPACITY", UNSIGNED_SHORT, "SCALAR")], opacities.strides[0]),
        _harmonics(cloud),
    ], unit


def _positions(positions: F32) -> View:
    bounds = {"min": positions.min(axis=0).tolist(), "max": positions.max(axis=0).tolist()}
    return View(positions, [Attribute("POSITION", {"componentType": FLOAT, "type": "VEC3", **bounds})])


def _colors(cloud: GaussianCloud) -> View:
    """Linear colours and opacities, for points instead of Gaussians."""
    steps = np.arange(_COLOR_STEPS) / (_COLOR_STEPS - 1)
    linear = np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4)  # IEC 61966-2-1
    colors = np.empty((cloud.count, 4), np.uint8)
    _linear_bytes(cloud.sh, cloud.opacity_logits, np.round(linear * 255).astype(np.uint8), colors)
    accessor = {"componentType": UNSIGNED_BYTE, "type": "VEC4", "normalized": True}
    return View(colors, [Attribute("COLOR_0", accessor)])


def _harmonics(cloud: GaussianCloud) -> View:
    """All coefficients of a Gaussian beside each other."""
    signs = harmonic_signs(np.diag(TO_GLTF)[:3])[: cloud.sh.shape[1], None]
    names = harmonic_names(cloud.sh_degree)
    shared: dict[str, object] = {"componentType": FLOAT, "type": "VEC3"}
    attributes = [Attribute(name, {"byteOffset": 12 * k, **shared}) for k, name in enumerate(names)]
    return View(cloud.sh * signs, attributes, 12 * len(names))


def splat_attribute(name: str, component: int, kind: str) -> Attribute:
    """An attribute of the extension, normalised unless of float32."""
    accessor: dict[str, object] = {"componentType": component, "type": kind}
    if component != FLOAT:
        accessor["normalized"] = True
    return Attribute(f"{EXTENSION}:{name}", accessor)


@kernel
def _rotations(quaternions: F32, signs: F32, out: F32) -> None:
    for i in range(quaternions.shape[0]):
        for j in range(3):
            out[i, j] = quaternions[i, j + 1] * signs[j]
        out[i, 3] = quaternions[i, 0]


@kernel
def _short_rotations(quaternions: F32, signs: F32, out: I16) -> None:
    for i in range(quaternions.shape[0]):
        for j in range(4):
            value = quaternions[i, j + 1] * signs[j] if j < 3 else quaternions[i, 0]
            out[i, j] = int(np.floor(value * np.float32(32767) + np.float32(0.5)))


@kernel
def _opacities(logits: F32, out: F32) -> None:
    for i in range(logits.size):
        out[i] = sigmoid(logits[i])


@kernel
def _short_opacities(logits: F32, out: U16) -> None:
    for i in range(logits.size):
        out[i, 0] = int(np.float32(65535) * sigmoid(logits[i]) + np.float32(0.5))


@kernel
def _linear_bytes(sh: F32, logits: F32, linear: U8, out: U8) -> None:
    for i in range(sh.shape[0]):
        for j in range(3):
            color = np.float32(0.5) + np.float32(SH_C0) * sh[i, 0, j]
            step = min(max(color, np.float32(0)), np.float32(1)) * np.float32(_COLOR_STEPS - 1)
            out[i, j] = linear[int(step + np.float32(0.5))]
        out[i, 3] = int(np.float32(255) * sigmoid(logits[i]) + np.float32(0.5))
