"""Settings of the AI service; the environment's names begin with IMMICHVR_AI_."""

from __future__ import annotations

from functools import cache
from typing import ClassVar, Literal

from immichvr_common.settings import WorkerSettings
from pydantic import BaseModel, Field
from pydantic_settings import SettingsConfigDict

FALLBACK: dict[str, tuple[str, ...]] = {
    "da2-large": ("da2-base", "da2-small", "heuristic"),
    "da2-base": ("da2-small", "heuristic"),
    "da2-small": ("heuristic",),
    "da3nested-giant-large": ("da3metric-large", "da3-large", "da3-base", "da3-small", "da2-small", "heuristic"),
    "da3-giant": ("da3-large", "da3-base", "da3-small", "da2-small", "heuristic"),
    "da3-large": ("da3-base", "da3-small", "da2-small", "heuristic"),
    "da3-base": ("da3-small", "da2-small", "heuristic"),
    "da3-small": ("da2-small", "heuristic"),
    "da3metric-large": ("da3-base", "da2-base", "da3-small", "da2-small", "heuristic"),
    "da3mono-large": ("da2-base", "da2-small", "heuristic"),
    "midas-dpt-large": ("da2-base", "da2-small", "heuristic"),
    "zoedepth": ("da2-base", "da2-small", "heuristic"),
    "depthpro": ("da3metric-large", "da2-base", "da2-small", "heuristic"),
    "sharp": ("da3nested-giant-large", "da3-giant", "lift-da3metric-large", "lift-da2-small", "lift-heuristic"),
}
"""What runs where memory is short, the nearest in kind first; a splat key gives up to lifting."""


class SplatSettings(BaseModel):
    """How splats are made where the request does not say."""

    max_gaussians: int = Field(500_000, ge=1_000, le=5_000_000)


class PhotoSettings(BaseModel):
    """What a photo may be; larger ones are refused before they are decoded.

    min_side: pixels of its shorter side, at least.
    """

    min_side: int = Field(32, ge=1)
    max_megapixels: float = Field(200, gt=0)
    max_megabytes: float = Field(512, gt=0)


class ModelsSettings(BaseModel):
    """How networks run.

    device: a torch device, or `auto`: CUDA, else Apple's GPU, else the CPU. threads: of the CPU, all by default.
    precision: of forward passes; `auto` is bfloat16 on CUDA and float32 elsewhere. preload: keys of models to load at
    start, if their weights are there. idle_s: a network that nobody used for so long leaves memory. spare_mb: memory
    of the device that is left to others. fallback: what runs instead of a model for which the memory does not
    suffice, in this order; of these, what is permitted and there.
    """

    device: str = "auto"
    threads: int | None = Field(None, ge=1)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    preload: tuple[str, ...] = ()
    idle_s: float = Field(300, gt=0)
    spare_mb: int = Field(200, ge=0)
    fallback: dict[str, tuple[str, ...]] = FALLBACK


class LiveSettings(BaseModel):
    """How live sessions are served, by a working process itself.

    port: of its gRPC server, any free one by default. advertise: the name or address by which the gateway reaches
    this machine; by default what gRPC listens on. connect_s, idle_s, max_s: how long to wait for the client, how long
    it may be silent, and how long a session lasts at most. tiny: for tests, random weights in small copies of the
    networks.
    """

    port: int = Field(0, ge=0, le=65535)
    advertise: str = Field("", max_length=255)
    connect_s: float = Field(30, gt=0)
    idle_s: float = Field(120, gt=0)
    max_s: float = Field(840, gt=0)
    tiny: bool = False


class AiSettings(WorkerSettings):
    """Settings of the AI service."""

    model_config = SettingsConfigDict(env_prefix="IMMICHVR_AI_", env_nested_delimiter="__", extra="ignore")
    service: ClassVar[str] = "ai"

    splat: SplatSettings = SplatSettings()
    photo: PhotoSettings = PhotoSettings()
    models: ModelsSettings = ModelsSettings()
    live: LiveSettings = LiveSettings()


@cache
def current_settings() -> AiSettings:
    """The settings of this process, read once."""
    return AiSettings()
