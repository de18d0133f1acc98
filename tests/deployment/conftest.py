"""The compose file as it is read, and its volumes as the first start fills them."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml
from immichvr_common.provision import provision

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "deploy/compose"
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def filled_in() -> dict[str, str]:
    """The lines of .env.example, as compose reads them."""
    lines = (COMPOSE / ".env.example").read_text("utf-8").splitlines()
    given = [line.partition(" #")[0].strip() for line in lines if line and not line.startswith("#")]
    return dict(line.partition("=")[::2] for line in given)


def compose(**more: str) -> dict[str, Any]:
    """deploy/compose/compose.yaml with .env.example's values, or these."""
    values = filled_in() | more

    def value(found: re.Match[str]) -> str:
        given = values.get(found[1], "")
        assert given or found[2] == "-", f"{found[1]} is to be filled in, and .env.example has no value for it"
        return given or found[3]

    def within(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: within(one) for key, one in node.items()}
        if isinstance(node, list):
            return [within(one) for one in node]
        return _VARIABLE.sub(value, node) if isinstance(node, str) else node

    loaded: dict[str, Any] = within(yaml.safe_load((COMPOSE / "compose.yaml").read_text("utf-8")))
    return loaded


def settings_tool() -> dict[str, Any]:
    """tools/settings.py."""
    return runpy.run_path(str(ROOT / "tools/settings.py"))


@pytest.fixture(scope="session")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders named as the volumes, as the service `provision` leaves them."""
    root = tmp_path_factory.mktemp("volumes")
    provision(root)
    return root
