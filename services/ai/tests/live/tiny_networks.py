"""The service's jobs with small copies of its networks, whose weights are random."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from immichvr_ai import jobs
from immichvr_common.tasks import Batch, Made, Report, Task, TaskResult
from immichvr_inference.context import RunContext
from immichvr_inference.residency import Runtime
from immichvr_inference.settings import RuntimeSettings
from immichvr_inference.testing.tiny import with_tiny_weights
from immichvr_models import Cache, CacheSettings
from immichvr_networks import NETWORKS


class Complete(Cache):
    """A cache in which the weights of every model are."""

    def ensure(self, *_: object, **__: object) -> Path:
        return self.root


@cache
def context() -> RunContext:
    """Small networks for every key, and no need for a download."""
    networks = {key: with_tiny_weights(network) for key, network in NETWORKS.items()}
    cache = Complete(Path(tempfile.gettempdir()), CacheSettings(offline=True))
    return RunContext(cache, Runtime(networks, RuntimeSettings(device="cpu", spare_mb=0)))


def perform(task: Task | Batch, report: Report) -> list[Made] | list[TaskResult]:
    """Does one job."""
    return jobs.perform(task, report, context())
