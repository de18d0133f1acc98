"""A capability that costs nothing, so that what remains is the pipeline itself."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from immichvr_common.service import ServiceSpec, serve
from immichvr_common.settings import WorkerSettings
from immichvr_common.tasks import Made, MadeFile, Report, Task
from pydantic_settings import SettingsConfigDict


class TrivialSettings(WorkerSettings):
    """The AI service's settings, for a worker that stands in for it."""

    model_config = SettingsConfigDict(env_prefix="IMMICHVR_AI_", env_nested_delimiter="__", extra="ignore")
    service: ClassVar[str] = "ai"


def perform(task: Task, report: Report) -> list[Made]:
    """Writes one file of 4 kB."""
    report(0.5, "inferred", "")
    (task.folder / "depth.png").write_bytes(bytes(4096))
    return [Made(kind="depth", model_key="heuristic", files=[MadeFile("depth.png", "depth", "png", "image/png")])]


if __name__ == "__main__":
    asyncio.run(serve(ServiceSpec("immichvr_bench.trivial:perform"), TrivialSettings()))
