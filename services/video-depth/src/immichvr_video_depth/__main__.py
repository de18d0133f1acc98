"""Runs the video depth service: python -m immichvr_video_depth."""

import asyncio

from immichvr_common.imports import service_imports

with service_imports():
    from immichvr_common.service import ServiceSpec, serve
    from immichvr_common.settings import settings_or_exit

    from immichvr_video_depth.service import RPC_NAMES, register
    from immichvr_video_depth.settings import CAPABILITY, VideoDepthSettings

if __name__ == "__main__":
    spec = ServiceSpec(CAPABILITY, register, RPC_NAMES, warm="immichvr_video_depth.warming:steps", starts_child=False)
    asyncio.run(serve(spec, settings_or_exit(VideoDepthSettings)))
