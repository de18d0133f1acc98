"""Settings of the gateway.

Its own begin with IMMICHVR_GATEWAY_; those about Immich are named as other Immich companions name them.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import ClassVar, Literal

from immichvr_catalog import CPU, GATEWAY, PHOTO, SERVICES, workers
from immichvr_common.otlp import TracingSettings
from immichvr_common.rpc_settings import RpcClientSettings, RpcSettings, ServerTlsSettings
from immichvr_common.settings import EnvironmentSettings, MetricsSettings, NatsSettings, S3Settings
from pydantic import BaseModel, ByteSize, Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

Pool = Literal["cpu", "gpu"]
_SERVICE = SERVICES[GATEWAY]
_OF_POOL = "ai"
"""The service that `pool` is about; it was the only one of which there was a choice."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ImmichSettings(EnvironmentSettings):
    """How to reach Immich: IMMICH_URL, IMMICH_API_KEY or IMMICH_API_KEY_FILE, IMMICH_EXTERNAL_URL.

    url: Immich's address as the gateway reaches it. api_key: for what nobody is signed in for. external_url: where
    links to Immich lead; by default to the external domain that is set there, else to `url`.
    """

    model_config = SettingsConfigDict(env_prefix="IMMICH_", extra="ignore")

    url: str = ""
    api_key: SecretStr = SecretStr("")
    external_url: str = ""


class LimitSettings(BaseModel):
    """What the gateway refuses."""

    source_megabytes: float = Field(512, gt=0, description="size of a photo that is staged")
    video_megabytes: float = Field(4000, gt=0, description="size of a video that is staged")
    place_megabytes: float = Field(4000, gt=0, description="size of all that is staged for one place, together")
    queued_per_user: int = Field(2000, ge=1, description="jobs one person may have queued or running")
    gigabytes_per_user: float | None = Field(
        None, gt=0, description="what was made of one person's photos, after which their batches wait; no end if unset"
    )
    window: int = Field(
        16, ge=1, description="jobs that lie in the queue for each kind of worker, one person's after another's"
    )
    requests_per_minute: int = Field(12_000, ge=1, description="requests of one person that change nothing")
    changes_per_minute: int = Field(
        1_200, ge=1, description="requests of one person that change something, or ask for work"
    )
    body_kilobytes: int = Field(64, ge=1, description="size of a request's body")
    unread_events: int = Field(256, ge=8, description="events a socket may leave unread before it is dropped")

    @property
    def quota(self) -> int | None:
        """Bytes of `gigabytes_per_user`."""
        return None if self.gigabytes_per_user is None else int(self.gigabytes_per_user * 1e9)

    @property
    def place(self) -> int:
        """Bytes of `place_megabytes`."""
        return int(self.place_megabytes * 1e6)

    def largest(self, kind: str) -> int:
        """Bytes of a source of this kind that is staged."""
        return int((self.source_megabytes if kind == PHOTO else self.video_megabytes) * 1e6)


class LiveSettings(BaseModel):
    """Live sessions."""

    sessions: int = Field(32, ge=1, description="live sessions that may be open at once")
    per_user: int = Field(2, ge=1, description="of these, one person's")
    wait_s: float = Field(300, gt=0, description="how long a worker may take to serve a session; it may have to start")
    idle_s: float = Field(150, gt=0, description="a client that says nothing for so long is closed")


class AttachSettings(RpcSettings):
    """Where workers come that only open connections out, to serve live sessions.

    host, port: where it listens; no port, no door. max_message_mb: size of one message; each session holds one.
    """

    in_flight_mb: int = Field(512, ge=1, description="messages in memory; further sessions wait, then are refused")
    silence_s: float = Field(900, gt=0, description="how long a worker may neither send nor take a message")


class RoomSettings(BaseModel):
    """How much of the disk is left alone, where everything lies on this machine's."""

    directory: Path | None = Field(None, description="a folder on the disk that is watched; none, nothing is watched")
    keep_free: ByteSize = Field(ByteSize(2_000_000_000), description="with less room nothing more is begun, like 2GB")


class ScalerSettings(BaseModel):
    """Where KEDA asks how many workers there is work for.

    host, port: where it listens; no port, no door.
    KEDA has no token to show: with `tls.client_ca` it has to show a certificate; without, who reaches the port may
    ask.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    tls: ServerTlsSettings = ServerTlsSettings()


class RetentionSettings(BaseModel):
    """How long what lies in storage is kept. Whatever a manifest names, or a job under way uses, stays."""

    ply_days: float = Field(30, ge=0, description="the raw PLY beside the SPZ; with 0 none is kept")
    source_hours: float = Field(24, gt=0, description="copies of originals for the workers, after their last use")
    grace_hours: float = Field(24, gt=0, description="files that nothing names any more")
    deleted_days: float = Field(7, gt=0, description="what was made of a photo that the library has deleted for good")
    every_minutes: float = Field(60, gt=0, description="from one look through storage to the next")
    dry_run: bool = Field(False, description="only tell what would go: in the log, metrics and /api/storage")


class TlsSettings(BaseModel):
    """TLS at the gateway's own port; without both files it speaks HTTP. Files that change are read anew."""

    certificate_file: Path | None = Field(None, description="PEM, with what lies between it and the authority")
    key_file: Path | None = Field(None, description="PEM, without a password")

    @model_validator(mode="after")
    def _are_both(self) -> TlsSettings:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("TLS needs certificate_file and key_file, or neither")
        return self


class CloudSettings(BaseModel):
    """A service elsewhere that trains scenes, as people are told of it. The worker that sends has its own settings."""

    name: str = Field("", description="of the service, for people")
    address: str = Field("", description="where pictures are sent; nothing is ever sent where unset")
    cost: str = Field("not known here; ask whoever runs the service", description="what a scene may cost, in words")


class AutomationSettings(BaseModel):
    """Photos that become 3D by themselves."""

    address: str = Field(
        "", description="of this gateway as Immich's server reaches it, like http://immichvr:2284; public_url if unset"
    )
    every_minutes: float = Field(5, gt=0, description="from one look for what Immich did not tell of to the next")


class HookSettings(BaseModel):
    """Where webhooks may go."""

    private_networks: str = Field("", description="private addresses and networks that are allowed, beside public ones")

    @field_validator("private_networks")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for one in _listed(value):
            ipaddress.ip_network(one)
        return value

    @property
    def networks(self) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        """The networks of `private_networks`."""
        return [ipaddress.ip_network(one) for one in _listed(self.private_networks)]


class GatewaySettings(EnvironmentSettings):
    """Settings of the gateway.

    host, port: where it listens. log_level: the least that is logged. log_json: whether logs are lines of JSON.
    """

    model_config = SettingsConfigDict(env_prefix=_SERVICE.env_prefix, env_nested_delimiter="__", extra="ignore")
    service: ClassVar[str] = _SERVICE.name

    host: str = "127.0.0.1"
    port: int = 2284
    photos: Path | None = Field(None, description="a folder of photos, where there is no Immich")
    work_directory: Path | None = Field(
        None, description="where temporary files lie, originals of photos among them; the system's default if unset"
    )
    cache: Path | None = Field(None, description="where thumbnails of a folder are kept; a temporary folder if unset")
    web: Path | None = Field(None, description="the built viewer; the checkout's own if unset")
    public_url: str = Field(
        "",
        description="the address people use, where a proxy stands in front, with the path below which it serves us",
    )
    trusted_proxies: str = Field(
        "", description="proxies in front whose X-Forwarded-* is believed: addresses, networks"
    )
    access_token: SecretStr = Field(SecretStr(""), description="exchanged for a session by people without Immich")
    session_key: SecretStr = Field(SecretStr(""), description="seals stored sessions; a fresh one if unset")
    pools: dict[str, Pool] = Field(
        {}, description="by service, the pool of workers that gets the jobs that a GPU is of use for; cpu if unset"
    )
    pool: Pool = Field("cpu", description="the pool of ai, where `pools` says nothing of it")
    lease_s: float = Field(30, gt=0, description="how long a worker may be silent before its job goes to another")
    retries: int = Field(
        0, ge=0, le=5, description="how often a job is queued again whose work died, after its worker tried it twice"
    )
    nats: NatsSettings = NatsSettings()
    s3: S3Settings = S3Settings()
    metrics: MetricsSettings = MetricsSettings()
    tracing: TracingSettings = TracingSettings()
    scaler: ScalerSettings = ScalerSettings()
    limits: LimitSettings = LimitSettings()
    live: LiveSettings = LiveSettings()
    room: RoomSettings = RoomSettings()
    ai: RpcClientSettings = Field(RpcClientSettings(), description="how workers are called that serve live sessions")
    attach: AttachSettings = AttachSettings()
    retention: RetentionSettings = RetentionSettings()
    automation: AutomationSettings = AutomationSettings()
    cloud: CloudSettings = CloudSettings()
    hooks: HookSettings = HookSettings()
    immich: ImmichSettings = Field(default_factory=ImmichSettings)
    tls: TlsSettings = TlsSettings()
    log_level: str = "info"
    log_json: bool = False

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for one in _listed(value):
            ipaddress.ip_network(one)
        return value

    @field_validator("pools")
    @classmethod
    def _are_of_services(cls, value: dict[str, Pool]) -> dict[str, Pool]:
        """Names of settings know no hyphens: POOLS__VIDEO_DEPTH is of video-depth."""
        found = {name.replace("_", "-"): pool for name, pool in value.items()}
        there_are = [service.name for service in workers()]
        if unknown := sorted(set(found) - set(there_are)):
            raise ValueError(f"there is no service {unknown[0]!r} that takes jobs; there are: {', '.join(there_are)}")
        return found

    def pool_of(self, service: str) -> str:
        """The pool of a service's workers that gets the jobs that a GPU is of use for."""
        return self.pools.get(service, self.pool if service == _OF_POOL else CPU)

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
