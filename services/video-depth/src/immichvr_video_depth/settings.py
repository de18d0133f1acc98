"""Settings of the video depth service; the environment's names begin with IMMICHVR_VIDEO_DEPTH_."""

from __future__ import annotations

from functools import cache
from typing import ClassVar, Literal

from immichvr_catalog import SERVICES
from immichvr_common.settings import WorkerSettings
from immichvr_inference.settings import PhotoSettings, RuntimeSettings
from pydantic import BaseModel, Field
from pydantic_settings import SettingsConfigDict

_SERVICE = SERVICES["video-depth"]
CAPABILITY = "immichvr_video_depth.jobs:perform"
"""What children run."""


class VideoSettings(BaseModel):
    """What a video may be; larger ones are refused before they are decoded.

    max_seconds: of what is to be made, so that a part of a longer video may be asked for. max_megabytes: of its file.
    """

    max_seconds: float = Field(3600, gt=0)
    max_megapixels: float = Field(36, gt=0, description="of one frame")
    max_megabytes: float = Field(20_000, gt=0)
    checkpoint_s: float = Field(20, ge=0, description="the least time between two moments from which work goes on")
    hardware: Literal["auto", "off"] = Field(
        "auto",
        description="NVIDIA's decoder and encoders, where the network runs on a GPU and they do as software does",
    )


class VideoDepthSettings(WorkerSettings):
    """Settings of the video depth service."""

    model_config = SettingsConfigDict(env_prefix=_SERVICE.env_prefix, env_nested_delimiter="__", extra="ignore")
    service: ClassVar[str] = _SERVICE.name

    photo: PhotoSettings = PhotoSettings()
    video: VideoSettings = VideoSettings()
    models: RuntimeSettings = Field(default_factory=lambda: RuntimeSettings())


@cache
def current_settings() -> VideoDepthSettings:
    """The settings of this process, read once."""
    return VideoDepthSettings()
