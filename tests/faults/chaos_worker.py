"""A worker of any service with the capability beside it. Run as a script: chaos_worker.py SERVICE."""

import asyncio
import sys
from typing import ClassVar

from immichvr_common.service import ServiceSpec, serve
from immichvr_common.settings import WorkerSettings
from pydantic_settings import SettingsConfigDict


class ChaosSettings(WorkerSettings):
    """The settings of the service that the command line names."""

    model_config = SettingsConfigDict(
        env_prefix=f"IMMICHVR_{sys.argv[1].upper()}_", env_nested_delimiter="__", extra="ignore"
    )
    service: ClassVar[str] = sys.argv[1]


if __name__ == "__main__":
    asyncio.run(serve(ServiceSpec("chaos_capability:perform"), ChaosSettings()))
