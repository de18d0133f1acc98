"""The converter as a process: `python -m immichvr_converter`."""

from __future__ import annotations

import asyncio
from functools import partial

from immichvr_common.service import serve

from immichvr_converter.jobs import TARGET
from immichvr_converter.service import SERVICE, register
from immichvr_converter.settings import ConverterSettings


def main() -> None:
    """Runs the service until it is told to end."""
    settings = ConverterSettings()
    asyncio.run(serve(settings, TARGET, partial(register, settings), [SERVICE], "immichvr_splats:warm"))


if __name__ == "__main__":
    main()
