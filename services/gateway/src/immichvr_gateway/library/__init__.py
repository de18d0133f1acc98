"""Where photos come from: an Immich server or a folder, behind one surface."""

from immichvr_gateway.library.browsing import Browsing, Glimpse, Selection
from immichvr_gateway.library.changes import Changes
from immichvr_gateway.library.content import Content
from immichvr_gateway.library.errors import (
    InvalidCursor,
    LibraryError,
    LibraryUnavailable,
    NoSuchRange,
    NotPermitted,
    NotReady,
    PasswordRequired,
    PhotoNotFound,
    PhotoTooLarge,
    PhotoUnreadable,
    SearchUnavailable,
    SignInFailed,
)
from immichvr_gateway.library.folder import FolderLibrary, FolderLimits
from immichvr_gateway.library.immich import ImmichLibrary, ImmichLimits
from immichvr_gateway.library.photos import (
    Caller,
    Credential,
    Identity,
    LibraryPhoto,
    Page,
    PhotoPage,
    Place,
    Span,
    Stack,
    Trace,
)
from immichvr_gateway.library.protocol import Library

__all__ = [
    "Browsing",
    "Caller",
    "Changes",
    "Content",
    "Credential",
    "FolderLibrary",
    "FolderLimits",
    "Glimpse",
    "Identity",
    "ImmichLibrary",
    "ImmichLimits",
    "InvalidCursor",
    "Library",
    "LibraryError",
    "LibraryPhoto",
    "LibraryUnavailable",
    "NoSuchRange",
    "NotPermitted",
    "NotReady",
    "Page",
    "PasswordRequired",
    "PhotoNotFound",
    "PhotoPage",
    "PhotoTooLarge",
    "PhotoUnreadable",
    "Place",
    "SearchUnavailable",
    "Selection",
    "SignInFailed",
    "Span",
    "Stack",
    "Trace",
]
