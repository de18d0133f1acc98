"""What processes of this machine hold of its devices' memory, so that no two of them count on the same bytes.

Each process has a page in the ledger's directory, which it keeps locked for as long as it lives: a page that can be
locked is a dead process's, and is swept away. To look and to reserve is one step, under a lock that all share.

`lock`           held while somebody looks or writes
`<holder>.json`  {"<device>": {"<model>": {"needs": bytes at work, "holds": bytes of weights in memory}}}
`<holder>.sock`  where the holder is asked to give memory back: `Request` in, {"freed": bytes} out
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from immichvr_common.scratch import shared_folder

_LONGEST_MESSAGE = 4096
_SLACK_S = 1.0
"""How much longer an answer may take than the giving back that it tells of."""


@dataclass(frozen=True)
class Share:
    """One model's part of a device. needs: bytes while it works; holds: of its weights, 0 until they are in memory."""

    needs: int
    holds: int = 0


@dataclass(frozen=True)
class Request:
    """Another process lacks this many bytes of a device, and waits so many seconds for them."""

    device: str
    bytes: int
    seconds: float


@dataclass(frozen=True)
class Holder:
    """Another process that lives. shares: its models' parts of one device."""

    name: str
    shares: tuple[Share, ...]

    @property
    def holds(self) -> int:
        """Bytes of its weights, which it can give back."""
        return sum(share.holds for share in self.shares)

    @property
    def promised(self) -> int:
        """Bytes that it may still take without asking: it works with one model at a time."""
        return max((share.needs - share.holds for share in self.shares), default=0)


class MemoryLedger:
    """This process's page, and a look at the others'. For any thread.

    release: gives back memory of this process that is not in use, as a request says; how many bytes that were.
    Raises OSError where the directory cannot be written to, or belongs to another user.
    """

    def __init__(self, directory: Path, release: Callable[[Request], int]) -> None:
        self._directory, self._release = directory, release
        self._shares: dict[str, dict[str, Share]] = {}
        self._inside, self._is_locked = threading.RLock(), False
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        _make_own(directory)
        with self.locked():
            self._page = self._path("json").open("w", encoding="utf-8")
            fcntl.flock(self._page, fcntl.LOCK_EX)
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(self._path("sock")))
            self._listener.listen()
            self._write()
        threading.Thread(target=self._serve, name="memory-ledger", daemon=True).start()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else looks or writes meanwhile; a thread may be in here more than once."""
        with self._inside:
            if self._is_locked:
                yield
                return
            with (self._directory / "lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._is_locked = True
                try:
                    yield
                finally:
                    self._is_locked = False

    def holders(self, device: str) -> list[Holder]:
        """The other processes with a part of this device. To be called while the ledger is locked."""
        found = []
        for page in self._directory.glob("*.json"):
            if page.stem != self._name and not _swept(page):
                shares = _read(page).get(device, {}).values()
                found.append(Holder(page.stem, tuple(Share(**share) for share in shares)))
        return [holder for holder in found if holder.shares]

    def note(self, device: str, model: str, share: Share | None) -> None:
        """Writes down this process's part; None where it has none any more."""
        with self.locked():
            shares = self._shares.setdefault(device, {})
            if share is None:
                shares.pop(model, None)
            else:
                shares[model] = share
            self._write()

    def ask(self, holder: Holder, request: Request) -> int:
        """Asks a process to give memory back; the bytes that it gave, 0 where no answer came in time."""
        with suppress(OSError, ValueError, KeyError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(request.seconds + _SLACK_S)
            connection.connect(str(self._directory / f"{holder.name}.sock"))
            _send(connection, asdict(request))
            return int(_receive(connection)["freed"])
        return 0

    def close(self) -> None:
        """Takes this process out of the ledger."""
        with self.locked():
            for suffix in ("json", "sock"):
                self._path(suffix).unlink(missing_ok=True)
            self._listener.close()
            self._page.close()

    def _path(self, suffix: str) -> Path:
        return self._directory / f"{self._name}.{suffix}"

    def _write(self) -> None:
        # In place: the lock is the open file's, and all who read hold the ledger's.
        pages = {device: {key: asdict(one) for key, one in of.items()} for device, of in self._shares.items()}
        self._page.seek(0)
        self._page.write(json.dumps(pages))
        self._page.flush()
        self._page.truncate()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            with suppress(OSError, ValueError, TypeError), connection:
                connection.settimeout(_SLACK_S)
                request = Request(**_receive(connection))
                _send(connection, {"freed": self._release(request)})


def default_directory() -> Path:
    """One for all processes of this user on this machine, where there is a place for it."""
    return shared_folder("immichvr-memory")


def _make_own(directory: Path) -> None:
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, exist_ok=True)
    # Where everybody may write, somebody else may have been quicker.
    if directory.lstat().st_uid != os.getuid() or directory.is_symlink():
        raise PermissionError(f"{directory} belongs to another user")


def _swept(page: Path) -> bool:
    """Whether a page was a dead process's, and is gone now."""
    try:
        with page.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    for path in (page, page.with_suffix(".sock")):
        path.unlink(missing_ok=True)
    return True


def _read(page: Path) -> dict[str, dict[str, dict[str, int]]]:
    """What a process holds; nothing where its page is written by halves, as on a full disk."""
    try:
        found: dict[str, dict[str, dict[str, int]]] = json.loads(page.read_text(encoding="utf-8") or "{}")
    except ValueError:
        return {}
    return found


def _send(connection: socket.socket, message: dict[str, Any]) -> None:
    connection.sendall(json.dumps(message).encode() + b"\n")


def _receive(connection: socket.socket) -> dict[str, Any]:
    with connection.makefile("rb") as lines:
        message: dict[str, Any] = json.loads(lines.readline(_LONGEST_MESSAGE))
    return message
