"""Depth from one photo: carried by the file, estimated by a network, or guessed without weights."""

from immichvr_ai.depth.estimate import DEPTH_MODELS, estimate_depth

__all__ = ["DEPTH_MODELS", "estimate_depth"]
