"""What a tree of processes listens on, asked of the system and not of those who started it."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

_LISTENING = 0x10000
"""`__SO_ACCEPTCON` among the flags of /proc/net/unix."""


@dataclass(frozen=True)
class Door:
    """Where a process listens: a TCP address, or the path of a socket file (an abstract name begins with @)."""

    process: str
    host: str = ""
    port: int = 0
    path: str = ""


def doors_of(supervisor: int) -> list[Door]:
    """Every door of a process and of all that descend from it."""
    root = psutil.Process(supervisor)
    return [door for process in (root, *root.children(recursive=True)) for door in _doors(process)]


def _doors(process: psutil.Process) -> list[Door]:
    name = " ".join(process.cmdline()[:3])
    found = []
    for connection in process.net_connections(kind="inet"):
        # UDP has no state of listening: whatever is bound can be sent to.
        if connection.status == psutil.CONN_LISTEN or connection.type == socket.SOCK_DGRAM:
            found.append(Door(name, connection.laddr[0].removeprefix("::ffff:"), connection.laddr[1]))
    return found + [Door(name, path=path) for path in _socket_files(process)]


def _socket_files(process: psutil.Process) -> list[str]:
    """Paths that a process listens at; relative ones are made whole by its own directory."""
    own = set()
    for link in Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            own.update(re.findall(r"socket:\[(\d+)\]", str(link.readlink())))
        except OSError:  # closed meanwhile
            continue
    paths = []
    for line in Path(f"/proc/{process.pid}/net/unix").read_text().splitlines()[1:]:
        _, _, _, flags, _, _, inode, *path = line.split(maxsplit=7)
        if path and inode in own and int(flags, 16) & _LISTENING:
            paths.append(path[0] if path[0].startswith("@") else str(Path(process.cwd(), path[0])))
    return paths
