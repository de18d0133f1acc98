"""Which licences count as accepted where a caller of gRPC says that they are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from immichvr_common.callers import current_caller

from immichvr_models import Cache


async def accepted_of(claimed: Iterable[str]) -> list[str]:
    """Of the models whose licences a call says were accepted, those for which that counts.

    The word of a caller is enough where it was granted that; else what somebody who may has accepted on this machine.
    """
    if current_caller().accepts_licences:
        return sorted(claimed)
    recorded = await asyncio.to_thread(lambda: Cache.from_env().accepted())
    return sorted(set(claimed) & recorded.keys())
