"""Which networks a package brings: its modules say so themselves."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules

from immichvr_inference.network import Network


def networks_in(package: str, path: Iterable[str]) -> dict[str, Network]:
    """What the modules of a package list as their `NETWORKS`, by the keys of the model registry."""
    modules = [import_module(f"{package}.{found.name}") for found in iter_modules(path)]
    return {key: network for module in modules for key, network in getattr(module, "NETWORKS", {}).items()}
