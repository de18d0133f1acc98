"""The table of access, and what lies beside it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from immichvr_gateway.settings import GatewaySettings
from pydantic import SecretStr


def _beside(name: str) -> ModuleType:
    """A module of this directory, which is no package."""
    spec = importlib.util.spec_from_file_location(f"access_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def table() -> Any:
    """Who may what."""
    return _beside("table")


@pytest.fixture(scope="session")
def houses() -> Any:
    """How a house is built in which the table holds."""
    return _beside("house")


@pytest.fixture
def settings(settings: GatewaySettings) -> GatewaySettings:
    """As those of other tests, with a key that the owner's things are sealed with."""
    return settings.model_copy(update={"session_key": SecretStr("a key of tests")})
