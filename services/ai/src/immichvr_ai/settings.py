"""Settings of the AI service; the environment's names begin with IMMICHVR_AI_."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

from immichvr_catalog import SERVICES
from immichvr_common.rpc_settings import RpcClientSettings, is_loopback
from immichvr_common.settings import WorkerSettings
from immichvr_inference.settings import PhotoSettings, RuntimeSettings
from pydantic import BaseModel, Field, model_validator
from pydantic_settings import SettingsConfigDict

_SERVICE = SERVICES["ai"]


class SplatSettings(BaseModel):
    """How splats are made where the request does not say."""

    max_gaussians: int = Field(500_000, ge=1_000, le=5_000_000, description="Gaussians of one splat, at most")


class AttachSettings(RpcClientSettings):
    """Where a working process comes to its gateway, which then need not reach this machine.

    ca: PEM of the authority that the gateway's certificate has to be of; a public one if unset. certificate, key: what
    this caller shows, where the gateway asks for that.
    """

    address: str = Field(
        "",
        pattern=r"^$|^https?://[^/\s]+:[0-9]+$",
        description="of the gateway's door for workers, https://host:port; none, and the gateway comes here",
    )

    @property
    def target(self) -> str:
        """Host and port."""
        return self.address.partition("://")[2]

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS is spoken there."""
        return self.address.startswith("https:")

    @model_validator(mode="after")
    def _is_closed(self) -> AttachSettings:
        if self.address.startswith("http:") and not is_loopback(self.target.rpartition(":")[0]):
            raise ValueError("a session's token would be read on the way: attach.address begins with https://")
        return self


class LiveSettings(BaseModel):
    """How live sessions are served, by a working process itself.

    port: of its gRPC server, any free one by default. advertise: the name or address by which the gateway reaches
    this machine; by default what gRPC listens on. connect_s, idle_s, max_s: how long to wait for the client, how long
    it may be silent, and how long a session lasts at most.
    """

    port: int = Field(0, ge=0, le=65535)
    advertise: str = Field("", max_length=255)
    connect_s: float = Field(30, gt=0)
    idle_s: float = Field(120, gt=0)
    max_s: float = Field(840, gt=0)
    attach: AttachSettings = AttachSettings()


class AiSettings(WorkerSettings):
    """Settings of the AI service."""

    model_config = SettingsConfigDict(env_prefix=_SERVICE.env_prefix, env_nested_delimiter="__", extra="ignore")
    service: ClassVar[str] = _SERVICE.name

    splat: SplatSettings = SplatSettings()
    photo: PhotoSettings = PhotoSettings()
    models: RuntimeSettings = RuntimeSettings()
    live: LiveSettings = LiveSettings()


@cache
def current_settings() -> AiSettings:
    """The settings of this process, read once."""
    return AiSettings()
