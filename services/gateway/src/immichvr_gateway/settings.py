"""Settings of the gateway.

Its own begin with IMMICHVR_GATEWAY_; those about Immich are named as other Immich companions name them.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import ClassVar, Literal

from immichvr_common.rpc_settings import RpcClientSettings
from immichvr_common.settings import EnvironmentSettings, MetricsSettings, NatsSettings, S3Settings
from pydantic import BaseModel, ByteSize, Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ImmichSettings(EnvironmentSettings):
    """How to reach Immich: IMMICH_URL, IMMICH_API_KEY or IMMICH_API_KEY_FILE, IMMICH_EXTERNAL_URL."""

    model_config = SettingsConfigDict(env_prefix="IMMICH_", extra="ignore")

    url: str = ""
    api_key: SecretStr = SecretStr("")
    external_url: str = ""


class LimitSettings(BaseModel):
    """What the gateway refuses."""

    source_megabytes: float = Field(512, gt=0, description="size of a photo that is staged")
    queued_per_user: int = Field(2000, ge=1, description="jobs one person may have queued or running")
    body_kilobytes: int = Field(64, ge=1, description="size of a request's body")
    unread_events: int = Field(256, ge=8, description="events a socket may leave unread before it is dropped")


class LiveSettings(BaseModel):
    """Live sessions."""

    sessions: int = Field(32, ge=1, description="live sessions that may be open at once")
    per_user: int = Field(2, ge=1, description="of these, one person's")
    wait_s: float = Field(300, gt=0, description="how long a worker may take to serve a session; it may have to start")
    idle_s: float = Field(150, gt=0, description="a client that says nothing for so long is closed")


class RoomSettings(BaseModel):
    """How much of the disk is left alone, where everything lies on this machine's."""

    directory: Path | None = Field(None, description="a folder on the disk that is watched; none, nothing is watched")
    keep_free: ByteSize = Field(ByteSize(2_000_000_000), description="with less room nothing more is begun, like 2GB")


class RetentionSettings(BaseModel):
    """How long what lies in storage is kept. Whatever a manifest names, or a job under way uses, stays."""

    ply_days: float = Field(30, ge=0, description="the raw PLY beside the SPZ; with 0 none is kept")
    source_hours: float = Field(24, gt=0, description="copies of originals for the workers, after their last use")
    grace_hours: float = Field(24, gt=0, description="files that nothing names any more")
    deleted_days: float = Field(7, gt=0, description="what was made of a photo that the library has deleted for good")
    every_minutes: float = Field(60, gt=0, description="from one look through storage to the next")
    dry_run: bool = Field(False, description="only tell what would go: in the log, metrics and /api/storage")


class GatewaySettings(EnvironmentSettings):
    """Settings of the gateway."""

    model_config = SettingsConfigDict(env_prefix="IMMICHVR_GATEWAY_", env_nested_delimiter="__", extra="ignore")
    service: ClassVar[str] = "gateway"

    host: str = "127.0.0.1"
    port: int = 2284
    photos: Path | None = Field(None, description="a folder of photos, where there is no Immich")
    work_directory: Path | None = Field(
        None, description="where temporary files lie, originals of photos among them; the system's default if unset"
    )
    cache: Path | None = Field(None, description="where thumbnails of a folder are kept; a temporary folder if unset")
    web: Path | None = Field(None, description="the built viewer; the checkout's own if unset")
    public_url: str = Field("", description="the address people use, where a proxy stands in front")
    trusted_proxies: str = Field(
        "", description="proxies in front whose X-Forwarded-* is believed: addresses, networks"
    )
    access_token: SecretStr = Field(SecretStr(""), description="exchanged for a session by people without Immich")
    session_key: SecretStr = Field(SecretStr(""), description="seals stored sessions; a fresh one if unset")
    pool: Literal["cpu", "gpu"] = Field("cpu", description="the pool of ai workers that gets the jobs")
    lease_s: float = Field(30, gt=0, description="how long a worker may be silent before its job goes to another")
    retries: int = Field(
        0, ge=0, le=5, description="how often a job is queued again whose work died, after its worker tried it twice"
    )
    nats: NatsSettings = NatsSettings()
    s3: S3Settings = S3Settings()
    metrics: MetricsSettings = MetricsSettings()
    limits: LimitSettings = LimitSettings()
    live: LiveSettings = LiveSettings()
    room: RoomSettings = RoomSettings()
    ai: RpcClientSettings = Field(RpcClientSettings(), description="how workers are called that serve live sessions")
    retention: RetentionSettings = RetentionSettings()
    immich: ImmichSettings = Field(default_factory=ImmichSettings)
    log_level: str = "info"
    log_json: bool = False

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for one in _listed(value):
            ipaddress.ip_network(one)
        return value

    @property
    def proxies(self) -> list[str]:
        """The addresses and networks of `trusted_proxies`."""
        return _listed(self.trusted_proxies)

    @property
    def is_open(self) -> bool:
        """Whether anybody may look: only a folder, and only from this machine."""
        return not self.immich.url and self.host in LOOPBACK


def _listed(value: str) -> list[str]:
    return [one.strip() for one in value.split(",") if one.strip()]
