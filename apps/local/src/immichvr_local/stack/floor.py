"""How much of the disk is left alone."""

from __future__ import annotations

import os

from pydantic import ByteSize, TypeAdapter, ValidationError

from immichvr_local.errors import CommandError

VARIABLE = "IMMICHVR_KEEP_FREE"
_DEFAULT = "2GB"


def keep_free() -> int:
    """Bytes of the disk that are left alone, as the environment says. Raises CommandError."""
    given = os.environ.get(VARIABLE) or _DEFAULT
    try:
        found = TypeAdapter(ByteSize).validate_python(given)
    except ValidationError:
        found = ByteSize(-1)
    if found < 0:
        raise CommandError(f"{VARIABLE} is {given!r}, wants a size, like 2GB or 500MB")
    return found
