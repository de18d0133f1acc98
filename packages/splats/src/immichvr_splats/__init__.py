"""Gaussian clouds in memory and the file formats that hold them."""

from .cleaning import clean
from .cloud import SH_C0, Camera, GaussianCloud
from .conversion import ReadResult, format_of, read, to_bytes, write
from .errors import (
    InvalidCloudError,
    LimitExceededError,
    MalformedFileError,
    SplatError,
    UnknownFormatError,
    UnsupportedFileError,
)
from .formats import FORMATS
from .formats.base import Format
from .lod import decimate, light
from .losses import Loss
from .sog_folder import read_sog_folder, write_sog_folder
from .source import ReadLimits
from .warming import warm

__all__ = [
    "FORMATS",
    "SH_C0",
    "Camera",
    "Format",
    "GaussianCloud",
    "InvalidCloudError",
    "LimitExceededError",
    "Loss",
    "MalformedFileError",
    "ReadLimits",
    "ReadResult",
    "SplatError",
    "UnknownFormatError",
    "UnsupportedFileError",
    "clean",
    "decimate",
    "format_of",
    "light",
    "read",
    "read_sog_folder",
    "to_bytes",
    "warm",
    "write",
    "write_sog_folder",
]
