"""Settings of the inpaint service; the environment's names begin with IMMICHVR_INPAINT_."""

from __future__ import annotations

from functools import cache
from typing import ClassVar, Literal

from immichvr_catalog import SERVICES
from immichvr_common.settings import WorkerSettings
from immichvr_inference.settings import PhotoSettings, RuntimeSettings
from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import SettingsConfigDict

_SERVICE = SERVICES["inpaint"]
CAPABILITY = "immichvr_inpaint.jobs:perform"
"""What children run."""


class ClipSettings(BaseModel):
    """What a video may be; larger ones are refused before they are decoded.

    max_seconds: of it. max_megabytes: of its file.
    """

    max_seconds: float = Field(3600, gt=0)
    max_megapixels: float = Field(36, gt=0, description="of one frame")
    max_megabytes: float = Field(20_000, gt=0)


class TrainingSettings(BaseModel):
    """How scenes are trained."""

    checkpoint_s: float = Field(30, ge=0, description="the least time between two moments from which work goes on")
    preview_s: float = Field(20, gt=0, description="from one preview to the next")
    max_gaussians: int | None = Field(None, ge=100, description="of any scene; as its quality says if unset")
    max_steps: int | None = Field(None, ge=1, description="of training any scene; as its quality says if unset")


class CloudSettings(BaseModel):
    """A service elsewhere that trains scenes where people ask for it. Without an address nothing is ever sent."""

    url: str = Field("", description="its address, https://…")
    token: SecretStr = Field(SecretStr(""), description="that it knows us by")
    adapter: str = Field("http", description="how it is spoken to; other distributions may bring more")
    poll_s: float = Field(10, gt=0, description="from one question how far it is to the next")
    longest_s: float = Field(4 * 3600, gt=0, description="how long it may take")


class InpaintSettings(WorkerSettings):
    """Settings of the inpaint service.

    enable, method, iterations, dataset_update: of filling what is missing, where who asks leaves them open.
    """

    model_config = SettingsConfigDict(env_prefix=_SERVICE.env_prefix, env_nested_delimiter="__", extra="ignore")
    service: ClassVar[str] = _SERVICE.name

    enable: bool = Field(True, description="whether what is missing is filled at all")
    method: Literal["auto", "lama", "joint-multiview", "reference", "individual", "fill"] = "auto"
    iterations: int = Field(200, ge=0, le=30_000, description="steps of optimising what is new")
    dataset_update: int = Field(1, ge=1, le=20, description="rounds in which the pictures are completed")
    photo: PhotoSettings = PhotoSettings()
    video: ClipSettings = ClipSettings()
    training: TrainingSettings = TrainingSettings()
    cloud: CloudSettings = CloudSettings()
    models: RuntimeSettings = Field(default_factory=lambda: RuntimeSettings())


@cache
def current_settings() -> InpaintSettings:
    """The settings of this process, read once."""
    return InpaintSettings()
