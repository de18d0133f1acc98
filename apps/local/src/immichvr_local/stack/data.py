"""The directory that holds everything of one stack: data, secrets, logs, and what is remembered between starts."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from immichvr_common.private_files import write_private

from immichvr_local.errors import CommandError, about

_OUTDATED = ("s3-access-key", "s3-secret-key")
"""Secrets of earlier versions, which open nothing any more: the account that all services shared."""


def default_directory() -> Path:
    """IMMICHVR_DATA, else `immichvr` in the user's data directory."""
    if chosen := os.environ.get("IMMICHVR_DATA"):
        return Path(chosen).expanduser()
    shared = os.environ.get("XDG_DATA_HOME")
    return (Path(shared) if shared else Path.home() / ".local" / "share") / "immichvr"


class DataDirectory:
    """One stack's directory. Raises CommandError.

    Made where it does not exist. What lies in it is readable by its owner alone, also where others may look into
    the directory itself.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        with about(str(self.root)):
            self.root.mkdir(parents=True, mode=0o700, exist_ok=True)
            for folder in (self.logs, self._secrets, self.work, self.cache, self.nats, self.s3):
                folder.mkdir(mode=0o700, exist_ok=True)
                # An earlier version made some of them for everybody to read.
                folder.chmod(0o700)

    @property
    def logs(self) -> Path:
        """Where each process writes."""
        return self.root / "logs"

    @property
    def cache(self) -> Path:
        """What can be made again: renditions of photos."""
        return self.root / "cache"

    @property
    def nats(self) -> Path:
        """NATS's configuration and its store."""
        return self.root / "nats"

    @property
    def s3(self) -> Path:
        """SeaweedFS's configuration and every object."""
        return self.root / "s3"

    @property
    def tls(self) -> Path:
        """The gallery's certificate and its authority; made by the first start that needs them."""
        return self.root / "tls"

    @property
    def work(self) -> Path:
        """Where temporary files lie: photos and what is made of them."""
        return self.root / "work"

    @property
    def _secrets(self) -> Path:
        return self.root / "secrets"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the directory for this process alone; the system lets go when the process ends, however it does.

        Raises CommandError where another process holds it.
        """
        with about(str(self.root)):
            file = os.fdopen(os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600), "r+")
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CommandError(
                    f"already running on {self.root} (process {file.read().strip() or 'unknown'}): "
                    "end that one first, or name another directory with --data"
                ) from None
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            # Not before: a stack of an earlier version that runs here still reads them.
            for name in _OUTDATED:
                (self._secrets / name).unlink(missing_ok=True)
            yield
            file.truncate(0)

    def is_locked(self) -> bool:
        """Whether a process holds the directory at this moment."""
        try:
            with (self.root / "lock").open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def secret_file(self, name: str) -> Path:
        """The file of a secret, made with a new random one the first time."""
        path = self._secrets / name
        with about(str(path)):
            if not path.exists():
                write_private(path, secrets.token_urlsafe(32) + "\n")
        return path

    def secret(self, name: str) -> str:
        """The secret itself."""
        return self.secret_file(name).read_text().strip()

    def log(self, name: str) -> Path:
        """The log of one process, empty; what the last start wrote there is kept as `.log.1`."""
        path = self.logs / f"{name}.log"
        with about(str(path)):
            if path.exists():
                path.replace(path.with_suffix(".log.1"))
            write_private(path, "")
        return path

    def remembered(self) -> dict[str, Any]:
        """What was remembered at the last start; empty where that cannot be read."""
        try:
            state = json.loads((self.root / "state.json").read_text())
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def remember(self, state: dict[str, Any]) -> None:
        """Remembers for the next start."""
        with about(str(self.root)):
            write_private(self.root / "state.json", json.dumps(state, indent=2) + "\n")
