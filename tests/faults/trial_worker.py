"""A worker of the service `ai` whose capability does what a photo's name says. Run as a script."""

import asyncio
from typing import ClassVar

from immichvr_common.service import ServiceSpec, serve
from immichvr_common.settings import WorkerSettings
from pydantic_settings import SettingsConfigDict


class TrialSettings(WorkerSettings):
    """The ai service's settings, without what only models need."""

    model_config = SettingsConfigDict(env_prefix="IMMICHVR_AI_", env_nested_delimiter="__", extra="ignore")
    service: ClassVar[str] = "ai"


if __name__ == "__main__":
    asyncio.run(serve(ServiceSpec("immichvr_common.testing.studio:perform"), TrialSettings()))
