"""What can be wrong with a photo, by the code that services report."""

from typing import ClassVar


class MediaError(ValueError):
    """A photo that cannot be decoded; `code` is the word for it in every answer of the system."""

    code: ClassVar[str] = "invalid_image"


class InvalidImage(MediaError):
    """Not an image, or an image that is damaged or cut off."""

    code = "invalid_image"


class ImageTooLarge(MediaError):
    """An image above one of the limits, refused before any pixel was decoded."""

    code = "image_too_large"


class ImageTooSmall(MediaError):
    """An image of fewer pixels than there must be to see anything in it."""

    code = "image_too_small"


class UnsupportedImage(MediaError):
    """An image in a format, or in a variant of a format, that this package does not decode."""

    code = "unsupported_format"


class NotFlat(MediaError):
    """A sphere, a fisheye or the like, which is no picture of a pinhole camera: its depth would be nonsense."""

    code = "not_flat"

    def __init__(self, projection: str) -> None:
        super().__init__(
            f"the photo is no flat picture but {projection!r}; such photos are not turned into 3D yet, "
            "choose one that an ordinary lens took"
        )
