"""Pictures of clouds, made on the CPU: EWA splatting, blended front to back in tiles.

`projection.py` and `colors.py` make a spot on the screen of every Gaussian, `tiles.py` tells which of them each tile of
the picture needs, `blending.py` draws them, `fitting.py` finds colours with which they are a given picture.
"""

from immichvr_splats.rendering.fitting import fit_colors
from immichvr_splats.rendering.projection import view_of
from immichvr_splats.rendering.rasterizer import Rendering, count_reaches, render, shifted

__all__ = ["Rendering", "count_reaches", "fit_colors", "render", "shifted", "view_of"]
