"""Calling one of our services: its own credential, encrypted where configured, through no proxy."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from immichvr_common.rpc_settings import RpcClientSettings

Option = tuple[str, int | str]

# A proxy that leads out of the network, as to Immich, does not lead to workers.
_NO_PROXY: Option = ("grpc.enable_http_proxy", 0)


def open_channel(
    address: str, settings: RpcClientSettings, options: Sequence[Option] = (), encrypted: bool | None = None
) -> grpc.aio.Channel:
    """A connection to a server of ours, opened with the first call.

    encrypted: by default where an authority is named; where none is, the public ones count.
    """
    chosen = [*options, _NO_PROXY]
    if not (bool(settings.ca) if encrypted is None else encrypted):
        return grpc.aio.insecure_channel(address, chosen)
    if settings.server_name:
        chosen.append(("grpc.ssl_target_name_override", settings.server_name))
    own = (settings.key.get_secret_value().encode(), settings.certificate.encode()) if settings.certificate else ()
    credentials = grpc.ssl_channel_credentials(settings.ca.encode() or None, *own)
    return grpc.aio.secure_channel(address, credentials, chosen)


def credential(settings: RpcClientSettings) -> tuple[tuple[str, str], ...]:
    """The metadata by which a call says who makes it."""
    token = settings.token.get_secret_value()
    return (("authorization", f"Bearer {token}"),) if token else ()
