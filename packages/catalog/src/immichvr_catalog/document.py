"""The catalogue as one JSON document, which the viewer is built with."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from immichvr_catalog.codes import ERRORS
from immichvr_catalog.formats import FORMATS
from immichvr_catalog.jobs import KINDS
from immichvr_catalog.services import SERVICES, Service
from immichvr_catalog.sources import ASSETS, SOURCES

_SPELLINGS = ("module", "env_prefix", "proto", "subject", "account", "image", "folder")


def document() -> dict[str, dict[str, dict[str, Any]]]:
    """Every table by its name, every row by its own; services with each spelling of theirs."""
    return {
        "services": {name: _row(service) | _spellings(service) for name, service in SERVICES.items()},
        "kinds": {name: _row(kind) for name, kind in KINDS.items()},
        "assets": {name: _row(asset) for name, asset in ASSETS.items()},
        "formats": {name: _row(row) for name, row in FORMATS.items()},
        "errors": {name: _row(error) for name, error in ERRORS.items()},
        "sources": {name: _row(source) for name, source in SOURCES.items()},
    }


def text() -> str:
    """The document as it is committed."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _row(row: Any) -> dict[str, Any]:
    return {name: value for name, value in asdict(row).items() if name != "name"}


def _spellings(service: Service) -> dict[str, str]:
    return {spelling: getattr(service, spelling) for spelling in _SPELLINGS}
