"""Which format a file has: the table of formats is the splat library's."""

from __future__ import annotations

from pathlib import Path

from immichvr_splats import FORMATS, UnknownFormatError, format_of
from immichvr_splats.strangers import HEAD_BYTES, what_it_is

from immichvr_converter.conversion.errors import InvalidSplat, UnsupportedFormat
from immichvr_converter.conversion.targets import check_readable, keys_where


def tell_format(path: Path, from_format: str = "", name: str = "") -> str:
    """The key of a file's format: the one it is said to have, else told by its first bytes, else by its name.

    Raises UnsupportedFormat where the named one is not read or the file is known for something else, InvalidSplat
    where nothing tells.
    """
    if from_format:
        check_readable(from_format)
        return from_format
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    for row in FORMATS.values():
        if head.startswith(row.magic):
            return row.key
    try:
        return format_of(name)
    except UnknownFormatError:
        words = what_it_is(head)
        if words is not None:
            raise UnsupportedFormat(f"the file is {words}") from None
        wanted = keys_where("can_read")
        raise InvalidSplat(f"the first bytes tell no splat format; from_format may name it, one of {wanted}") from None
