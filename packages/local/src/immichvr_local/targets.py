"""Splat files that are to be written, checked before any work goes into them."""

from __future__ import annotations

from pathlib import Path

from immichvr_splats import FORMATS, SplatError, format_of

from immichvr_local.errors import CommandError, about


def writable_format(target: Path) -> str:
    """The format that the target's extension tells, found out before any work. Raises CommandError."""
    with about(target.name, SplatError):
        key = format_of(target)
    if not FORMATS[key].can_write:
        accepted = ", ".join(row.extensions[0] for row in FORMATS.values() if row.can_write)
        raise CommandError(f"{target.name}: this format is read, not written; written are {accepted}")
    if not target.absolute().parent.is_dir():
        raise CommandError(f"{target.parent}: there is no such directory to write {target.name} into")
    return key
