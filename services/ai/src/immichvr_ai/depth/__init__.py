"""Depth from one photo: carried by the file, estimated by a network, or guessed without weights."""

from immichvr_ai.depth.errors import DepthError, DepthUnavailable, UnknownDepthModel
from immichvr_ai.depth.estimate import DEPTH_MODELS, estimate_depth
from immichvr_ai.depth.runtime import Device, Runtime

__all__ = ["DEPTH_MODELS", "DepthError", "DepthUnavailable", "Device", "Runtime", "UnknownDepthModel", "estimate_depth"]
