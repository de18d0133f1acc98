"""The converter as a process: `python -m immichvr_converter`."""

from __future__ import annotations

import asyncio
from functools import partial

from immichvr_common.log_masks import secrets_in
from immichvr_common.logs import configure_logs
from immichvr_common.processes.child import Child
from immichvr_common.scratch import own_folder
from immichvr_common.settings import settings_or_exit

from immichvr_converter.settings import CAPABILITY, WARMING, ConverterSettings


def main() -> None:
    """Runs the service until it is told to end."""
    asyncio.run(_run(settings_or_exit(ConverterSettings)))


async def _run(settings: ConverterSettings) -> None:
    configure_logs(settings.log_level, settings.log_json, settings.service, secrets_in(settings))
    with own_folder(settings.work.directory):
        # The child imports at the same time as this process does, which is most of the time to a first conversion.
        first = Child(CAPABILITY, settings.work.memory_mb, WARMING)
        from immichvr_common.service import ServiceSpec, serve

        from immichvr_converter.service import SERVICE, register

        spec = ServiceSpec(CAPABILITY, partial(register, settings), (SERVICE,), WARMING)
        await serve(spec, settings, first)


if __name__ == "__main__":
    main()
