"""Lifting: a photo and its depth become a layered cloud of Gaussians."""

from immichvr_ai.lift.errors import LiftError
from immichvr_ai.lift.lifting import Lifted, lift

__all__ = ["LiftError", "Lifted", "lift"]
