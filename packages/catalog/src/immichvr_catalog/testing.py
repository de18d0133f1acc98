"""Rows for a test, registered as any distribution registers its own: by an entry point."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from immichvr_catalog.table import GROUP, reload_rows


@contextlib.contextmanager
def distribution(
    folder: Path, name: str, modules: Mapping[str, str], rows: str, entry_points: Mapping[str, str] | None = None
) -> Iterator[Path]:
    """Has this process, and those that it starts meanwhile, find a distribution that registers rows.

    folder: a new one, where it is written. modules: the texts of its modules by name. rows: where its rows are,
    `module:attribute`. entry_points: what else it registers, lines by group.
    """
    info = folder / f"{name.replace('-', '_')}-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    registered = {GROUP: f"{name} = {rows}", **(entry_points or {})}
    (info / "entry_points.txt").write_text("".join(f"[{group}]\n{lines}\n" for group, lines in registered.items()))
    for module, text in modules.items():
        path = folder / f"{module.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    before = os.environ.get("PYTHONPATH")
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *([before] if before else [])])
    _look_again()
    try:
        yield folder
    finally:
        sys.path.remove(str(folder))
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before
        _forget(folder)
        _look_again()


def _forget(folder: Path) -> None:
    """Takes what was imported from a folder, and from nowhere else, out of this process's modules."""
    for name, module in list(sys.modules.items()):
        own = getattr(module, "__dict__", {})  # some modules make up whatever attribute they are asked for
        path = own.get("__path__") or [own.get("__file__")]
        places = [Path(place) for place in path if isinstance(place, str)]
        if places and all(place.is_relative_to(folder) for place in places):
            del sys.modules[name]


def _look_again() -> None:
    importlib.invalidate_caches()
    reload_rows()
