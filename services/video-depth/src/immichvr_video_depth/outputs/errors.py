"""What can be wrong with depth that is read back."""

from __future__ import annotations


class DepthUnusable(ValueError):
    """A depth video and its depth.json that do not fit each other or the video; the message says where."""
