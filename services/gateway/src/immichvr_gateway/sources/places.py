"""Where each kind of source has its place in the API."""

from __future__ import annotations

from immichvr_catalog import SOURCES
from immichvr_common.sources import Source

PLACES = {f"{kind}s": kind for kind in SOURCES}
"""Kinds of sources by the word of the API below which they are."""


def place_of(source: Source) -> str:
    """The path of a source below that of the API."""
    return f"{source.kind}s/{source.id}"
