"""Scales and rotations of Gaussians after a linear map, for a million of them at once, on any device.

A Gaussian with covariance A Aᵀ is the ellipsoid that A makes of the unit ball. Its axes come from A itself by one-sided
Jacobi rotations (Hestenes), not from A Aᵀ: nothing is squared, so thin axes keep the digits that an eigendecomposition
of the covariance loses, and the method is a few sums and products of long vectors, which every device does well.
Vectors have their coordinates first, (3, N), for the same reason.
Source: Golub and Van Loan, Matrix Computations, 4th edition, 8.6.3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    Gaussians = tuple[torch.Tensor, torch.Tensor]

SMALLEST_RATIO = 1e-6
"""Of a scale to the largest of the same Gaussian: what is thinner changes a covariance by less than 1e-12 of it."""
SMALLEST_SCALE = 1e-10
"""Below this a scale counts as this, so that logarithms stay finite. Metres."""

_SWEEPS = 4
_PAIRS = ((0, 1), (0, 2), (1, 2))
_PIECE = 1 << 13  # Gaussians at a time on a CPU: they stay in the cache of a core
_TINY = 1e-30


def mapped_axes(linear: torch.Tensor, scales: torch.Tensor, quaternions: torch.Tensor) -> Gaussians:
    """Scales and quaternions of Gaussians after x -> linear x.

    linear: (3, 3), reflections too. scales: (N, 3), ≥ 0. quaternions: (N, 4) wxyz of any length; zero counts as no
    rotation. Returns (N, 3) scales > 0 in no order, and (N, 4) unit quaternions with w ≥ 0.
    """
    if scales.device.type != "cpu":
        return _mapped_axes(linear, scales, quaternions)
    return _in_pieces(lambda s, q: _mapped_axes(linear, s, q), scales, quaternions)


def covariances(scales: torch.Tensor, quaternions: torch.Tensor) -> torch.Tensor:
    """(N, 3, 3) of (N, 3) scales and (N, 4) quaternions wxyz."""
    import torch

    axes = torch.stack(_rotation_columns(quaternions), dim=-1).movedim(1, 0) * scales[:, None, :]
    return axes @ axes.mT


def _mapped_axes(linear: torch.Tensor, scales: torch.Tensor, quaternions: torch.Tensor) -> Gaussians:
    import torch

    # Rounding would add up over the rotations to some 1e-5; where there is double precision it costs next to nothing.
    precise = torch.float32 if scales.device.type == "mps" else torch.float64
    linear, sound = linear.to(precise), scales.to(precise).clamp_min(SMALLEST_SCALE)
    largest = sound.amax(-1)
    relative = (sound / largest[:, None]).clamp_min(SMALLEST_RATIO).unbind(-1)
    columns = _rotation_columns(quaternions.to(precise))
    axes = [_product(linear, column) * scale for column, scale in zip(columns, relative, strict=True)]
    for _ in range(_SWEEPS):
        for i, j in _PAIRS:
            axes[i], axes[j] = _made_orthogonal(axes[i], axes[j])
    lengths = torch.stack([torch.linalg.vector_norm(axis, dim=0).clamp_min(_TINY) for axis in axes])
    first, second = axes[0] / lengths[0], axes[1] / lengths[1]
    # The cross product is the third axis up to its sign: with it a reflection becomes a rotation.
    third = torch.linalg.cross(first, second, dim=0)
    return (lengths * largest).mT.to(scales.dtype), _quaternions(first, second, third).to(quaternions.dtype)


def _product(matrix: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    x, y, z = vectors
    return matrix[:, 0:1] * x + matrix[:, 1:2] * y + matrix[:, 2:3] * z


def _made_orthogonal(p: torch.Tensor, q: torch.Tensor) -> Gaussians:
    """Two axes, (3, N) each, turned in their plane until they are orthogonal; of equal lengths by 45°."""
    import torch

    twice_dot = (p * q).sum(0) * 2
    difference = (q * q).sum(0) - (p * p).sum(0)
    root = torch.sqrt(difference * difference + twice_dot * twice_dot).clamp_min(_TINY)
    tangent = twice_dot / (difference + torch.copysign(root, difference))
    cosine = torch.rsqrt(tangent * tangent + 1)
    sine = cosine * tangent
    return cosine * p - sine * q, sine * p + cosine * q


def _rotation_columns(quaternions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The columns, (3, N) each, of the rotation matrices of quaternions wxyz of any length."""
    import torch

    w, x, y, z = (quaternions / torch.linalg.vector_norm(quaternions, dim=-1, keepdim=True).clamp_min(_TINY)).unbind(-1)
    return (
        torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)]),
        torch.stack([2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)]),
        torch.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)]),
    )


def _quaternions(first: torch.Tensor, second: torch.Tensor, third: torch.Tensor) -> torch.Tensor:
    """(N, 4) wxyz, w ≥ 0, of rotations given by their columns.

    Each row of a symmetric matrix made of the rotation is the quaternion times one of its components: the row of the
    largest is taken. Source: Shepperd, Quaternion from rotation matrix, J. Guidance and Control 1(3), 1978.
    """
    import torch

    (m00, m10, m20), (m01, m11, m21), (m02, m12, m22) = first, second, third
    wx, wy, wz = m21 - m12, m02 - m20, m10 - m01
    xy, xz, yz = m01 + m10, m02 + m20, m12 + m21
    diagonal = torch.stack([1 + m00 + m11 + m22, 1 + m00 - m11 - m22, 1 - m00 + m11 - m22, 1 - m00 - m11 + m22])
    ww, xx, yy, zz = diagonal
    rows = [(ww, wx, wy, wz), (wx, xx, xy, xz), (wy, xy, yy, yz), (wz, xz, yz, zz)]
    largest = diagonal.argmax(0)
    chosen = rows[0]
    for index, row in enumerate(rows[1:], 1):
        here = largest == index
        chosen = tuple(torch.where(here, value, other) for value, other in zip(row, chosen, strict=True))
    quaternions = torch.stack(chosen, dim=-1)
    unit = quaternions / torch.linalg.vector_norm(quaternions, dim=-1, keepdim=True).clamp_min(_TINY)
    return torch.copysign(torch.ones_like(unit[:, :1]), unit[:, :1]) * unit


def _in_pieces(
    function: Callable[[torch.Tensor, torch.Tensor], Gaussians], scales: torch.Tensor, quaternions: torch.Tensor
) -> Gaussians:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # in pieces so small, threads would do nothing but wait for each other
    try:
        pieces = [function(s, q) for s, q in zip(scales.split(_PIECE), quaternions.split(_PIECE), strict=True)]
    finally:
        torch.set_num_threads(threads)
    return torch.cat([piece[0] for piece in pieces]), torch.cat([piece[1] for piece in pieces])
