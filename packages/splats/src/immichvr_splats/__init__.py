"""Gaussian clouds in memory and the file formats that hold them."""

from .cleaning import clean
from .cloud import SH_C0, Camera, GaussianCloud, Marks
from .conversion import Conversion, Opened, ReadResult, convert, format_of, open_cloud, read, to_bytes, write
from .errors import (
    EmptyCloudError,
    InvalidCloudError,
    LimitExceededError,
    MalformedFileError,
    SplatError,
    UnknownFormatError,
    UnsupportedFileError,
)
from .formats import FORMATS
from .formats.base import Format
from .lod import LIGHT_BYTES, LIGHT_COUNT, light, lod, within_bytes
from .lod_index import Bounds
from .lod_levels import LEVEL_COUNTS, LEVELS_FILE, Level, levels, write_levels
from .lod_points import LEAST_CONFIDENCE, confident, lod_points, point_levels, write_point_levels
from .lod_tiles import TILES_FILE, Tile, write_tiles
from .losses import Loss
from .sog_folder import read_sog_folder, write_sog_folder
from .source import ReadLimits
from .warming import warm

__all__ = [
    "FORMATS",
    "LEAST_CONFIDENCE",
    "LEVELS_FILE",
    "LEVEL_COUNTS",
    "LIGHT_BYTES",
    "LIGHT_COUNT",
    "SH_C0",
    "TILES_FILE",
    "Bounds",
    "Camera",
    "Conversion",
    "EmptyCloudError",
    "Format",
    "GaussianCloud",
    "InvalidCloudError",
    "Level",
    "LimitExceededError",
    "Loss",
    "MalformedFileError",
    "Marks",
    "Opened",
    "ReadLimits",
    "ReadResult",
    "SplatError",
    "Tile",
    "UnknownFormatError",
    "UnsupportedFileError",
    "clean",
    "confident",
    "convert",
    "format_of",
    "levels",
    "light",
    "lod",
    "lod_points",
    "open_cloud",
    "point_levels",
    "read",
    "read_sog_folder",
    "to_bytes",
    "warm",
    "within_bytes",
    "write",
    "write_levels",
    "write_point_levels",
    "write_sog_folder",
    "write_tiles",
]
