"""Merges groups of Gaussians into one each, by matching their moments.

Weights are opacity times projected area. The merged covariance follows from the law of total covariance, the merged
opacity is the sum of weights over the merged area. Where that is more than 1, because the members overlap, the merged
Gaussian grows instead, so that the gaps between it and its neighbours stay as closed as they were.
"""

from dataclasses import dataclass, replace

import numpy as np

from immichvr_splats.cloud import OPACITY_LOGIT_LIMIT, Camera, GaussianCloud
from immichvr_splats.compiled import F32, F64, I64, kernel

LARGEST_LOG_SCALE = 40.0  # exp(160), an area squared, still is a float64
_LEAST_MASS = 1e-300
_NEAREST = float(np.finfo(np.float32).tiny)
# In variance. Measured: more blurs where layers lie behind each other, less opens gaps in single layers.
_MOST_GROWTH = 2.0
_LEAST_VARIANCE = 1e-34


@dataclass(frozen=True)
class View:
    """Where a cloud is seen from.

    eye: (3,) world metres. extrinsic: (4, 4), world to camera. from_everywhere: no eye, areas are means over
    directions.
    """

    eye: F64
    extrinsic: F64
    from_everywhere: bool

    @classmethod
    def of(cls, camera: Camera | None) -> "View":
        if camera is None:
            return cls(np.zeros(3), np.eye(4), True)
        rotation, translation = camera.extrinsic[:3, :3], camera.extrinsic[:3, 3]
        return cls(np.ascontiguousarray(-np.linalg.pinv(rotation) @ translation), camera.extrinsic, False)

    def squared_distances(self, means: F32) -> F64:
        """Of `means`, (N, 3), from the eye, (N,); ones where there is no eye."""
        if self.from_everywhere:
            return np.ones(means.shape[0])
        squares: F64 = ((means - self.eye) ** 2).sum(axis=1)
        return np.maximum(squares, _NEAREST)

    def cell_points(self, means: F32) -> F64:
        """Where `means`, (N, 3), lie in the space that cells cut up evenly, (N, 3) float64.

        From an eye: two viewing angles and ln distance, so that a cell has the same size in the picture near and
        far; angles, unlike x/z, also hold beside and behind the camera. From everywhere: the means themselves.
        """
        points = means.astype(np.float64)
        if not self.from_everywhere:
            _to_angles(points, self.extrinsic)
        return points


def masses(cloud: GaussianCloud, view: View) -> F64:
    """Opacity times projected area of each Gaussian, (N,), square metres up to a constant factor."""
    mass = np.empty(cloud.count)
    arrays = (cloud.means, cloud.log_scales, cloud.quaternions, cloud.opacity_logits)
    _masses(*arrays, view.eye, view.from_everywhere, mass)
    return mass


def merge(cloud: GaussianCloud, order: I64, starts: I64, mass: F64, view: View) -> GaussianCloud:
    """One Gaussian for each group of `order[starts[g]:starts[g + 1]]`.

    order: (N,) indices into the cloud. starts: (G + 1,). mass: (N,) of `masses`, in the cloud's order.
    Groups of one are copied as they are.
    """
    groups = starts.size - 1
    width = 3 * cloud.sh.shape[1]
    merged = replace(
        cloud,
        means=np.empty((groups, 3), np.float32),
        log_scales=np.empty((groups, 3), np.float32),
        quaternions=np.empty((groups, 4), np.float32),
        opacity_logits=np.empty(groups, np.float32),
        sh=np.empty((groups, cloud.sh.shape[1], 3), np.float32),
    )
    _merge(
        (cloud.means, cloud.log_scales, cloud.quaternions, cloud.opacity_logits, cloud.sh.reshape(-1, width)),
        order,
        starts,
        mass,
        (view.eye, view.from_everywhere),
        (merged.means, merged.log_scales, merged.quaternions, merged.opacity_logits, merged.sh.reshape(-1, width)),
    )
    return merged


@kernel
def _to_angles(points: F64, extrinsic: F64) -> None:
    for i in range(points.shape[0]):
        p, q, r = points[i]
        x = extrinsic[0, 0] * p + extrinsic[0, 1] * q + extrinsic[0, 2] * r + extrinsic[0, 3]
        y = extrinsic[1, 0] * p + extrinsic[1, 1] * q + extrinsic[1, 2] * r + extrinsic[1, 3]
        z = extrinsic[2, 0] * p + extrinsic[2, 1] * q + extrinsic[2, 2] * r + extrinsic[2, 3]
        sideways = np.hypot(x, z)
        points[i, 0] = np.arctan2(x, z)
        points[i, 1] = np.arctan2(y, sideways)
        points[i, 2] = np.log(max(np.hypot(y, sideways), _NEAREST))


@kernel
def _rotation(q: F32, out: F64) -> None:
    w, x, y, z = np.float64(q[0]), np.float64(q[1]), np.float64(q[2]), np.float64(q[3])
    out[0, 0] = 1 - 2 * (y * y + z * z)
    out[0, 1] = 2 * (x * y - w * z)
    out[0, 2] = 2 * (x * z + w * y)
    out[1, 0] = 2 * (x * y + w * z)
    out[1, 1] = 1 - 2 * (x * x + z * z)
    out[1, 2] = 2 * (y * z - w * x)
    out[2, 0] = 2 * (x * z - w * y)
    out[2, 1] = 2 * (y * z + w * x)
    out[2, 2] = 1 - 2 * (x * x + y * y)


@kernel
def _area(mean: F64, variances: F64, axes: F64, eye: F64, from_everywhere: bool) -> float:
    """Projected area / pi of an ellipsoid with `variances`, (3,), along the columns of `axes`, (3, 3)."""
    opposite = (variances[1] * variances[2], variances[0] * variances[2], variances[0] * variances[1])
    x, y, z = mean[0] - eye[0], mean[1] - eye[1], mean[2] - eye[2]
    squares = x * x + y * y + z * z
    if from_everywhere or squares == 0:
        return float(np.sqrt((opposite[0] + opposite[1] + opposite[2]) / 3))
    total = 0.0
    for k in range(3):
        along = x * axes[0, k] + y * axes[1, k] + z * axes[2, k]
        total += along * along * opposite[k]
    return float(np.sqrt(total / squares))


@kernel
def _variances(log_scales: F32, out: F64) -> None:
    for k in range(3):
        clamped = min(max(np.float64(log_scales[k]), -LARGEST_LOG_SCALE), LARGEST_LOG_SCALE)
        out[k] = np.exp(2 * clamped)


@kernel
def _masses(
    means: F32, log_scales: F32, quaternions: F32, logits: F32, eye: F64, from_everywhere: bool, mass: F64
) -> None:
    mean, variances, axes = np.empty(3), np.empty(3), np.empty((3, 3))
    for i in range(means.shape[0]):
        for k in range(3):
            mean[k] = means[i, k]
        _variances(log_scales[i], variances)
        _rotation(quaternions[i], axes)
        area = _area(mean, variances, axes, eye, from_everywhere)
        mass[i] = max(area / (1 + np.exp(-np.float64(logits[i]))), _LEAST_MASS)


@kernel
def _merge(
    cloud: tuple[F32, F32, F32, F32, F32],
    order: I64,
    starts: I64,
    mass: F64,
    view: tuple[F64, bool],
    merged: tuple[F32, F32, F32, F32, F32],
) -> None:
    means, log_scales, quaternions, logits, sh = cloud
    mean, color = np.empty(3), np.empty(sh.shape[1])
    covariance, axes, variances = np.empty((3, 3)), np.empty((3, 3)), np.empty(3)
    for group in range(starts.shape[0] - 1):
        members = order[starts[group] : starts[group + 1]]
        if members.shape[0] == 1:
            only = members[0]
            merged[0][group] = means[only]
            merged[1][group] = log_scales[only]
            merged[2][group] = quaternions[only]
            merged[3][group] = logits[only]
            merged[4][group] = sh[only]
            continue
        total = _first_moments(means, sh, members, mass, mean, color)
        _second_moments(means, log_scales, quaternions, members, mass, total, mean, covariance)
        _eigen(covariance, axes)
        for k in range(3):
            variances[k] = max(covariance[k, k], _LEAST_VARIANCE)
        _quaternion(axes, merged[2][group])
        opacity = total / _area(mean, variances, axes, view[0], view[1])
        growth = min(max(opacity, 1.0), _MOST_GROWTH)
        opacity = min(opacity / growth, 1.0)
        for k in range(3):
            merged[0][group, k] = mean[k]
            merged[1][group, k] = 0.5 * np.log(variances[k] * growth)
        logit = np.log(opacity / (1 - opacity)) if opacity < 1 else OPACITY_LOGIT_LIMIT
        merged[3][group] = min(max(logit, -OPACITY_LOGIT_LIMIT), OPACITY_LOGIT_LIMIT)
        for k in range(sh.shape[1]):
            merged[4][group, k] = color[k]


@kernel
def _first_moments(means: F32, sh: F32, members: I64, mass: F64, mean: F64, color: F64) -> float:
    mean[:] = 0
    color[:] = 0
    total = 0.0
    for i in members:
        total += mass[i]
        for k in range(3):
            mean[k] += mass[i] * means[i, k]
        for k in range(sh.shape[1]):
            color[k] += mass[i] * sh[i, k]
    mean /= total
    color /= total
    return total


@kernel
def _second_moments(
    means: F32,
    log_scales: F32,
    quaternions: F32,
    members: I64,
    mass: F64,
    total: float,
    mean: F64,
    covariance: F64,
) -> None:
    axes, variances = np.empty((3, 3)), np.empty(3)
    covariance[:] = 0
    for i in members:
        _variances(log_scales[i], variances)
        _rotation(quaternions[i], axes)
        weight = mass[i] / total
        for a in range(3):
            for b in range(a, 3):
                value = (means[i, a] - mean[a]) * (means[i, b] - mean[b])
                for k in range(3):
                    value += variances[k] * axes[a, k] * axes[b, k]
                covariance[a, b] += weight * value
    for a in range(3):
        for b in range(a):
            covariance[a, b] = covariance[b, a]


@kernel
def _eigen(matrix: F64, vectors: F64) -> None:
    """Leave the eigenvalues of a symmetric (3, 3) matrix on its diagonal: Jacobi's method."""
    vectors[:] = 0
    for k in range(3):
        vectors[k, k] = 1
    for _ in range(12):
        trace = matrix[0, 0] + matrix[1, 1] + matrix[2, 2]
        if abs(matrix[0, 1]) + abs(matrix[0, 2]) + abs(matrix[1, 2]) <= 1e-14 * trace:
            return
        for p in range(2):
            for q in range(p + 1, 3):
                if matrix[p, q] == 0:
                    continue
                theta = (matrix[q, q] - matrix[p, p]) / (2 * matrix[p, q])
                t = (1.0 if theta >= 0 else -1.0) / (abs(theta) + np.sqrt(theta * theta + 1))
                c = 1 / np.sqrt(t * t + 1)
                s = t * c
                for k in range(3):
                    kp, kq = matrix[k, p], matrix[k, q]
                    matrix[k, p], matrix[k, q] = c * kp - s * kq, s * kp + c * kq
                for k in range(3):
                    pk, qk = matrix[p, k], matrix[q, k]
                    matrix[p, k], matrix[q, k] = c * pk - s * qk, s * pk + c * qk
                    kp, kq = vectors[k, p], vectors[k, q]
                    vectors[k, p], vectors[k, q] = c * kp - s * kq, s * kp + c * kq


@kernel
def _quaternion(axes: F64, out: F32) -> None:
    """Unit quaternion of the rotation with columns `axes`, from its largest component (Shepperd's method)."""
    squares = np.empty(4)
    squares[0] = axes[0, 0] + axes[1, 1] + axes[2, 2]
    squares[1] = axes[0, 0] - axes[1, 1] - axes[2, 2]
    squares[2] = axes[1, 1] - axes[0, 0] - axes[2, 2]
    squares[3] = axes[2, 2] - axes[0, 0] - axes[1, 1]
    largest = np.argmax(squares)
    q = np.empty(4)
    q[largest] = 0.5 * np.sqrt(1 + squares[largest])
    scale = 0.25 / q[largest]
    wx, wy, wz = axes[2, 1] - axes[1, 2], axes[0, 2] - axes[2, 0], axes[1, 0] - axes[0, 1]
    xy, xz, yz = axes[0, 1] + axes[1, 0], axes[0, 2] + axes[2, 0], axes[1, 2] + axes[2, 1]
    products = ((0.0, wx, wy, wz), (wx, 0.0, xy, xz), (wy, xy, 0.0, yz), (wz, xz, yz, 0.0))
    for k in range(4):
        if k != largest:
            q[k] = products[largest][k] * scale
        out[k] = q[k]
