"""Pictures of Gaussians with gradients, on the CPU: the conventions, and the tiles, of `immichvr_splats.rendering`.

`projection.py` and `harmonics.py` make a spot of every Gaussian with torch, so that gradients reach the camera too;
`blending.py` draws the spots as the renderer does and knows the gradients of what it drew, which `gradients.py` finds.
"""

from immichvr_scenes.rasterizer.rasterizer import Gaussians, Rendered, rasterize

__all__ = ["Gaussians", "Rendered", "rasterize"]
