"""Fixtures every test may use: real servers on free ports."""

import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest

pytest_plugins = [
    "immichvr_common.testing.fixtures",
    "immichvr_common.testing.folders",
    "immichvr_common.testing.tasks",
]
_LEDGER = "IMMICHVR_AI_MODELS__LEDGER"


def pytest_configure(config: pytest.Config) -> None:
    """Memory of the tests' processes is not reckoned with that of others on this machine."""
    if _LEDGER not in os.environ:
        os.environ[_LEDGER] = str(Path(tempfile.gettempdir(), f"test-memory-{os.getpid()}"))
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(_LEDGER), ignore_errors=True))


def pytest_collection_finish() -> None:
    """What was imported and collected stays until the end: looking through it again and again takes seconds."""
    gc.collect()
    gc.freeze()
