"""What can be wrong with a conversion. Each error has the code that callers and jobs are told."""

from __future__ import annotations

from typing import ClassVar


class ConversionError(ValueError):
    """Base of every failure that a request or its file is to blame for."""

    code: ClassVar[str] = "invalid_request"


class InvalidSplat(ConversionError):
    """The file is not one that a cloud can be read from."""

    code = "invalid_splat"


class UnsupportedFormat(ConversionError):
    """The format or variant is not among those that are read or made."""

    code = "unsupported_format"


class TooLarge(ConversionError):
    """The file, or what is inside it, is more than may be converted."""

    code = "too_large"
