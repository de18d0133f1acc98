"""Two views of each frame, made from its depth; layouts that players know.

`edges` brings depth to the picture's edges, `warp` moves the picture, `registration` and `nearby` remember what the
background showed, `filling` puts it where the warp left holes, `views` does all that frame by frame; `layouts`, `boxes`
and `making` make a file of it.
"""

from immichvr_video_depth.stereo.geometry import Geometry, GeometryRefused
from immichvr_video_depth.stereo.layouts import LAYOUTS, LayoutRefused
from immichvr_video_depth.stereo.making import StereoWish, make_stereo
from immichvr_video_depth.stereo.views import compile_ahead

__all__ = ["LAYOUTS", "Geometry", "GeometryRefused", "LayoutRefused", "StereoWish", "compile_ahead", "make_stereo"]
