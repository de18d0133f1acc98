"""What can be wrong with a photo or its depth."""

from __future__ import annotations


class LiftError(ValueError):
    """The photo, its depth or the focal length cannot be lifted; the message says what would do."""


class InvalidDepth(ValueError):
    """A file is no depth map as they are kept here."""

    code = "invalid_depth"
