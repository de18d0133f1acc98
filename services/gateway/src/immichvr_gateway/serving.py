"""How the application is served over HTTP."""

from __future__ import annotations

import resource

import uvicorn
from starlette.types import ASGIApp

from immichvr_gateway.connections import Patience, Watch
from immichvr_gateway.live_messages import LARGEST_MESSAGE
from immichvr_gateway.settings import GatewaySettings

_DESCRIPTORS = 65536


def server_config(app: ASGIApp, settings: GatewaySettings, patience: Patience | None = None) -> uvicorn.Config:
    """uvicorn's settings for a gateway."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=Watch(patience or Patience()).protocol,  # type: ignore[arg-type]  # whatever makes a protocol will do
        log_config=None,
        access_log=False,
        server_header=False,
        # What proxies say is believed by the application itself, from those that are named.
        proxy_headers=False,
        timeout_graceful_shutdown=5,
        ws_max_size=LARGEST_MESSAGE,
        # Packed splats hardly shrink, and the compressor would take longer than the packing.
        ws_per_message_deflate=False,
    )


def allow_many_connections() -> None:
    """Lets this process hold as many descriptors as the system allows it, within reason."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
