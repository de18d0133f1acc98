"""Gaussian clouds in memory: one convention, whatever the file they came from."""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.compiled import F32, F64
from immichvr_splats.errors import InvalidCloudError

SH_C0 = 0.28209479177387814
"""Value of the constant spherical harmonic: colour = 0.5 + SH_C0 * f_dc."""

OPACITY_LOGIT_LIMIT = 20.0
"""Where infinite opacity logits are clamped; sigmoid(20) is 1 in float32."""

THINNEST_LOG_SCALE = -20.0
"""Of an axis along which a Gaussian is flat: 2 nm, which every format that keeps floats can hold."""

SH_COEFFICIENTS = (1, 4, 9, 16)
"""Coefficients per channel at degree 0, 1, 2, 3."""

STORED_SH_COEFFICIENTS = (*SH_COEFFICIENTS, 25)
"""As SH_COEFFICIENTS, of files: degree 4, which some have, is cut to 3."""

ColorSpace = Literal["srgb", "linear"]


def _identity() -> F64:
    return np.eye(4, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Camera:
    """The pinhole camera a cloud was made from.

    fx, fy, cx, cy: pixels. width, height: pixels. extrinsic: (4, 4) float64, world to camera, OpenCV axes.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    extrinsic: F64 = field(default_factory=_identity)

    def __post_init__(self) -> None:
        extrinsic = np.array(self.extrinsic, dtype=np.float64, order="C")
        if extrinsic.shape != (4, 4):
            raise InvalidCloudError(f"camera extrinsic has shape {extrinsic.shape}, wants (4, 4)")
        if not (np.isfinite(extrinsic).all() and np.isfinite([self.fx, self.fy, self.cx, self.cy]).all()):
            raise InvalidCloudError("camera has non-finite intrinsics or extrinsic")
        if self.fx <= 0 or self.fy <= 0 or self.width <= 0 or self.height <= 0:
            raise InvalidCloudError(
                f"camera wants a positive focal length and size, "
                f"has fx={self.fx} fy={self.fy} width={self.width} height={self.height}"
            )
        object.__setattr__(self, "extrinsic", extrinsic)


MOST_NOTES = 16
"""Notes of where a cloud stands that are kept."""

LONGEST_NOTE = 1000
"""Characters of one."""


@dataclass(frozen=True)
class Marks:
    """What a file tells of a whole cloud, beside its Gaussians and their camera.

    antialiased: it was trained for antialiased rendering (mip-splatting's), so a renderer without looks too thick.
    origin: metres in the axes of the means, which the means are counted from. georeference: notes of where on Earth a
    cloud stands, word for word.
    """

    antialiased: bool = False
    origin: tuple[float, float, float] | None = None
    georeference: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Origin and georeference in words, empty where nothing is known."""
        origin = [] if self.origin is None else [f"origin ({', '.join(f'{v:.15g}' for v in self.origin)})"]
        return ", ".join([*origin, *self.georeference])


NO_MARKS = Marks()


@dataclass(frozen=True, eq=False)
class GaussianCloud:
    """N anisotropic Gaussians. Arrays are made contiguous float32 on construction.

    means: (N, 3) metres, OpenCV axes (x right, y down, z forward). log_scales: (N, 3), ln of metres.
    quaternions: (N, 4) wxyz, unit. opacity_logits: (N,). sh: (N, K, 3), K in 1, 4, 9, 16; index 0 is f_dc.
    Raises InvalidCloudError where shapes do not fit. Values are checked when a cloud is read or written.
    """

    means: F32
    log_scales: F32
    quaternions: F32
    opacity_logits: F32
    sh: F32
    camera: Camera | None = None
    color_space: ColorSpace = "srgb"
    frame: Literal["rdf"] = "rdf"
    marks: Marks = NO_MARKS

    def __post_init__(self) -> None:
        for name in ("means", "log_scales", "quaternions", "opacity_logits", "sh"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=np.float32))
        count = self.means.shape[0] if self.means.ndim else 0
        coefficients = self.sh.shape[1] if self.sh.ndim == 3 else 0
        wanted = {
            "means": (count, 3),
            "log_scales": (count, 3),
            "quaternions": (count, 4),
            "opacity_logits": (count,),
            "sh": (count, coefficients, 3),
        }
        for name, shape in wanted.items():
            found = getattr(self, name).shape
            if found != shape:
                raise InvalidCloudError(f"{name} has shape {found}, wants {shape}")
        if coefficients not in SH_COEFFICIENTS:
            raise InvalidCloudError(f"sh has {coefficients} coefficients, wants one of {SH_COEFFICIENTS}")
        if self.color_space not in ("srgb", "linear"):
            raise InvalidCloudError(f"color_space is {self.color_space!r}, wants 'srgb' or 'linear'")
        if self.frame != "rdf":
            raise InvalidCloudError(f"frame is {self.frame!r}, wants 'rdf'")

    @classmethod
    def empty(cls, count: int, sh_degree: int, camera: Camera | None = None, marks: Marks = Marks()) -> "GaussianCloud":
        """Room for `count` Gaussians, values undefined."""
        return cls(
            means=np.empty((count, 3), np.float32),
            log_scales=np.empty((count, 3), np.float32),
            quaternions=np.empty((count, 4), np.float32),
            opacity_logits=np.empty(count, np.float32),
            sh=np.empty((count, SH_COEFFICIENTS[sh_degree], 3), np.float32),
            camera=camera,
            marks=marks,
        )

    @property
    def count(self) -> int:
        """Number of Gaussians."""
        return int(self.means.shape[0])

    @property
    def sh_degree(self) -> int:
        """Degree of the spherical harmonics, 0 to 3."""
        return SH_COEFFICIENTS.index(self.sh.shape[1])

    @property
    def flat_sh(self) -> F32:
        """The spherical harmonics as rows, (N, 3 K), coefficient-major: a view."""
        return self.sh.reshape(self.count, 3 * self.sh.shape[1])

    def bounds(self) -> tuple[F32, F32]:
        """Smallest and largest mean, (3,) each, metres. Zeros for an empty cloud."""
        if not self.count:
            return np.zeros(3, np.float32), np.zeros(3, np.float32)
        return self.means.min(axis=0), self.means.max(axis=0)

    def take(self, indices: NDArray[np.integer]) -> "GaussianCloud":
        """The Gaussians at `indices`, (M,) integers, in that order; camera and colour space stay."""
        return replace(
            self,
            means=self.means.take(indices, axis=0),
            log_scales=self.log_scales.take(indices, axis=0),
            quaternions=self.quaternions.take(indices, axis=0),
            opacity_logits=self.opacity_logits.take(indices),
            sh=self.sh.take(indices, axis=0),
        )

    def rows(self, rows: slice | NDArray[np.integer]) -> "GaussianCloud":
        """The Gaussians of a slice, as views, or at indices."""
        if not isinstance(rows, slice):
            return self.take(rows)
        return replace(
            self,
            means=self.means[rows],
            log_scales=self.log_scales[rows],
            quaternions=self.quaternions[rows],
            opacity_logits=self.opacity_logits[rows],
            sh=self.sh[rows],
        )

    def with_sh_degree(self, degree: int) -> "GaussianCloud":
        """The same cloud with its spherical harmonics cut off above `degree`."""
        if degree >= self.sh_degree:
            return self
        return replace(self, sh=self.sh[:, : SH_COEFFICIENTS[degree]])
