"""The camera that a splat was made from, as its manifest tells; of its files only a PLY has it too."""

from __future__ import annotations

from typing import Any

from immichvr_common.manifests import Manifest
from immichvr_common.pinholes import camera_fault


def camera_of(manifest: Manifest) -> dict[str, Any] | None:
    """The fields of a message that tells of it. None where its maker told of none, or of one that cannot be."""
    told = manifest.details.get("camera")
    if not isinstance(told, dict):
        return None
    try:
        camera: dict[str, Any] = {name: float(told[name]) for name in ("fx", "fy", "cx", "cy")}
        camera |= {name: int(told[name]) for name in ("width", "height")}
        camera["extrinsic"] = [float(one) for row in told.get("extrinsic") or () for one in row]
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return None if camera_fault(**camera) else camera
