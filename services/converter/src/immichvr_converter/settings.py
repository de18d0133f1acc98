"""Settings of the converter, from the environment: `IMMICHVR_CONVERTER_…`, nested with `__`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from immichvr_catalog import SERVICES
from immichvr_common.settings import WorkerSettings
from pydantic import BaseModel, Field
from pydantic_settings import SettingsConfigDict

_SERVICE = SERVICES["converter"]
CAPABILITY = "immichvr_converter.jobs:perform"
WARMING = "immichvr_splats.warming:steps"
"""What children run, and the steps in which they make it ready while no task waits."""

_SHARE = 0.5
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


class ConversionLimits(BaseModel):
    """What one conversion may cost."""

    max_input_bytes: int = Field(2 * 1024**3, ge=1, description="size of the file to convert")
    max_points: int = Field(10_000_000, ge=1, description="Gaussians in the file")
    memory_mb: int | None = Field(
        None, ge=1, description="MiB that conversions may take together; half of the machine's if unset"
    )

    @property
    def memory_bytes(self) -> int:
        """What conversions may take together."""
        if self.memory_mb is not None:
            return self.memory_mb * 1024 * 1024
        return int(_machine_memory() * _SHARE)


class CallSettings(BaseModel):
    """How gRPC calls are served."""

    at_once: int = Field(4, ge=1, le=64, description="calls whose files lie on disk; further ones wait")


class ConverterSettings(WorkerSettings):
    """Everything the converter can be told."""

    model_config = SettingsConfigDict(env_prefix=_SERVICE.env_prefix)
    service: ClassVar[str] = _SERVICE.name

    limits: ConversionLimits = Field(default_factory=lambda: ConversionLimits())
    calls: CallSettings = Field(default_factory=lambda: CallSettings())


def _machine_memory() -> int:
    """Bytes that this machine has, or that the container may take of them."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        limit = _CGROUP_LIMIT.read_text().strip()
    except OSError:
        return physical
    return min(physical, int(limit)) if limit.isdigit() else physical
