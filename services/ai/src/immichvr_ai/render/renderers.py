"""Who draws a splat: the rasterizer for CPUs, or gsplat on a GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import cv2
import numpy as np
from immichvr_common.logs import get_log
from immichvr_depth.compiled import Bytes
from immichvr_inference.errors import DeviceFailed
from immichvr_splats import Camera, GaussianCloud, lod
from immichvr_splats.rendering import render

from immichvr_ai.render.reach import Reach, reach_of

log = get_log(__name__)

MOST_ON_CPU = 500_000
"""Gaussians; a cloud of more is merged to so many, as a picture would take too long."""
_NO_KERNEL = "no kernel image is available"
"""What CUDA says of kernels that were compiled for other processors."""
_WARMING = Camera(32, 32, 16, 9, 32, 18)


class Renderer(Protocol):
    """Draws one splat. reason: why it is not gsplat where there is a GPU; empty where nothing need be said."""

    name: str
    gaussians: int
    reach: Reach
    reason: str

    def draw(self, camera: Camera) -> Bytes:
        """What the camera sees, (h, w, 3) sRGB over black. Raises DeviceFailed, MemoryError."""
        ...


class CpuRenderer:
    """Draws with the rasterizer of `immichvr_splats`."""

    name = "cpu"

    def __init__(self, cloud: GaussianCloud, reason: str = "") -> None:
        self._cloud = lod(cloud, MOST_ON_CPU) if cloud.count > MOST_ON_CPU else cloud
        self.gaussians, self.reach, self.reason = self._cloud.count, reach_of(cloud), reason

    def draw(self, camera: Camera) -> Bytes:
        drawn = render(self._cloud, camera, compensate=self._cloud.marks.antialiased).rgb
        return np.asarray(cv2.convertScaleAbs(drawn, alpha=255), np.uint8)


class GsplatRenderer:
    """Draws with gsplat 1.5 on CUDA, by its documented interface; it has not been run on a GPU by us.

    rasterization: gsplat's. device: of torch.
    """

    name = "gsplat"
    reason = ""

    def __init__(self, cloud: GaussianCloud, rasterization: Callable[..., Any], device: str = "cuda") -> None:
        import torch

        def there(values: Any) -> torch.Tensor:
            return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(device)

        self._rasterization, self._device = rasterization, device
        self.gaussians, self.reach = cloud.count, reach_of(cloud)
        self._gaussians = {
            "means": there(cloud.means),
            "quats": there(cloud.quaternions),
            "scales": there(cloud.log_scales).exp(),
            "opacities": there(cloud.opacity_logits).sigmoid(),
            "colors": there(cloud.sh),
        }
        self._degree = round(cloud.sh.shape[1] ** 0.5) - 1
        self._mode = "antialiased" if cloud.marks.antialiased else "classic"

    def draw(self, camera: Camera) -> Bytes:
        import torch

        lens = [[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]]
        try:
            with torch.inference_mode():
                drawn, _, _ = self._rasterization(
                    **self._gaussians,
                    viewmats=torch.tensor(camera.extrinsic, dtype=torch.float32, device=self._device)[None],
                    Ks=torch.tensor(lens, dtype=torch.float32, device=self._device)[None],
                    width=camera.width,
                    height=camera.height,
                    sh_degree=self._degree,
                    rasterize_mode=self._mode,
                    render_mode="RGB",
                )
                picture = (drawn[0].clamp(0, 1) * 255).round().to(torch.uint8)
                return np.asarray(picture.cpu().numpy(), np.uint8)
        except torch.OutOfMemoryError as error:
            raise MemoryError("the GPU has too little memory for this picture") from error
        except torch.AcceleratorError as error:
            if _NO_KERNEL in str(error):  # that leaves the device as it was
                raise RuntimeError(str(error).splitlines()[0]) from error
            raise DeviceFailed(f"the device failed: {str(error).splitlines()[0]}") from error


def open_renderer(cloud: GaussianCloud, on_gpu: bool) -> CpuRenderer | GsplatRenderer:
    """What draws this cloud here, and has drawn it once. Raises DeviceFailed."""
    return _on_gpu(cloud) if on_gpu else _on_cpu(cloud)


def _on_cpu(cloud: GaussianCloud, reason: str = "") -> CpuRenderer:
    renderer = CpuRenderer(cloud, reason)
    renderer.draw(_WARMING)
    return renderer


def _on_gpu(cloud: GaussianCloud) -> CpuRenderer | GsplatRenderer:
    import torch

    try:
        from gsplat import rasterization
    except ImportError:
        return _on_cpu(cloud, "gsplat is not installed on this GPU's worker")
    try:
        renderer = GsplatRenderer(cloud, rasterization)
        renderer.draw(_WARMING)
        return renderer
    except (MemoryError, torch.OutOfMemoryError):
        reason = "the GPU has too little memory for this splat"
    except DeviceFailed:
        raise
    except Exception as error:  # kernels that are missing, or of another build, raise whatever they come upon
        log.warning("gsplat cannot draw here", exc_info=error)
        reason = "gsplat is installed on this GPU's worker, and cannot draw on its GPU; the worker's log says more"
    return _on_cpu(cloud, reason)
