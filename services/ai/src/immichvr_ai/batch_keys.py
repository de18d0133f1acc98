"""Which splat jobs can be done together: known from the registry, before any network is loaded."""

from __future__ import annotations

from google.protobuf import json_format
from immichvr.ai.v1.ai_pb2 import SplatParams
from immichvr_catalog import SPLAT
from immichvr_common.tasks import Task
from immichvr_models import Cache

AUTO = "auto"


def batch_key(task: Task, cache: Cache) -> str:
    """What splat jobs that can be done together have in common; empty for other jobs."""
    if task.kind != SPLAT:
        return ""
    params = params_of(task)
    if not batching_network(params, cache):
        return ""
    return ",".join((params.model or AUTO, *sorted(params.accepted)))


def batching_network(params: SplatParams, cache: Cache) -> str:
    """The network that will make these splats, if it is quicker with several photos at once; else nothing."""
    registry, asked = cache.registry, params.model or AUTO
    if asked == AUTO:
        here = (key for key in registry.preferred("splat") if cache.may_run(key, params.accepted))
        asked = next(here, "")
    return asked if asked in registry and registry[asked].batches else ""


def params_of(task: Task) -> SplatParams:
    """The parameters of a job of kind splat."""
    return json_format.ParseDict(task.params, SplatParams(), ignore_unknown_fields=True)
