"""The check of Immich."""

from __future__ import annotations

import asyncio
import os

from immichvr_local import immich
from immichvr_local.doctor.check import Check, fail, ok
from immichvr_local.errors import CommandError

_REMEDY = "set IMMICH_URL to its address, IMMICH_API_KEY or IMMICH_API_KEY_FILE to a key with the permissions in README"


def server() -> Check:
    """Whether the Immich that the environment names can be used."""
    name = "Immich"
    if not os.environ.get("IMMICH_URL"):
        return ok(name, "none named (IMMICH_URL); folders of photos need none")
    try:
        found = asyncio.run(immich.look())
    except CommandError as error:
        found = immich.Findings([str(error)])
    if found.problems:
        return fail(name, "; ".join(found.problems), _REMEDY)
    if found.remarks:
        return ok(name, f"{os.environ['IMMICH_URL']} answers, and takes the key; {'; '.join(found.remarks)}")
    return ok(name, f"{os.environ['IMMICH_URL']} answers, and takes the key")
