"""Runs the AI service: python -m immichvr_ai."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from immichvr_common.imports import service_imports

with service_imports():
    from immichvr_common.early import serve_with_child
    from immichvr_common.settings import settings_or_exit

    from immichvr_ai.settings import AiSettings

if TYPE_CHECKING:
    from immichvr_common.service import ServiceSpec

_CAPABILITY, _WARMING = "immichvr_ai.jobs:perform", "immichvr_ai.warming:steps"


def _spec() -> ServiceSpec:
    from immichvr_common.service import ServiceSpec
    from immichvr_models import Cache

    from immichvr_ai.batch_keys import batch_key
    from immichvr_ai.service import RPC_NAMES, register

    key = partial(batch_key, cache=Cache.from_env())
    return ServiceSpec(_CAPABILITY, register, RPC_NAMES, _WARMING, batch_key=key)


if __name__ == "__main__":
    asyncio.run(serve_with_child(settings_or_exit(AiSettings), _CAPABILITY, _WARMING, _spec))
