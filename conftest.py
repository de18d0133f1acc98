"""Fixtures every test may use: real servers on free ports."""

import gc
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

pytest_plugins = [
    "immichvr_common.testing.fixtures",
    "immichvr_common.testing.folders",
    "immichvr_common.testing.logging",
    "immichvr_common.testing.tasks",
]
_LEDGER = "IMMICHVR_AI_MODELS__LEDGER"
TOGETHER = {
    f"tests/e2e/test_{name}.py": stack
    for stack, names in {
        "stack": ("api", "below_a_path", "formats", "listening", "motion", "video", "viewer"),
        "extended": ("live", "models", "scenes", "toy_service"),
    }.items()
    for name in names
}
"""Files whose tests share what takes seconds of every core to start, by the fixture that starts it."""


def pytest_configure(config: pytest.Config) -> None:
    """Memory of the tests' processes is not reckoned with that of others on this machine."""
    if _LEDGER not in os.environ:
        os.environ[_LEDGER] = str(Path(tempfile.gettempdir(), f"test-memory-{os.getpid()}"))
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(_LEDGER), ignore_errors=True))


def pytest_collection_finish() -> None:
    """What was imported and collected stays until the end: looking through it again and again takes seconds."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests stay in one process, and those of files that share a stack in the same one."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return TOGETHER.get(file, file)

    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None
