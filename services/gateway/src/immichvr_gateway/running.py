"""The gateway as a process, from its settings to its end."""

import asyncio
import sys
import tempfile
from pathlib import Path

import uvicorn
from immichvr_common.log_masks import secrets_in
from immichvr_common.logs import configure_logs
from immichvr_common.metrics import serve_metrics, watch_disk
from immichvr_common.otlp import begin_tracing
from immichvr_common.scratch import own_folder
from immichvr_common.supervision import spawn
from pydantic import ValidationError

from immichvr_gateway.app import create_app
from immichvr_gateway.http.tls import Certificate
from immichvr_gateway.serving import allow_many_connections, certificate_of, server_config
from immichvr_gateway.settings import GatewaySettings
from immichvr_gateway.upkeep.memory import give_back_early, settle_down


def run() -> None:
    """Serves until SIGTERM or SIGINT; ends the process where its settings are wrong."""
    give_back_early()
    try:
        settings = GatewaySettings()
    except (ValueError, ValidationError) as error:
        sys.exit(f"immichvr-gateway: {error}")
    configure_logs(settings.log_level, settings.log_json, settings.service, secrets_in(settings))
    begin_tracing(settings.tracing, settings.service)
    with own_folder(settings.work_directory):
        _serve(settings)


def _serve(settings: GatewaySettings) -> None:
    try:
        certificate = certificate_of(settings)
        app = create_app(settings, on_up=settle_down)
    except ValueError as error:
        sys.exit(f"immichvr-gateway: {error}")
    serve_metrics(settings.metrics, settings.service)
    watch_disk("work", Path(tempfile.gettempdir()))
    if settings.room.directory is not None:
        watch_disk("data", settings.room.directory)
    allow_many_connections()
    asyncio.run(_until_told(uvicorn.Server(server_config(app, settings, certificate=certificate)), certificate))


async def _until_told(server: uvicorn.Server, certificate: Certificate | None) -> None:
    watching = spawn("the certificate", certificate.watch()) if certificate is not None else None
    await server.serve()
    if watching is not None:
        watching.cancel()
