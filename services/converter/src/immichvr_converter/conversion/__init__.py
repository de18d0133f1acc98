"""Converting splat files: no bus, no storage, no gRPC."""

from immichvr_converter.conversion.errors import ConversionError, InvalidSplat, TooLarge, UnsupportedFormat
from immichvr_converter.conversion.files import Converted, Loss, convert
from immichvr_converter.conversion.formats import LIGHT_MAX_BYTES, VARIANTS, Target, choose_target, tell_format

__all__ = [
    "LIGHT_MAX_BYTES",
    "VARIANTS",
    "ConversionError",
    "Converted",
    "InvalidSplat",
    "Loss",
    "Target",
    "TooLarge",
    "UnsupportedFormat",
    "choose_target",
    "convert",
    "tell_format",
]
