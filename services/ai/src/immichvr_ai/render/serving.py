"""The job `render`: a splat is read, and drawn for one client until it leaves."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import immichvr_splats
from google.protobuf import json_format
from immichvr.ai.v1 import ai_pb2
from immichvr_catalog import SPLAT
from immichvr_common.errors import InvalidRequest
from immichvr_common.tasks import Report, Task
from immichvr_splats import GaussianCloud

from immichvr_ai.live.serving import serve_session
from immichvr_ai.render.renderers import open_renderer
from immichvr_ai.render.session import converse


def serve_render(task: Task, report: Report, *, on_gpu: bool) -> None:
    """Serves one session; it makes no asset.

    Raises InvalidRequest for a file that cannot be read, DeviceFailed, and what starting the server raises.
    """
    params = json_format.ParseDict(task.params, ai_pb2.RenderParams(), ignore_unknown_fields=True)
    if SPLAT not in task.inputs:
        raise InvalidRequest(f"what is drawn is the input {SPLAT!r}, and it is missing")
    report(0.02, "reading", "reading the splat")
    # Under no name: what is drawn may be a small part of the whole cloud, which nothing else keeps in memory.
    renderer = open_renderer(_read(task.inputs[SPLAT]), on_gpu)
    serve_session(params.token, report, lambda _: partial(converse, renderer))


def _read(path: Path) -> GaussianCloud:
    try:
        return immichvr_splats.read(path).cloud
    except immichvr_splats.SplatError as error:
        raise InvalidRequest(f"this splat cannot be drawn: {error}") from error
