"""Contexts for tests: networks of one's own, with the weights of every model at hand and nothing ever fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from immichvr_models import Cache, CacheSettings

from immichvr_inference.context import RunContext
from immichvr_inference.network import Network
from immichvr_inference.residency import Runtime
from immichvr_inference.settings import RuntimeSettings


class Complete(Cache):
    """A cache in which the weights of every model are."""

    def ensure(self, *_: object, **__: object) -> Path:
        """Where they would be."""
        return self.root

    def state(self, *_: object) -> Any:
        """As if they were."""
        return "ready"


def context_of(network: Network, folder: Path, key: str) -> RunContext:
    """A context with this network alone, behind this key; every licence is accepted."""
    cache = Complete(folder, CacheSettings(offline=True))
    return RunContext(cache, Runtime({key: network}, RuntimeSettings(device="cpu", spare_mb=0)), accepted=(key,))
