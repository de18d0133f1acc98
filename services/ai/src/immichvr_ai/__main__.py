"""Runs the AI service: python -m immichvr_ai."""

import asyncio
from functools import partial

from immichvr_common.service import ServiceSpec, serve
from immichvr_common.settings import settings_or_exit

from immichvr_ai.batches import batch_key
from immichvr_ai.context import process_context
from immichvr_ai.service import RPC_NAMES, register
from immichvr_ai.settings import AiSettings

if __name__ == "__main__":
    settings = settings_or_exit(AiSettings)
    spec = ServiceSpec(
        capability="immichvr_ai.jobs:perform",
        register=register,
        rpc_names=RPC_NAMES,
        warm="immichvr_ai.warming:warm",
        batch_key=partial(batch_key, context=process_context()),
    )
    asyncio.run(serve(spec, settings))
