"""Which networks a package brings: its modules say so themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, partial
from importlib import import_module
from pkgutil import iter_modules

from immichvr_inference.network import Network


class Networks(Mapping[str, Network]):
    """Networks by the keys of the model registry, found when somebody first looks: what runs none imports none."""

    def __init__(self, find: Callable[[], Mapping[str, Network]]) -> None:
        self._find = find

    @cached_property
    def _found(self) -> Mapping[str, Network]:
        return self._find()

    def __getitem__(self, key: str) -> Network:
        return self._found[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def networks_in(package: str, path: Iterable[str]) -> Networks:
    """What the modules of a package list as their `NETWORKS`, by the keys of the model registry."""
    return Networks(partial(_listed_in, package, path))


def _listed_in(package: str, path: Iterable[str]) -> dict[str, Network]:
    modules = [import_module(f"{package}.{found.name}") for found in iter_modules(path)]
    return {key: network for module in modules for key, network in getattr(module, "NETWORKS", {}).items()}
