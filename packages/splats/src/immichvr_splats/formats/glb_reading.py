"""Gaussians from the attributes of a primitive."""

from dataclasses import replace

import numpy as np

from ..cloud import OPACITY_LOGIT_LIMIT, SH_COEFFICIENTS, Camera, ColorSpace, GaussianCloud
from ..color import to_srgb
from ..compiled import F32
from ..errors import InvalidCloudError, MalformedFileError, UnsupportedFileError
from ..gltf.accessors import Accessor, attributes_of, read_accessor
from ..gltf.accessors import count_of as accessor_count
from ..gltf.container import Container, Json
from ..gltf.scene import Shown
from ..losses import Loss
from ..turning import moved

EXTENSION = "KHR_gaussian_splatting"
TO_GLTF = np.diag([1.0, -1.0, -1.0, 1.0])
"""From OpenCV's axes to glTF's, and back."""

_SMALLEST_SCALE = np.float32(1e-9)  # zero is a legal scale, but has no logarithm
_COLOR_SPACES: dict[object, ColorSpace] = {"srgb_rec709_display": "srgb", "lin_rec709_display": "linear"}

_NOTHING = GaussianCloud(
    means=np.empty((0, 3), np.float32),
    log_scales=np.empty((0, 3), np.float32),
    quaternions=np.empty((0, 4), np.float32),
    opacity_logits=np.empty(0, np.float32),
    sh=np.empty((0, 1, 3), np.float32),
)


def count_of(file: Container, shown: Shown) -> int:
    """How many Gaussians a primitive announces."""
    return accessor_count(file, attributes_of(shown.primitive, shown.where).get("POSITION"))


def read_primitive(file: Container, shown: Shown, splats: Json, losses: list[Loss]) -> GaussianCloud:
    """The Gaussians of one primitive in its own coordinates. splats: its extension object."""
    attributes = attributes_of(shown.primitive, shown.where)
    inner = splats.get("extensions")
    if isinstance(inner, dict) and inner:
        raise UnsupportedFileError(f"{shown.where}: {EXTENSION} extended by {', '.join(map(str, inner))[:100]}")
    if splats.get("kernel") != "ellipse":
        losses.append(Loss("ignored", f"the kernel {str(splats.get('kernel'))[:40]!r}: taken as an ellipse"))
    color_space = _COLOR_SPACES.get(splats.get("colorSpace"))
    if color_space is None:
        found, known = str(splats.get("colorSpace"))[:40], ", ".join(map(str, _COLOR_SPACES))
        losses.append(Loss("color_space", f"colorSpace is {found!r}, wants one of {known}: taken as sRGB"))
    count = count_of(file, shown)
    degree = _degree(attributes)

    def values(name: str, kind: str) -> Accessor:
        if name not in attributes:
            raise MalformedFileError(f"{shown.where}.attributes: lacks {name}")
        return read_accessor(file, attributes[name], (kind,), count)

    rotation = values(f"{EXTENSION}:ROTATION", "VEC4").floats()
    sh = np.empty((count, SH_COEFFICIENTS[degree], 3), np.float32)
    for k, name in enumerate(harmonic_names(degree)):
        sh[:, k] = values(name, "VEC3").floats()
    cloud = GaussianCloud(
        means=values("POSITION", "VEC3").floats(),
        log_scales=_logs(values(f"{EXTENSION}:SCALE", "VEC3").floats()),
        quaternions=rotation[:, [3, 0, 1, 2]],
        opacity_logits=_logits(values(f"{EXTENSION}:OPACITY", "SCALAR").floats()[:, 0]),
        sh=sh,
        color_space=color_space or "srgb",
    )
    return to_srgb(cloud)


def in_scene(cloud: GaussianCloud, shown: Shown) -> GaussianCloud:
    """The cloud where its node puts it, in OpenCV axes."""
    try:
        return moved(cloud, TO_GLTF @ shown.to_scene)
    except InvalidCloudError as error:
        raise UnsupportedFileError(f"{shown.where}: its node has {error}") from error


def joined(parts: list[GaussianCloud], camera: Camera | None) -> GaussianCloud:
    """All parts as one cloud, of the highest degree among them."""
    if len(parts) == 1:
        return replace(parts[0], camera=camera)
    parts = [_NOTHING, *parts]
    coefficients = max(part.sh.shape[1] for part in parts)
    padded = [np.pad(part.sh, ((0, 0), (0, coefficients - part.sh.shape[1]), (0, 0))) for part in parts]
    return GaussianCloud(
        means=np.concatenate([part.means for part in parts]),
        log_scales=np.concatenate([part.log_scales for part in parts]),
        quaternions=np.concatenate([part.quaternions for part in parts]),
        opacity_logits=np.concatenate([part.opacity_logits for part in parts]),
        sh=np.concatenate(padded),
        camera=camera,
    )


def harmonic_names(degree: int) -> list[str]:
    """Attribute names of the coefficients up to `degree`, in their order."""
    return [f"{EXTENSION}:SH_DEGREE_{band}_COEF_{n}" for band in range(degree + 1) for n in range(2 * band + 1)]


def _degree(attributes: Json) -> int:
    present = [name for name in attributes if name.startswith(f"{EXTENSION}:SH_DEGREE_")]
    for degree in range(len(SH_COEFFICIENTS)):
        if set(present) == set(harmonic_names(degree)):
            return degree
    raise MalformedFileError(
        f"attributes: {len(present)} of SH_DEGREE_*, wants all of the degrees up to one from 0 to 3"
    )


def _logs(scales: F32) -> F32:
    with np.errstate(invalid="ignore"):  # what is no size is dropped by its non-finite logarithm
        logs: F32 = np.log(np.where(scales == 0, _SMALLEST_SCALE, scales))
    return logs


def _logits(opacities: F32) -> F32:
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.clip(opacities, 0, 1)
        logits: F32 = np.clip(np.log(inside / (1 - inside)), -OPACITY_LOGIT_LIMIT, OPACITY_LOGIT_LIMIT)
    return logits
