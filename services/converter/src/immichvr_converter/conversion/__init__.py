"""Converting splat files: no bus, no storage, no gRPC."""

from immichvr_converter.conversion.admission import MemoryBudget
from immichvr_converter.conversion.errors import ConversionError, InvalidSplat, TooLarge, UnsupportedFormat
from immichvr_converter.conversion.files import Converted, Loss, convert
from immichvr_converter.conversion.formats import (
    LIGHT_MAX_BYTES,
    VARIANTS,
    Target,
    choose_target,
    choose_targets,
    tell_format,
)
from immichvr_converter.conversion.inspection import Inspected, inspect
from immichvr_converter.conversion.levels import Levels, Tiles, choose_levels, make_levels, make_tiles

__all__ = [
    "LIGHT_MAX_BYTES",
    "VARIANTS",
    "ConversionError",
    "Converted",
    "Inspected",
    "InvalidSplat",
    "Levels",
    "Loss",
    "MemoryBudget",
    "Target",
    "Tiles",
    "TooLarge",
    "UnsupportedFormat",
    "choose_levels",
    "choose_target",
    "choose_targets",
    "convert",
    "inspect",
    "make_levels",
    "make_tiles",
    "tell_format",
]
