"""The converter as a process: `python -m immichvr_converter`."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from immichvr_common.imports import service_imports

with service_imports():
    from immichvr_common.early import serve_with_child
    from immichvr_common.settings import settings_or_exit

    from immichvr_converter.settings import CAPABILITY, WARMING, ConverterSettings

if TYPE_CHECKING:
    from immichvr_common.service import ServiceSpec


def main() -> None:
    """Runs the service until it is told to end."""
    settings = settings_or_exit(ConverterSettings)
    asyncio.run(serve_with_child(settings, CAPABILITY, WARMING, partial(_spec, settings)))


def _spec(settings: ConverterSettings) -> ServiceSpec:
    from immichvr_common.service import ServiceSpec

    from immichvr_converter.service import SERVICE, register

    return ServiceSpec(CAPABILITY, partial(register, settings), (SERVICE,), WARMING)


if __name__ == "__main__":
    main()
