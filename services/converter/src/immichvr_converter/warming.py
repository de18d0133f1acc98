"""Compiling kernels, or loading them from their cache, beside the first conversions instead of before them.

python -m immichvr_converter.warming compiles them ahead of all, as the image does.
"""

from __future__ import annotations

import threading

import immichvr_splats

from immichvr_converter.settings import ConverterSettings


def begin() -> None:
    """What a child calls before its first task: the kernels that a conversion needs are not waited for twice.

    With a limit of memory set it waits, so that what compiling takes is not counted as a conversion's.
    """
    if ConverterSettings().work.memory_mb is not None:
        immichvr_splats.warm()
        return
    threading.Thread(target=immichvr_splats.warm, name="warming", daemon=True).start()


if __name__ == "__main__":
    immichvr_splats.warm()
