"""Converts splats between formats and levels of detail."""
