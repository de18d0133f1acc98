"""The model registry: what exists, where it comes from, its licence, and verified downloads."""

from immichvr_models.acceptance import Acceptance
from immichvr_models.answers import reach
from immichvr_models.cache import Cache, ModelState
from immichvr_models.download import Download, fetch
from immichvr_models.errors import DownloadError, ErrorCode, Offline, UnknownModel
from immichvr_models.model import LIFT, Licence, Model, ModelFile, Registry, registry
from immichvr_models.progress import Progress
from immichvr_models.settings import CacheSettings

__all__ = [
    "LIFT",
    "Acceptance",
    "Cache",
    "CacheSettings",
    "Download",
    "DownloadError",
    "ErrorCode",
    "Licence",
    "Model",
    "ModelFile",
    "ModelState",
    "Offline",
    "Progress",
    "Registry",
    "UnknownModel",
    "fetch",
    "reach",
    "registry",
]
