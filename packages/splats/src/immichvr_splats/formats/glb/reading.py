"""Gaussians from the attributes of a primitive."""

from dataclasses import replace

import numpy as np

from immichvr_splats.cloud import (
    OPACITY_LOGIT_LIMIT,
    SH_COEFFICIENTS,
    STORED_SH_COEFFICIENTS,
    Camera,
    ColorSpace,
    GaussianCloud,
)
from immichvr_splats.color import to_srgb
from immichvr_splats.compiled import F32
from immichvr_splats.errors import InvalidCloudError, MalformedFileError, UnsupportedFileError
from immichvr_splats.formats.glb.embedded_spz import SPZ_EXTENSIONS, read_spz
from immichvr_splats.formats.glb.names import EXTENSION, TO_GLTF, harmonic_names
from immichvr_splats.formats.ply import unread
from immichvr_splats.gltf.accessors import Accessor, attributes_of, read_accessor
from immichvr_splats.gltf.accessors import count_of as accessor_count
from immichvr_splats.gltf.container import Container, Json, as_object
from immichvr_splats.gltf.scene import Shown
from immichvr_splats.losses import Loss
from immichvr_splats.turning import moved

_COLOR_SPACES: dict[str, ColorSpace] = {"srgb_rec709_display": "srgb", "lin_rec709_display": "linear"}
_USUAL = {"projection": "perspective", "sortingMethod": "cameraDistance"}

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


def degree_of(shown: Shown) -> int:
    """The degree that is read of a primitive, 0 to 3."""
    return min(_degree(attributes_of(shown.primitive, shown.where)), len(SH_COEFFICIENTS) - 1)


def read_primitive(file: Container, shown: Shown, splats: Json, losses: list[Loss]) -> GaussianCloud:
    """The Gaussians of one primitive in its own coordinates. splats: its extension object."""
    color_space = _color_space(splats, losses)
    count = count_of(file, shown)
    inner = as_object(splats.get("extensions", {}), f"{shown.where}: extensions of {EXTENSION}")
    for name in SPZ_EXTENSIONS:
        if name in inner:
            packed = as_object(inner[name], f"{shown.where}: {name}")
            return to_srgb(replace(read_spz(file, packed, count, losses, shown.where), color_space=color_space))
    if inner:
        raise UnsupportedFileError(f"{shown.where}: {EXTENSION} extended by {', '.join(inner)[:100]}")
    return to_srgb(replace(_read_attributes(file, shown, count, losses), color_space=color_space))


def _color_space(splats: Json, losses: list[Loss]) -> ColorSpace:
    if splats.get("kernel") != "ellipse":
        losses.append(Loss("ignored", f"the kernel {str(splats.get('kernel'))[:40]!r}: taken as an ellipse"))
    for option, usual in _USUAL.items():
        if splats.get(option, usual) != usual:
            losses.append(Loss("ignored", f"{option} {str(splats[option])[:40]!r}: taken as {usual!r}"))
    name = splats.get("colorSpace")
    if isinstance(name, str) and name in _COLOR_SPACES:
        return _COLOR_SPACES[name]
    known = " or ".join(_COLOR_SPACES)
    losses.append(Loss("color_space", f"colorSpace is {str(name)[:40]!r}, wants {known}: taken as sRGB"))
    return "srgb"


def _read_attributes(file: Container, shown: Shown, count: int, losses: list[Loss]) -> GaussianCloud:
    attributes = attributes_of(shown.primitive, shown.where)
    _check_draft(attributes, shown.where)
    stored = _degree(attributes)
    degree = min(stored, len(SH_COEFFICIENTS) - 1)
    if degree < stored:
        losses.append(
            Loss("sh_degree", f"spherical harmonics of degree {stored}: at most degree {degree} is read", count)
        )
    splat_names = [f"{EXTENSION}:{name}" for name in ("ROTATION", "SCALE", "OPACITY")]
    known = ("POSITION", "COLOR_0", *splat_names, *harmonic_names(stored))
    losses += unread(list(attributes), known, count)

    def values(name: str, kind: str) -> Accessor:
        if name not in attributes:
            raise MalformedFileError(f"{shown.where}.attributes: lacks {name}")
        return read_accessor(file, attributes[name], (kind,), count)

    rotation = values(f"{EXTENSION}:ROTATION", "VEC4").floats()
    sh = np.empty((count, SH_COEFFICIENTS[degree], 3), np.float32)
    for k, name in enumerate(harmonic_names(degree)):
        sh[:, k] = values(name, "VEC3").floats()
    return GaussianCloud(
        means=values("POSITION", "VEC3").floats(),
        log_scales=_logs(values(f"{EXTENSION}:SCALE", "VEC3").floats()),
        quaternions=rotation[:, [3, 0, 1, 2]],
        opacity_logits=_logits(values(f"{EXTENSION}:OPACITY", "SCALAR").floats()[:, 0]),
        sh=sh,
    )


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


def _degree(attributes: Json) -> int:
    present = [name for name in attributes if name.startswith(f"{EXTENSION}:SH_DEGREE_")]
    for degree in range(len(STORED_SH_COEFFICIENTS)):
        if set(present) == set(harmonic_names(degree)):
            return degree
    raise MalformedFileError(
        f"attributes: {len(present)} of SH_DEGREE_*, wants all of the degrees up to one from 0 to 3"
    )


def _check_draft(attributes: Json, where: str) -> None:
    if "_ROTATION" in attributes or "_SCALE" in attributes:
        raise UnsupportedFileError(
            f"{where}: KHR_gaussian_splatting as its drafts of 2025 had it (_ROTATION, _SCALE, opacity in COLOR_0), "
            "which did not say what their scales mean; write the cloud anew by the extension of 2026, or convert the "
            "PLY or SPZ that it was made from"
        )


def what_else(file: Container, clouds: int) -> str:
    """What a GLB without Gaussians is, and what can be done. clouds: of points, that its scene shows."""
    asset = file.root.get("asset")
    generator = str(asset.get("generator", "")) if isinstance(asset, dict) else ""
    if generator.startswith("gltfpack"):
        return (
            "packed by gltfpack, which leaves out the attributes of Gaussians; convert the file that it was made from"
        )
    if clouds:
        return (
            f"a point cloud, not Gaussians: no primitive of mode POINTS has {EXTENSION}. Points are read by "
            "read_points; a splat of them is what a trainer for Gaussian splatting makes"
        )
    if file.root.get("meshes"):
        return f"a mesh, not Gaussians: the scene shows no primitive of mode POINTS with {EXTENSION}"
    return f"the scene shows no primitive of mode POINTS with {EXTENSION}"


def _logs(scales: F32) -> F32:
    with np.errstate(divide="ignore", invalid="ignore"):  # what is no size is dropped by its logarithm, NaN
        logs: F32 = np.log(scales)
    return logs


def _logits(opacities: F32) -> F32:
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.clip(opacities, 0, 1)
        logits: F32 = np.clip(np.log(inside / (1 - inside)), -OPACITY_LOGIT_LIMIT, OPACITY_LOGIT_LIMIT)
    return logits
