"""A file system of its own for a stage of an image, on a machine without a container engine.

It is this machine's system without what people put there, under an overlay that takes what is written; commands run
within it by chroot, with an environment of their own. Needs Linux, root and Python 3.11 of the system with `venv`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

PYTHON = "/usr/bin/python3.11"
# What is of people, or installed beside the system; `/opt` may hold a package index.
_HIDDEN = ("root", "home", "work", "srv", "mnt", "media", "usr/local")
_SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# How this machine reaches package indexes.
_INDEXES = ("PIP_", "UV_", "NPM_", "SSL_", "REQUESTS_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_MOUNT = """
set -e
mount -t overlay overlay -o "lowerdir=/,upperdir=$upper,workdir=$work" "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
"""
_READ_ONLY = """
mount -o remount,ro "$root"
for folder in $writable; do mount -t tmpfs -o mode=1777 tmpfs "$root$folder"; done
ip link set lo up
"""
_ENTER = """
exec chroot ${user:+--userspec="$user:$user"} "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
"""


class NotHere(RuntimeError):
    """This machine cannot do it; the message says what is missing."""


def check() -> None:
    """Raises NotHere where no sandbox can be made."""
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("unshare"):
        raise NotHere("running the Dockerfile's steps needs Linux and root")
    if not Path(PYTHON).exists():
        raise NotHere(f"{PYTHON} stands in for the base image, and is not there")
    with tempfile.TemporaryDirectory() as folder:
        try:
            Sandbox(Path(folder)).run(["true"], {}, timeout_s=30)
        except subprocess.CalledProcessError as error:
            raise NotHere("this machine does not allow overlays: " + error.stdout) from error


class Sandbox:
    """One stage's file system. directory: where it is kept. below: what it begins with a copy of."""

    def __init__(self, directory: Path, below: Sandbox | None = None) -> None:
        self.upper, self._work, self._root = (directory / name for name in ("upper", "work", "root"))
        for folder in (self.upper, self._work, self._root):
            folder.mkdir(parents=True)
        if below is not None:
            # A copy, since no two layers of an overlay may lie within one another.
            subprocess.run(["cp", "-a", f"{below.upper}/.", str(self.upper)], check=True)
            return
        for name in _HIDDEN:
            if Path("/", name).is_dir():
                self._empty(name, 0o755)
        self._empty("tmp", 0o1777)

    def _empty(self, name: str, mode: int) -> None:
        """Shows nothing of this machine's folder."""
        folder = self.upper / name
        folder.mkdir(parents=True)
        folder.chmod(mode)
        os.setxattr(folder, "trusted.overlay.opaque", b"y")

    def path(self, inside: str) -> Path:
        """Where something that was written here lies."""
        return self.upper / inside.lstrip("/")

    def run(
        self, words: list[str], variables: Mapping[str, str], *, folder: str = "/", user: str = "", timeout_s: float,
        writable: Iterable[str] | None = None,
    ) -> str:  # fmt: skip
        """Runs a command within it; what it said.

        writable: where given, nothing but these folders, which are empty, and there is no network.
        Raises CalledProcessError where it fails, TimeoutExpired where it takes longer.
        """
        script = _MOUNT + (_READ_ONLY if writable is not None else "") + _ENTER
        # With all that it starts: what a command leaves behind ends with it.
        spaces = ["--mount", "--pid", "--fork", "--kill-child", "--ipc", *(["--net"] if writable is not None else [])]
        done = subprocess.run(
            ["unshare", *spaces, "/bin/sh", "-c", script, "sh", *words],
            env=self._environment(variables, folder, writable or (), user),
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            text=True,
            errors="replace",
        )
        return done.stdout

    def _environment(
        self, variables: Mapping[str, str], folder: str, writable: Iterable[str], user: str
    ) -> dict[str, str]:
        indexes = {name: value for name, value in os.environ.items() if name.upper().startswith(_INDEXES)}
        return {
            "PATH": _SEARCH, "HOME": "/root", **indexes, **variables,
            "upper": str(self.upper), "work": str(self._work), "root": str(self._root),
            "folder": folder, "writable": " ".join(writable), "user": user,
        }  # fmt: skip
