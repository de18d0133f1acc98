"""The service as a process."""

import asyncio
from typing import ClassVar

from immichvr_catalog import SERVICES
from immichvr_common.service import ServiceSpec, serve
from immichvr_common.settings import WorkerSettings, settings_or_exit
from pydantic_settings import SettingsConfigDict

_SERVICE = SERVICES["toy-maker"]


class ToyMakerSettings(WorkerSettings):
    """Nothing but what every worker is told."""

    model_config = SettingsConfigDict(env_prefix=_SERVICE.env_prefix)
    service: ClassVar[str] = _SERVICE.name


if __name__ == "__main__":
    asyncio.run(serve(ServiceSpec(f"{_SERVICE.module}.jobs:perform"), settings_or_exit(ToyMakerSettings)))
