"""A worker of the service `video-depth` whose model costs nothing and waits when it is told to. Run as a script."""

import asyncio

from immichvr_common.service import ServiceSpec, serve
from immichvr_video_depth.settings import VideoDepthSettings

if __name__ == "__main__":
    spec = ServiceSpec("immichvr_video_depth.testing.watched:perform", starts_child=False)
    asyncio.run(serve(spec, VideoDepthSettings()))
