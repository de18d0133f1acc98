"""Errors of the splat library. All are `ValueError`s that say what was wrong, where, and what would be right."""


class SplatError(ValueError):
    """Base of every error that bad input to this package raises."""


class UnknownFormatError(SplatError):
    """The format is not in `FORMATS`, or cannot do what was asked of it."""


class MalformedFileError(SplatError):
    """The bytes contradict the layout of their format."""


class UnsupportedFileError(SplatError):
    """The file is valid, but uses a part of its format that is not read here."""


class LimitExceededError(SplatError):
    """Reading the file would go beyond the `ReadLimits`."""


class EmptyCloudError(SplatError):
    """Nothing that could be written is left: an empty file would take the place of what may be there."""


class InvalidCloudError(SplatError):
    """Arrays, camera or options given by the caller do not fit together."""
