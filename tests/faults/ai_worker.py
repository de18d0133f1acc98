"""The service `ai` with all that it does, but nothing loaded before it is asked for it. Run as a script."""

import asyncio

from immichvr_ai.settings import AiSettings
from immichvr_common.service import ServiceSpec, serve

if __name__ == "__main__":
    asyncio.run(serve(ServiceSpec("immichvr_ai.jobs:perform", starts_child=False), AiSettings()))
