"""What exists in ImmichVR, written once: services, pools, kinds of jobs, assets and sources, formats, errors, names.

Data only: nothing of ours is imported here, and nothing but the standard library.
"""

from immichvr_catalog.codes import ERRORS, UNDECODED, ErrorCode
from immichvr_catalog.errors import CatalogError, UnknownName
from immichvr_catalog.formats import (
    FORMATS,
    LEVELS,
    SH_DEGREE,
    FormatOption,
    PerGaussian,
    SplatFormat,
    Value,
    format_options,
)
from immichvr_catalog.jobs import (
    DEFAULT_DEADLINE_S,
    KINDS,
    MODEL,
    JobKind,
    assets_of,
    is_of_model,
    kinds_of,
    needs_source,
)
from immichvr_catalog.services import CLASSES, CPU, GATEWAY, GPU, POOLS, SERVICES, Service, workers
from immichvr_catalog.sources import (
    ASSETS,
    DEPTH,
    DEPTH_VIDEO,
    MOTION,
    OF_LIBRARIES,
    PHOTO,
    POINTS,
    SCENE,
    SET,
    SOURCES,
    SPLAT,
    VIDEO,
    AssetKind,
    SourceKind,
)
from immichvr_catalog.table import GROUP, Table, reload_rows

__all__ = [
    "ASSETS",
    "CLASSES",
    "CPU",
    "DEFAULT_DEADLINE_S",
    "DEPTH",
    "DEPTH_VIDEO",
    "ERRORS",
    "FORMATS",
    "GATEWAY",
    "GPU",
    "GROUP",
    "KINDS",
    "LEVELS",
    "MODEL",
    "MOTION",
    "OF_LIBRARIES",
    "PHOTO",
    "POINTS",
    "POOLS",
    "SCENE",
    "SERVICES",
    "SET",
    "SH_DEGREE",
    "SOURCES",
    "SPLAT",
    "UNDECODED",
    "VIDEO",
    "AssetKind",
    "CatalogError",
    "ErrorCode",
    "FormatOption",
    "JobKind",
    "PerGaussian",
    "Service",
    "SourceKind",
    "SplatFormat",
    "Table",
    "UnknownName",
    "Value",
    "assets_of",
    "format_options",
    "is_of_model",
    "kinds_of",
    "needs_source",
    "reload_rows",
    "workers",
]
