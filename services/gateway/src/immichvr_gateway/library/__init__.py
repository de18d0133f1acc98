"""Where photos come from: an Immich server or a folder, behind one surface."""

from immichvr_gateway.library.content import Content
from immichvr_gateway.library.errors import (
    InvalidCursor,
    LibraryError,
    LibraryUnavailable,
    NotPermitted,
    NotReady,
    PhotoNotFound,
    PhotoTooLarge,
    PhotoUnreadable,
    SignInFailed,
)
from immichvr_gateway.library.folder import FolderLibrary, FolderLimits
from immichvr_gateway.library.immich import ImmichLibrary, ImmichLimits
from immichvr_gateway.library.photos import Caller, Credential, Identity, LibraryPhoto, PhotoPage, Span, Trace
from immichvr_gateway.library.protocol import Library

__all__ = [
    "Caller",
    "Content",
    "Credential",
    "FolderLibrary",
    "FolderLimits",
    "Identity",
    "ImmichLibrary",
    "ImmichLimits",
    "InvalidCursor",
    "Library",
    "LibraryError",
    "LibraryPhoto",
    "LibraryUnavailable",
    "NotPermitted",
    "NotReady",
    "PhotoNotFound",
    "PhotoPage",
    "PhotoTooLarge",
    "PhotoUnreadable",
    "SignInFailed",
    "Span",
    "Trace",
]
