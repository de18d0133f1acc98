"""The camera of a cloud in a GLB: `extras.camera` of the scene, in pixels and OpenCV axes.

{"fx", "fy", "cx", "cy", "width", "height", "extrinsic": 16 numbers, world to camera, row by row}
"""

import numpy as np

from immichvr_splats.cloud import Camera
from immichvr_splats.errors import SplatError
from immichvr_splats.formats.glb.marks import extras_of
from immichvr_splats.gltf.container import Container, as_integer, as_numbers, as_object
from immichvr_splats.losses import Loss

_PINHOLE = ("fx", "fy", "cx", "cy")


def describe_camera(camera: Camera) -> dict[str, object]:
    """Its part of the scene's `extras`."""
    pinhole = {name: getattr(camera, name) for name in _PINHOLE}
    size = {"width": camera.width, "height": camera.height}
    return {"camera": {**pinhole, **size, "extrinsic": camera.extrinsic.ravel().tolist()}}


def read_camera(file: Container, losses: list[Loss]) -> Camera | None:
    """The camera of the default scene; None, and a loss, where it is not usable."""
    extras = extras_of(file)
    if "camera" not in extras:
        return None
    where = f"{file.name}: scene.extras.camera"
    try:
        values = as_object(extras["camera"], where)
        fx, fy, cx, cy = as_numbers([values.get(name) for name in _PINHOLE], 4, f"{where}: {', '.join(_PINHOLE)}")
        return Camera(
            fx=float(fx),
            fy=float(fy),
            cx=float(cx),
            cy=float(cy),
            width=as_integer(values.get("width"), f"{where}.width"),
            height=as_integer(values.get("height"), f"{where}.height"),
            extrinsic=as_numbers(values.get("extrinsic", np.eye(4).ravel().tolist()), 16, where).reshape(4, 4),
        )
    except SplatError as error:
        losses.append(Loss("camera", f"the camera in the file is not usable: {error}"))
        return None
