"""What the workspace consists of, read from its folders: set-up, lint and the image take their lists from here.

python tools/workspace.py editable       what pip is told, so that every distribution is installed as it stands
python tools/workspace.py unbound        requirement files that are installed without their dependencies
python tools/workspace.py modules        the import packages that mypy checks
python tools/workspace.py warming        modules that compile a service's kernels ahead of its first job
python tools/workspace.py image ai DIR   lays out in DIR what the image of the service `ai` is made of
python tools/workspace.py --root DIR …   of another checkout

A distribution is a folder with a pyproject.toml. Beside an extra `x` may lie `requirements-x.txt`: what it needs and
pip must install without dependencies, by hash; such an extra is part of the set-up and of the image. The extra `cuda`
is what it needs where there is CUDA: part of the images for that alone.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

_FOLDERS = ("packages/*", "services/*", "apps/*", "bench")
HASHES = "tools/image/hashes.txt"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LEFT_OUT = shutil.ignore_patterns("tests", "web", "node_modules", "__pycache__", "Dockerfile", "*.egg-info")


class UnknownService(ValueError):
    """No folder of services/ has this name."""


@dataclass(frozen=True)
class Distribution:
    """One folder with a pyproject.toml."""

    root: Path
    folder: str  # relative to the root, like packages/common

    @cached_property
    def project(self) -> dict[str, Any]:
        text = Path(self.root, self.folder, "pyproject.toml").read_text("utf-8")
        project: dict[str, Any] = tomllib.loads(text)["project"]
        return project

    @property
    def name(self) -> str:
        return normal(str(self.project["name"]))

    @property
    def extras(self) -> list[str]:
        """Those extras that have a file of unbound requirements."""
        return [extra for extra in sorted(self._optional) if self._unbound(extra).is_file()]

    @property
    def unbound(self) -> list[Path]:
        return [self._unbound(extra) for extra in self.extras]

    @property
    def installed_as(self) -> str:
        """The folder, with the extras that belong to the set-up."""
        return self.folder + (f"[{','.join(self.extras)}]" if self.extras else "")

    @property
    def requirements(self) -> list[str]:
        """Its own and those of `extras`."""
        always: list[str] = self.project.get("dependencies", [])
        return [*always, *(line for extra in self.extras for line in self._optional[extra])]

    @property
    def for_cuda(self) -> list[str]:
        """What it needs beside these where there is CUDA."""
        return self._optional.get("cuda", [])

    @property
    def modules(self) -> list[str]:
        """Its import packages; the generated stubs are nobody's to check."""
        source = Path(self.root, self.folder, "src")
        return sorted(path.name for path in source.glob("immichvr_*") if Path(path, "__init__.py").is_file())

    @property
    def warming(self) -> list[str]:
        """`<module>.warming` where there is one."""
        source = Path(self.root, self.folder, "src")
        return [f"{name}.warming" for name in self.modules if Path(source, name, "warming.py").is_file()]

    @property
    def _optional(self) -> dict[str, list[str]]:
        optional: dict[str, list[str]] = self.project.get("optional-dependencies", {})
        return optional

    def _unbound(self, extra: str) -> Path:
        return Path(self.root, self.folder, f"requirements-{extra}.txt")


def normal(name: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions(root: Path) -> list[Distribution]:
    """All of them, in the order of their folders."""
    found = (path for pattern in _FOLDERS for path in sorted(root.glob(f"{pattern}/pyproject.toml")))
    return [Distribution(root, path.parent.relative_to(root).as_posix()) for path in found]


def services(root: Path) -> list[Distribution]:
    """Those that become images."""
    return [each for each in distributions(root) if each.folder.startswith("services/")]


def service(root: Path, name: str) -> Distribution:
    """The service of this folder; UnknownService with those there are."""
    for each in services(root):
        if each.folder == f"services/{name}":
            return each
    known = ", ".join(each.folder.removeprefix("services/") for each in services(root))
    raise UnknownService(f"services/{name} has no pyproject.toml; the services are {known}")


def closure(root: Path, top: Distribution) -> list[Distribution]:
    """What of ours `top` needs, itself last; each after what it depends on."""
    ours = {each.name: each for each in distributions(root)}
    found: dict[str, Distribution] = {}

    def add(each: Distribution) -> None:
        if each.name in found:
            return
        for name in _names(each.requirements):
            if name in ours:
                add(ours[name])
        found[each.name] = each

    add(top)
    return list(found.values())


def foreign(root: Path, parts: list[Distribution]) -> list[str]:
    """What `parts` need of others, as they wrote it."""
    ours = {each.name for each in distributions(root)}
    lines = {line for part in parts for line in part.requirements if next(_names([line])) not in ours}
    return sorted(lines)


def constraints(root: Path) -> list[str]:
    """Which version there may be of each distribution, with the hashes of its files where they are held."""
    hashes = (root / HASHES).read_text("utf-8").splitlines()
    hashed = set(_names([line for line in hashes if line[:1].isalnum()]))
    lines = (root / "constraints.txt").read_text("utf-8").splitlines()
    held = [line for line in lines if line[:1].isalnum()]  # the others are empty, or comments
    return [*(line for line, name in zip(held, _names(held), strict=True) if name not in hashed), *hashes]


def lay_out(root: Path, name: str, target: Path) -> None:
    """Lays out what the image of a service is made of, apart so that a layer is made anew only where its part changed.

    `foreign/`: constraints.txt, requirements.txt, unbound.txt, cuda.txt. `own/`: the folders of the service and of what
    it needs, own.txt and warming.txt. `web/`: the pages that it serves, empty for most.
    """
    top = service(root, name)
    parts = closure(root, top)
    for folder in ("foreign", "own", "web"):
        Path(target, folder).mkdir(parents=True)
    _write(target / "foreign/constraints.txt", constraints(root))
    _write(target / "foreign/requirements.txt", foreign(root, parts))
    _write(target / "foreign/unbound.txt", [path.read_text("utf-8") for part in parts for path in part.unbound])
    _write(target / "foreign/cuda.txt", sorted({line for part in parts for line in part.for_cuda}))
    for part in parts:
        shutil.copytree(root / part.folder, target / "own" / part.folder, ignore=_LEFT_OUT)
    _write(target / "own/own.txt", [f"./{part.installed_as}" for part in parts])
    _write(target / "own/warming.txt", top.warming)
    if Path(root, top.folder, "web").is_dir():
        pages = shutil.ignore_patterns("node_modules", "dist", "test")
        shutil.copytree(root / top.folder / "web", target / "web", ignore=pages, dirs_exist_ok=True)


def _names(requirements: list[str]) -> Iterator[str]:
    for line in requirements:
        match = _NAME.match(line)
        if match is None:
            raise ValueError(f"{line!r} names no distribution")
        yield normal(match.group())


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line.rstrip()}\n" for line in lines), "utf-8")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="What the workspace consists of, read from its folders.")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("what", choices=("editable", "unbound", "modules", "warming", "image"))
    parser.add_argument("service", nargs="?")
    parser.add_argument("folder", nargs="?", type=Path)
    given = parser.parse_args(arguments)
    everything = distributions(given.root)
    match given.what:
        case "editable":
            lines = [word for each in everything for word in ("-e", each.installed_as)]
        case "unbound":
            lines = [str(path.relative_to(given.root)) for each in everything for path in each.unbound]
        case "modules":
            lines = [name for each in everything for name in each.modules]
        case "warming":
            lines = [name for each in services(given.root) for name in each.warming]
        case _ if given.service and given.folder:
            lay_out(given.root, given.service, given.folder)
            return
        case _:
            parser.error("image needs the service's name and a folder")
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UnknownService as error:
        sys.exit(str(error))
