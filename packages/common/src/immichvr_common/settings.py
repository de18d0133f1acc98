"""Settings every worker shares; each service adds its own under its own prefix.

Values come from the environment, nested with `__`. A secret may lie in a file: `<NAME>_FILE` names it.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from immichvr_catalog import CPU, DEFAULT_DEADLINE_S, POOLS
from pydantic import BaseModel, ByteSize, Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from immichvr_common.otlp import TracingSettings
from immichvr_common.rpc_settings import RpcSettings

_LARGEST_SECRET = 64 * 1024


class SecretFileSource(EnvSettingsSource):
    """Reads `<NAME>_FILE` variables: the value is what stands in the file, without the last line break."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        prefix = self.env_prefix.lower()
        values: dict[str, Any] = {}
        for name, path in os.environ.items():
            lowered = name.lower()
            if path and lowered.startswith(prefix) and lowered.endswith("_file"):
                parts = lowered[len(prefix) : -len("_file")].split("__")
                if parts[0] in self.settings_cls.model_fields:
                    _nest(values, parts, _read_secret(name, Path(path)))
        return values


def _nest(values: dict[str, Any], parts: list[str], value: str) -> None:
    for part in parts[:-1]:
        values = values.setdefault(part, {})
    values[parts[-1]] = value


def _read_secret(name: str, path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_SECRET:
            raise ValueError(f"{name}: {path} is larger than {_LARGEST_SECRET} bytes; it cannot be a secret")
        # Windows' editors begin a file with a byte order mark.
        return path.read_text("utf-8-sig").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"{name}: {path} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{name}: {path} is not a text in UTF-8; save it as plain text") from error


class EnvironmentSettings(BaseSettings):
    """Settings from the environment, and secrets from the files that it names."""

    # What is wrong is named by its place; what stands there may be a secret.
    model_config = SettingsConfigDict(hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, SecretFileSource(settings_cls)


class NatsSettings(BaseModel):
    """How to reach NATS.

    url: its address, `tls://…` for an encrypted connection. user, password: of the service's own account. ca_file: PEM
    of the authority of its certificate, where the system does not know that. connect_timeout_s: for one attempt.
    """

    url: str = "nats://127.0.0.1:4222"
    user: str = ""
    password: SecretStr = SecretStr("")
    ca_file: Path | None = None
    connect_timeout_s: float = 5


class S3Settings(BaseModel):
    """How to reach S3-compatible storage.

    endpoint: its address, `https://…` for an encrypted connection. bucket: where everything lies; the gateway makes
    it. access_key, secret_key: of the service's own account. region: what requests are signed for. threads: transfers
    at the same time.
    """

    endpoint: str = "http://127.0.0.1:8333"
    bucket: str = "immichvr"
    access_key: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")
    region: str = "us-east-1"
    ca_file: Path | None = Field(
        None, description="PEM of the authority of its certificate, where the public ones do not know it"
    )
    threads: int = Field(8, ge=1, le=64)


class MetricsSettings(BaseModel):
    """Where Prometheus finds the metrics; no port, no metrics.

    host, port: where it listens. token: what it has to show; without one, whoever reaches the port may look.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    token: SecretStr = SecretStr("")


class WorkSettings(BaseModel):
    """How a worker takes jobs."""

    pool: str = Field(CPU, pattern=f"^({'|'.join(POOLS)})$", description="whose jobs it takes: `cpu` or `gpu`")
    children: int = Field(1, ge=1, le=64, description="processes that do the work")
    prefetch: int = Field(2, ge=0, le=64, description="jobs whose files travel while others are worked on")
    batch: int | None = Field(
        None, ge=1, le=64, description="tasks a child does at once where it can; on a GPU as the kinds of jobs say"
    )
    deadline_s: float = Field(
        DEFAULT_DEADLINE_S, gt=0, description="how long a job may work where neither it nor its kind says so"
    )
    longest_s: float = Field(24 * 3600, gt=0, description="how long any job may work, whatever it says")
    idle_s: float = Field(300, gt=0, description="a child with nothing to do for so long gives its memory back")
    memory_mb: int | None = Field(None, ge=64, description="address space a child may take beyond its start")
    directory: Path | None = Field(None, description="where temporary files lie; the system's default if unset")
    keep_free: ByteSize = Field(ByteSize(0), description="no job is begun with less room where temporary files lie")
    name: str = Field(default_factory=socket.gethostname, description="of this worker in logs and events; the host's")
    stop_grace_s: float = Field(30, ge=0, description="how long jobs may go on when it is told to end")


class WorkerSettings(EnvironmentSettings):
    """What each worker service sets; subclasses name the prefix.

    log_level: the least that is logged. log_json: whether logs are lines of JSON.
    """

    model_config = SettingsConfigDict(env_nested_delimiter="__", extra="ignore")
    service: ClassVar[str]

    nats: NatsSettings = NatsSettings()
    s3: S3Settings = S3Settings()
    rpc: RpcSettings = RpcSettings()
    metrics: MetricsSettings = MetricsSettings()
    tracing: TracingSettings = TracingSettings()
    work: WorkSettings = Field(default_factory=lambda: WorkSettings())
    log_level: str = "info"
    log_json: bool = False


_Settings = TypeVar("_Settings", bound=WorkerSettings)


def settings_or_exit(kind: type[_Settings]) -> _Settings:
    """The settings of a worker that starts; where they cannot be, this process ends with words."""
    try:
        return kind()
    except ValueError as error:
        sys.exit(f"immichvr-{kind.service}: {error}")
