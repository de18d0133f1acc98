"""Lifting: a photo and its depth become a layered cloud of Gaussians, or two layers of pictures."""

from immichvr_depth.errors import LiftError
from immichvr_depth.lift.layers import Layers, split_layers
from immichvr_depth.lift.lifting import Lifted, LiftedPictures, lift, lift_pictures

__all__ = ["Layers", "LiftError", "Lifted", "LiftedPictures", "lift", "lift_pictures", "split_layers"]
