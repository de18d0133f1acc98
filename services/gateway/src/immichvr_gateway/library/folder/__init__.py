"""A directory of photos as a library."""

from immichvr_gateway.library.folder.library import FolderLibrary
from immichvr_gateway.library.folder.limits import FolderLimits

__all__ = ["FolderLibrary", "FolderLimits"]
