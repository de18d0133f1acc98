"""Imports of packages that are not installed, so that what does not need them can be measured all the same.

A package of this list that is not there is imported as a name for what is missing: calling anything in it raises
ModuleNotFoundError with its name, which becomes the reason of a row.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

OPTIONAL = frozenset({"isal", "zstandard", "DracoPy", "pillow_heif", "defusedxml", "plyfile", "gsplat", "imageio"})
"""Compression of files, other photo formats, and rendering: needed by parts that are imported and not always run."""
DECORATING = frozenset({"click"})
"""Called while modules that use it are imported, for commands that nobody runs here."""


class _Missing(type):
    """The type of names in a missing package, which are types as well, so that they can be named in signatures."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _missing(cls.__module__)

    def __call__(cls, *args: object, **kwargs: object) -> Any:
        raise ModuleNotFoundError(f"{cls.__module__} is not installed", name=cls.__module__)


def _missing(package: str) -> Any:
    return _Missing(package, (), {"__module__": package})


class _Decorator:
    """Returns itself for every call and attribute."""

    def __call__(self, *args: object, **kwargs: object) -> _Decorator:
        return self

    def __getattr__(self, name: str) -> _Decorator:
        if name.startswith("__"):
            raise AttributeError(name)
        return self


class _Module(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        package = self.__name__.partition(".")[0]
        return _Decorator() if package in DECORATING else _missing(package)


class _Finder(MetaPathFinder, Loader):
    """Stands last in the list of finders, so that it is asked only for what nobody else has found."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        if fullname.partition(".")[0] not in OPTIONAL | DECORATING:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing in it."""


def stand_in() -> None:
    """From here on, missing packages of these lists can be imported."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
