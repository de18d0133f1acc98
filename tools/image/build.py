"""Carries out the Dockerfile's steps for one service, each in order and in a clean file system, without an engine.

python tools/image/build.py converter
python tools/image/build.py ai --argument TORCH_BACKEND= --keep /var/tmp/ai
python tools/image/build.py converter --start IMMICHVR_CONVERTER_RPC__HOST=127.0.0.1

--start: the service is begun as the image begins it, as its user, on a read-only root with an empty /tmp, /models and
/scratch and without a network, with these settings, and has to be well by the image's own health check. Says how long
each step took, and what lies in the image beyond its base.

What this does not prove: this machine's Debian and Python 3.11 stand in for the base images, so neither their presence,
nor what they lack, nor another architecture is tried. CUDA's steps do nothing with TORCH_BACKEND=cpu.
"""

from __future__ import annotations

import argparse
import fnmatch
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dockerfile
from dockerfile import Stage
from sandbox import PYTHON, NotHere, Sandbox, check

ROOT = Path(__file__).resolve().parents[2]
_WELL_S = 90
_WRITABLE = ("/tmp", "/models", "/scratch")  # noqa: S108  # of a container
_ASK = """
trap 'kill $service 2>/dev/null' EXIT
{command} >/tmp/said 2>&1 & service=$!
until {health} >/tmp/health 2>&1; do
  kill -0 $service 2>/dev/null && [ "$((left -= 1))" -gt 0 ] || {{ cat /tmp/said /tmp/health; exit 1; }}
  sleep 1
done
"""


class Build:
    """The stages of one image. folder: where their file systems lie. timeout_s: for each step."""

    def __init__(self, stages: list[Stage], folder: Path, timeout_s: float) -> None:
        self._stages, self._folder, self._timeout_s = stages, folder, timeout_s
        self._made: dict[str, Sandbox] = {}
        self._bases: dict[str, Sandbox] = {}

    @property
    def last(self) -> Sandbox:
        """The image's own file system."""
        return self._made[self._stages[-1].name]

    def steps(self) -> Iterator[tuple[str, float]]:
        """Carries them out; after each its first words and its seconds."""
        for stage in self._stages:
            sandbox = Sandbox(self._folder / stage.name, self._below(stage.base))
            self._made[stage.name] = sandbox
            folder, variables, arguments = "/", {}, {}
            for one in stage.instructions:
                begun = time.monotonic()
                known = arguments | variables
                match one.word:
                    case "ARG":
                        name = one.rest.partition("=")[0]
                        arguments[name] = stage.arguments[name]
                    case "ENV":
                        variables |= dockerfile.pairs(dockerfile.substituted(one.rest, {"PATH": PATH} | known))
                    case "WORKDIR":
                        folder = dockerfile.substituted(one.rest, known)
                        sandbox.run(["mkdir", "-p", folder], {}, timeout_s=self._timeout_s)
                    case "COPY":
                        self._copy(sandbox, folder, dockerfile.substituted(one.rest, known))
                    case "RUN":
                        said = ["/bin/sh", "-c", one.rest]
                        sandbox.run(said, known, folder=folder, timeout_s=self._timeout_s)
                yield f"{stage.name}:{one.line} {one.word} {one.rest[:60]}", time.monotonic() - begun

    def start(self, settings: dict[str, str]) -> None:
        """Begins the service and asks until it is well."""
        variables, words = dict(settings), {}
        for one in self._stages[-1].instructions:
            match one.word:
                case "ENV":
                    known = {"PATH": PATH} | self._stages[-1].arguments
                    variables = dockerfile.pairs(dockerfile.substituted(one.rest, known)) | variables
                case "USER" | "CMD" | "HEALTHCHECK":
                    words[one.word] = one.rest
        command, health = (" ".join(dockerfile.command(words[word])) for word in ("CMD", "HEALTHCHECK"))
        self.last.run(
            ["/bin/sh", "-c", _ASK.format(command=command, health=health)], {**variables, "left": str(_WELL_S)},
            folder="/", user=words["USER"], writable=_WRITABLE, timeout_s=_WELL_S + 60,
        )  # fmt: skip

    def _below(self, base: str) -> Sandbox:
        if base in self._made:
            return self._made[base]
        if base not in self._bases:
            made = Sandbox(self._folder / f"base-{len(self._bases)}")
            if base.startswith("python:"):
                made.run([PYTHON, "-m", "venv", "/usr/local"], {}, timeout_s=self._timeout_s)
            self._bases[base] = made
        return self._bases[base]

    def _copy(self, sandbox: Sandbox, folder: str, rest: str) -> None:
        *words, target = rest.split()
        options, sources = [word for word in words if word.startswith("--")], [w for w in words if w[:2] != "--"]
        if any(not option.startswith("--from=") for option in options):
            raise ValueError(f"COPY {rest} has an option that is not known here")
        inside = Path(folder, target)
        for source in sources:
            if options:
                origin = self._made[options[0].removeprefix("--from=")].path(source)
                ignored: Callable[[str, list[str]], set[str]] | None = None
            else:
                origin, ignored = ROOT / source, ignoring(ROOT)
            into = sandbox.path(str(inside))
            into.parent.mkdir(parents=True, exist_ok=True)
            if origin.is_dir():
                shutil.copytree(origin, into, symlinks=True, ignore=ignored, dirs_exist_ok=True)
            else:
                into = into / origin.name if target.endswith("/") or len(sources) > 1 else into
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(origin, into)


PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def ignoring(root: Path) -> Callable[[str, list[str]], set[str]]:
    """What .dockerignore leaves out, for copytree."""
    patterns = [line.strip().rstrip("/") for line in (root / ".dockerignore").read_text("utf-8").splitlines()]
    read = [re.compile(_pattern(one)) for one in patterns if one and not one.startswith("#")]

    def ignored(folder: str, names: list[str]) -> set[str]:
        here = Path(folder).relative_to(root)
        return {name for name in names if any(one.fullmatch((here / name).as_posix()) for one in read)}

    return ignored


def _pattern(line: str) -> str:
    anywhere, rest = line.startswith("**/"), line.removeprefix("**/")
    own = fnmatch.translate(rest).removesuffix(r"\Z").replace(".*", "[^/]*")
    return f"(.*/)?{own}" if anywhere else own


def sizes(folder: Path) -> list[tuple[str, int]]:
    """What lies in the image beyond its base: each distribution's folder, and each other one, with its bytes."""
    found: dict[str, int] = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            parts = path.relative_to(folder).parts
            name = parts[parts.index("site-packages") + 1] if "site-packages" in parts else "/" + "/".join(parts[:2])
            found[name] = found.get(name, 0) + path.stat().st_size
    return sorted(found.items(), key=lambda one: -one[1])


def main() -> None:
    """Builds, starts where asked, and tells."""
    parser = argparse.ArgumentParser(description="The Dockerfile's steps without an engine.")
    parser.add_argument("service")
    parser.add_argument("--argument", action="append", default=[], metavar="NAME=VALUE", help="as --build-arg")
    parser.add_argument("--timeout", type=float, default=900, metavar="SECONDS", help="for each step")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the file systems are left")
    parser.add_argument("--start", nargs="*", metavar="NAME=VALUE", help="begin the service with these settings")
    given = parser.parse_args()
    arguments = dict(one.partition("=")[::2] for one in given.argument)
    read = dockerfile.stages((ROOT / "Dockerfile").read_text("utf-8"), {"SERVICE": given.service, **arguments})
    check()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as temporary:
        build = Build(read, given.keep or Path(temporary), given.timeout)
        for step, seconds in build.steps():
            print(f"{seconds:7.1f} s  {step}", flush=True)
        listed = sizes(build.last.upper)
        print(f"{sum(size for _, size in listed) / 1e6:.0f} MB beyond the base; the largest:")
        for name, size in listed[:25]:
            print(f"{size / 1e6:8.1f} MB  {name}")
        if given.start is not None:
            build.start(dict(one.partition("=")[::2] for one in given.start))
            print(f"{given.service} is well")


if __name__ == "__main__":
    try:
        main()
    except NotHere as missing:
        sys.exit(f"not here: {missing}")
    except subprocess.CalledProcessError as failed:
        sys.exit(f"{failed.cmd[-1]}\nended with {failed.returncode}:\n{failed.stdout[-8000:]}")
