"""Depth maps of photos: carried by the file or guessed without weights; lifted to Gaussians. `files` writes them."""

from immichvr_depth.depth_map import GUESS, DepthMap, FloatImage
from immichvr_depth.embedded import EMBEDDED, embedded_depth
from immichvr_depth.errors import LiftError
from immichvr_depth.heuristic import guess, heuristic_depth
from immichvr_depth.lift import Layers, Lifted, LiftedPictures, lift, lift_pictures, split_layers
from immichvr_depth.unprojection import unproject

__all__ = [
    "EMBEDDED",
    "GUESS",
    "DepthMap",
    "FloatImage",
    "Layers",
    "LiftError",
    "Lifted",
    "LiftedPictures",
    "embedded_depth",
    "guess",
    "heuristic_depth",
    "lift",
    "lift_pictures",
    "split_layers",
    "unproject",
]
