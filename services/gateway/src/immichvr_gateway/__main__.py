"""Runs the gateway: python -m immichvr_gateway."""

import asyncio
import sys

import uvicorn
from immichvr_common.logs import configure_logs
from immichvr_common.metrics import serve_metrics
from immichvr_common.scratch import own_folder
from pydantic import ValidationError

from immichvr_gateway.app import create_app
from immichvr_gateway.live_messages import LARGEST_MESSAGE
from immichvr_gateway.settings import GatewaySettings


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    try:
        settings = GatewaySettings()
    except (ValueError, ValidationError) as error:
        sys.exit(f"immichvr-gateway: {error}")
    configure_logs(settings.log_level, settings.log_json, settings.service)
    with own_folder(settings.work_directory):
        _serve(settings)


def _serve(settings: GatewaySettings) -> None:
    try:
        app = create_app(settings)
    except ValueError as error:
        sys.exit(f"immichvr-gateway: {error}")
    serve_metrics(settings.metrics)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        ws_max_size=LARGEST_MESSAGE,
        # Packed splats hardly shrink, and the compressor would take longer than the packing.
        ws_per_message_deflate=False,
    )
    asyncio.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
