"""A test that has this process's log written in another manner leaves it to the next one as it was."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from immichvr_common import logs


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    """Where a command was run within the test, undoes what it made of the log."""
    root = logging.getLogger()
    manner, level = logs._Configured.manner, root.level
    yield
    if logs._Configured.manner is manner:
        return
    logs._Configured.manner = manner
    structlog.reset_defaults()
    for handler in root.handlers[:]:
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(False)
    sys.excepthook = sys.__excepthook__
    for module in list(sys.modules.values()):
        for known in list(vars(module).values()):
            if isinstance(known, structlog._config.BoundLoggerLazyProxy):
                vars(known).pop("bind", None)
