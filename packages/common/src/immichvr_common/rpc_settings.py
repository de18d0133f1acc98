"""Settings of gRPC: where it listens, who may call what, how much at once; and how a caller reaches it."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, SecretStr, StringConstraints, model_validator
from pydantic_settings import NoDecode

_SHORTEST_TOKEN = 16


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""In the environment, names with commas between them."""
CallerName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*/$")]


class CallerSettings(BaseModel):
    """Somebody who may call.

    token: what it shows as `authorization: Bearer …`. calls: names of methods, or `*` for each. prefix: where the
    objects lie that it may name and have written; `calls/<its name>/` if unset. accepts_licences: whether its word is
    enough for a model whose licence has to be accepted, or whose size asks for a yes.
    """

    token: SecretStr
    calls: Listed = Field(min_length=1)
    prefix: Prefix | None = None
    accepts_licences: bool = False

    @model_validator(mode="after")
    def _is_no_guess(self) -> CallerSettings:
        token = self.token.get_secret_value()
        if len(token) < _SHORTEST_TOKEN or not (token.isascii() and token.isprintable()):
            raise ValueError(f"a token has at least {_SHORTEST_TOKEN} characters, all of them printable ASCII")
        return self


class ServerTlsSettings(BaseModel):
    """TLS of a server, as PEM.

    certificate, key: what it shows. client_ca: where set, clients have to show a certificate of this authority.
    """

    certificate: str = ""
    key: SecretStr = SecretStr("")
    client_ca: str = ""

    @model_validator(mode="after")
    def _is_whole(self) -> ServerTlsSettings:
        if bool(self.certificate) != bool(self.key.get_secret_value()) or (self.client_ca and not self.certificate):
            raise ValueError("TLS wants a certificate and its key; client_ca alone is not enough")
        return self


class RpcSettings(BaseModel):
    """Where gRPC listens, and what it takes on.

    host, port: where it listens; no port, no gRPC. max_message_mb: size of one message.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    callers: dict[CallerName, CallerSettings] = Field({}, description="by name; none: whoever is on this machine")
    tls: ServerTlsSettings = ServerTlsSettings()
    reflection: bool = Field(False, description="whether callers may ask which methods there are")
    max_message_mb: int = Field(16, ge=1, le=64)
    at_once: int = Field(64, ge=1, le=1024, description="calls at the same time; further ones are refused")
    in_flight_mb: int = Field(128, ge=1, description="requests in memory; further ones wait, then are refused")
    wait_s: float = Field(10, ge=0, description="how long a request waits, unread, for memory")
    silence_s: float = Field(30, gt=0, description="how long a caller may neither send nor take a message")
    connections: int = Field(256, ge=1, description="connections at the same time")

    @model_validator(mode="after")
    def _is_not_open_to_the_network(self) -> RpcSettings:
        if not self.callers and not is_loopback(self.host):
            raise ValueError(
                f"gRPC would listen on {self.host} and ask nobody for a credential: name who may call "
                "(RPC__CALLERS__<NAME>__TOKEN_FILE and RPC__CALLERS__<NAME>__CALLS), or listen on 127.0.0.1"
            )
        if self.in_flight_mb < 2 * self.max_message_mb:
            raise ValueError("in_flight_mb has to hold two messages of max_message_mb")
        return self


class RpcClientSettings(BaseModel):
    """How a service is called.

    token: what this caller shows there. ca: PEM of the authority that the server's certificate has to be of; where
    set, the connection is encrypted. server_name: the name in that certificate, where it is not the address.
    certificate, key: what this caller shows, where the server asks for that.
    """

    token: SecretStr = SecretStr("")
    ca: str = ""
    server_name: str = ""
    certificate: str = ""
    key: SecretStr = SecretStr("")


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches this address."""
    name = host.strip("[]")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
