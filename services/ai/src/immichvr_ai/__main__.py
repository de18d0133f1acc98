"""Runs the AI service: python -m immichvr_ai."""

import asyncio

from immichvr_common.service import serve

from immichvr_ai.model_jobs import ASIDE
from immichvr_ai.service import RPC_NAMES, register
from immichvr_ai.settings import AiSettings

if __name__ == "__main__":
    asyncio.run(serve(AiSettings(), "immichvr_ai.jobs:perform", register, RPC_NAMES, "immichvr_ai.warming:warm", ASIDE))
