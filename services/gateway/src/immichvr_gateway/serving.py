"""How the application is served over HTTP."""

from __future__ import annotations

import resource
import ssl

import uvicorn
from starlette.types import ASGIApp

from immichvr_gateway.events.connections import Patience, Watch
from immichvr_gateway.http.tls import Certificate, either
from immichvr_gateway.live.messages import LARGEST_MESSAGE
from immichvr_gateway.settings import GatewaySettings

_DESCRIPTORS = 65536


def certificate_of(settings: GatewaySettings) -> Certificate | None:
    """What the gateway shows where it speaks TLS itself. Raises ValueError where the files cannot be used."""
    tls = settings.tls
    if tls.certificate_file is None or tls.key_file is None:
        return None
    try:
        return Certificate(tls.certificate_file, tls.key_file)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"{tls.certificate_file} and {tls.key_file} cannot be used for TLS: {error}") from error


def server_config(
    app: ASGIApp, settings: GatewaySettings, patience: Patience | None = None, certificate: Certificate | None = None
) -> uvicorn.Config:
    """uvicorn's settings for a gateway."""
    patience = patience or Patience()
    protocol = Watch(patience).protocol
    if certificate is not None:
        protocol = either(protocol, certificate.context, patience.head_s, patience.waiting)
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=protocol,  # type: ignore[arg-type]  # whatever makes a protocol will do
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
