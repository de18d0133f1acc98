"""Rows of the GPU bench, how they are timed, and how they are shown."""

from __future__ import annotations

import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

import torch

_LEAST, _MOST = 3, 20


@dataclass
class Row:
    """One line: what was measured, or why it was not. ms: medians by name; other: figures that are no times."""

    section: str
    name: str
    ms: dict[str, float] = field(default_factory=dict)
    other: dict[str, float | str] = field(default_factory=dict)
    reason: str = ""


@dataclass
class Bench:
    """What is measured on, for how long, and what has come out so far.

    small: tiny networks and pictures, to see that everything runs. deadline: by `time.monotonic`.
    """

    device: torch.device
    small: bool
    deadline: float
    rows: list[Row] = field(default_factory=list)

    @contextmanager
    def row(self, section: str, name: str) -> Iterator[Row]:
        """A row to fill in; what stops the measurement becomes its reason, and the next one goes on."""
        row = Row(section, name)
        self.rows.append(row)
        try:
            yield row
        except Exception as error:  # noqa: BLE001  # whatever happens in one measurement, the others are wanted
            row.reason = _in_words(error)
            if not isinstance(error, (ImportError, TimeoutError, torch.OutOfMemoryError)):
                traceback.print_exc()
        self.release()
        show(row)

    def release(self) -> None:
        """Give unused memory of the device back, so that each row begins alike."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def timed(self, work: Callable[[], object], seconds: float = 2.0) -> float:
        """Median milliseconds of a call, the device's work included, after two calls that are not counted."""
        return self.repeated(lambda: self.clocked(work), seconds)

    def repeated(self, once: Callable[[], float], seconds: float = 2.0) -> float:
        """Median of the milliseconds that `once` gives, after two that are not counted: it may make ready before."""
        if self.small:
            return once()
        for _ in range(2):
            once()
        times: list[float] = []
        while len(times) < _LEAST or (sum(times) < 1000 * seconds and len(times) < _MOST):
            times.append(once())
        return median(times)

    def in_time(self) -> None:
        """Raises TimeoutError after the deadline."""
        if time.monotonic() > self.deadline:
            raise TimeoutError("left out: the time is up")

    def clocked(self, work: Callable[[], object]) -> float:
        """Milliseconds of one call, until the device has done all of it. Raises TimeoutError after the deadline."""
        self.in_time()
        self.wait()
        start = time.perf_counter()
        work()
        self.wait()
        return 1000 * (time.perf_counter() - start)

    def wait(self) -> None:
        """Until the device has nothing left to do."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def peak_mb(self, work: Callable[[], object]) -> float:
        """Most memory of the device that a call and what was there before it take; 0 on a CPU."""
        if self.device.type != "cuda":
            return 0.0
        torch.cuda.reset_peak_memory_stats(self.device)
        self.clocked(work)
        return float(torch.cuda.max_memory_allocated(self.device)) / 1e6


def machine(device: torch.device) -> dict[str, Any]:
    """What everything ran on."""
    about: dict[str, Any] = {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
    }
    if device.type == "cuda":
        about["memory_gb"] = round(torch.cuda.get_device_properties(device).total_memory / 1e9, 1)
    return about


def show(row: Row) -> None:
    """Print a row as a line of the table."""
    figures = [f"{name} {value:.3g} ms" for name, value in row.ms.items()]
    figures += [f"{name} {value if isinstance(value, str) else f'{value:.4g}'}" for name, value in row.other.items()]
    print(f"| {row.section} | {row.name} | {', '.join([*figures, *filter(None, [row.reason])])} |", flush=True)


def as_json(bench: Bench, seconds: float) -> dict[str, Any]:
    """All of it."""
    return {
        "machine": machine(bench.device),
        "date": time.strftime("%Y-%m-%d"),
        "small": bench.small,
        "seconds": round(seconds, 1),
        "rows": [asdict(row) for row in bench.rows],
    }


def _in_words(error: Exception) -> str:
    if isinstance(error, torch.OutOfMemoryError):
        return "out of memory"
    words = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, ModuleNotFoundError) and "installed" not in words:
        return f"{error.name or words} is not installed"
    if isinstance(error, (ImportError, TimeoutError)):
        return words
    print(f"{type(error).__name__}: {words}", file=sys.stderr)
    return f"failed: {type(error).__name__}: {words}"
