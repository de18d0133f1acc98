"""The compose file as it is read, and its volumes as the first start fills them."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from immichvr_common.provision import provision

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "deploy/compose"
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def filled_in() -> dict[str, str]:
    """The lines of .env.example, as compose reads them."""
    return as_environment((COMPOSE / ".env.example").read_text("utf-8"))


def as_environment(text: str) -> dict[str, str]:
    """Lines without quotes as compose-go's dotenv reads them: what is left of a value after its blanks, up to ` #`."""
    given = [line.partition("=")[::2] for line in text.splitlines() if line and not line.startswith("#")]
    return {name: value.lstrip().partition(" #")[0].rstrip() for name, value in given}


class Mount(NamedTuple):
    """A volume in a container; is_copied: Docker fills a new one with what the image has there."""

    volume: str
    target: str
    is_copied: bool


def mounts(service: dict[str, Any]) -> list[Mount]:
    """The volumes of a service, whichever way they are written."""
    return [
        Mount(one.split(":")[0], one.split(":")[1], True)
        if isinstance(one, str)
        else Mount(one["source"], one["target"], not one.get("volume", {}).get("nocopy", False))
        for one in service.get("volumes", [])
    ]


def compose(name: str = "compose.yaml", **more: str) -> dict[str, Any]:
    """A file of deploy/compose with .env.example's values, or these."""
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

    loaded: dict[str, Any] = within(yaml.safe_load((COMPOSE / name).read_text("utf-8")))
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
