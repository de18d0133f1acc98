"""A worker service whose first child imports at the same time as it does itself: most of the time to a first job."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from immichvr_common.imports import service_imports
from immichvr_common.log_masks import secrets_in
from immichvr_common.logs import configure_logs
from immichvr_common.processes.child import Child
from immichvr_common.scratch import own_folder
from immichvr_common.settings import WorkerSettings

if TYPE_CHECKING:
    from immichvr_common.service import ServiceSpec


async def serve_with_child(
    settings: WorkerSettings, capability: str, warm: str, spec: Callable[[], ServiceSpec]
) -> None:
    """Starts a child of a capability, then runs the service until SIGTERM or SIGINT.

    spec: makes what the service is, and imports what it needs for that; of the same capability and warming.
    """
    configure_logs(settings.log_level, settings.log_json, settings.service, secrets_in(settings))
    with own_folder(settings.work.directory):
        # Before this process records spans itself, which takes imports.
        first = Child(capability, settings.work.memory_mb, warm, traced=bool(settings.tracing.endpoint))
        with service_imports():
            from immichvr_common.service import serve

            what = spec()
        await serve(what, settings, first)
