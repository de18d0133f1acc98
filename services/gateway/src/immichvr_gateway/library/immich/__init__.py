"""An Immich server as a library."""

from immichvr_gateway.library.immich.library import ImmichLibrary
from immichvr_gateway.library.immich.limits import ImmichLimits

__all__ = ["ImmichLibrary", "ImmichLimits"]
