"""What can be wrong with a video, by the code that services report; and with a device that reads or writes it."""

from typing import ClassVar


class VideoError(ValueError):
    """A video that cannot be used; `code` is the word for it in every answer of the system."""

    code: ClassVar[str] = "invalid_video"


class InvalidVideo(VideoError):
    """Not a video, or one that is damaged or cut off so that nothing of it can be shown."""

    code = "invalid_video"


class NoPicture(VideoError):
    """A file with sound, or with a cover picture, but without a moving picture."""

    code = "no_picture"


class EmptyVideo(VideoError):
    """A video without a single frame."""

    code = "empty_video"


class VideoTooLarge(VideoError):
    """A video above a limit of bytes or pixels, refused before a frame was decoded."""

    code = "video_too_large"


class VideoTooLong(VideoError):
    """A video above a limit of seconds or frames."""

    code = "video_too_long"


class ProtectedVideo(VideoError):
    """A video that is encrypted, as shops do (DRM); nobody here has its key."""

    code = "protected_video"


class UnsupportedVideo(VideoError):
    """A video in a container or a codec that is not decoded here."""

    code = "unsupported_video"


class OutsideOfVideo(VideoError):
    """A part of a video that the video does not have."""

    code = "outside_of_video"


class DeviceGaveUp(Exception):
    """A device does not decode this, or met what software has to judge: that goes on."""


class EncoderFailed(RuntimeError):
    """A device that encodes failed; software does not go on with what it has written."""
