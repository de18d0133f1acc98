"""Settings of the AI service; the environment's names begin with IMMICHVR_AI_."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

from immichvr_catalog import SERVICES
from immichvr_common.settings import WorkerSettings
from immichvr_inference.settings import PhotoSettings, RuntimeSettings
from pydantic import BaseModel, Field
from pydantic_settings import SettingsConfigDict

_SERVICE = SERVICES["ai"]


class SplatSettings(BaseModel):
    """How splats are made where the request does not say."""

    max_gaussians: int = Field(500_000, ge=1_000, le=5_000_000, description="Gaussians of one splat, at most")


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
