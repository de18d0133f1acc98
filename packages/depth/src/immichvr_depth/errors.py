"""What can be wrong with a photo or its depth."""

from __future__ import annotations


class LiftError(ValueError):
    """The photo, its depth or the focal length cannot be lifted; the message says what would do."""


class ImageTooSmall(ValueError):
    """The photo has too few pixels to see depth in."""

    code = "image_too_small"

    @classmethod
    def check(cls, width: int, height: int, least: int) -> None:
        """Raises ImageTooSmall where a side has fewer pixels than `least`."""
        if min(width, height) < least:
            raise cls(f"the photo is {width}×{height} pixels; at least {least} on each side are needed")


class InvalidDepth(ValueError):
    """A file is no depth map as they are kept here."""

    code = "invalid_depth"
