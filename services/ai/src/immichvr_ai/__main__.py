"""Runs the AI service: python -m immichvr_ai."""

import asyncio

from immichvr_common.service import serve
from immichvr_common.settings import settings_or_exit

from immichvr_ai.model_jobs import ASIDE
from immichvr_ai.service import RPC_NAMES, register
from immichvr_ai.settings import AiSettings
from immichvr_ai.together import batch_key

if __name__ == "__main__":
    asyncio.run(
        serve(
            settings_or_exit(AiSettings),
            "immichvr_ai.jobs:perform",
            register,
            RPC_NAMES,
            warm="immichvr_ai.warming:warm",
            aside=ASIDE,
            together=batch_key,
        )
    )
