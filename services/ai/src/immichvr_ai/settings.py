"""Settings of the AI service; the environment's names begin with IMMICHVR_AI_."""

from __future__ import annotations

from typing import ClassVar

from immichvr_common.settings import WorkerSettings
from pydantic import BaseModel, Field
from pydantic_settings import SettingsConfigDict


class SplatSettings(BaseModel):
    """How splats are made where the request does not say."""

    max_gaussians: int = Field(500_000, ge=1_000, le=5_000_000)


class PhotoSettings(BaseModel):
    """What a photo may be; larger ones are refused before they are decoded."""

    max_megapixels: float = Field(200, gt=0)
    max_megabytes: float = Field(512, gt=0)


class AiSettings(WorkerSettings):
    """Settings of the AI service."""

    model_config = SettingsConfigDict(env_prefix="IMMICHVR_AI_", env_nested_delimiter="__", extra="ignore")
    service: ClassVar[str] = "ai"

    splat: SplatSettings = SplatSettings()
    photo: PhotoSettings = PhotoSettings()
