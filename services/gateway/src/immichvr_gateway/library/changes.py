"""What has become different in a library, as one person sees it."""

from __future__ import annotations

from dataclasses import dataclass

from immichvr_common.sources import Source

from immichvr_gateway.library.photos import LibraryPhoto

MOST_CHANGES = 200
"""Beyond so many at once a list is read anew instead."""


@dataclass(frozen=True)
class Changes:
    """What is listed, new or different, and what is not any more.

    more: there was more than is named, so that what is known of the library is to be read anew.
    """

    there: tuple[LibraryPhoto, ...] = ()
    gone: tuple[Source, ...] = ()
    more: bool = False
