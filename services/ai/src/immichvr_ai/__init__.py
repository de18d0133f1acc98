"""Depth and Gaussian splats from a photo."""
