"""A worker that does the jobs of the service `ai`, loading what they need when they come. Run as a script.

It has no gRPC door, makes no batches and nothing ready ahead: that is for the tests that start `-m immichvr_ai`.
"""

import asyncio

from immichvr_ai.settings import AiSettings
from immichvr_common.service import ServiceSpec, serve

if __name__ == "__main__":
    asyncio.run(serve(ServiceSpec("immichvr_ai.jobs:perform", starts_child=False), AiSettings()))
