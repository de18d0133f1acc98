"""What a SeaweedFS server reads at its start, so that no door of it opens without a credential.

Its master, volume server and filer speak HTTP and gRPC; all of it asks for a certificate that only its own directory
holds. S3 asks for a signature. Configuration is found in the working directory first, so a file there also keeps
away what the machine's own `/etc/seaweedfs` says.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from immichvr_common.certificates import AUTHORITY, CERTIFICATE, KEY

TLS = "tls"
"""Folder of the certificates, in the server's directory."""
_ROLES = ("master", "volume", "filer", "s3")
_DIRECTORY = Path("/tmp")  # noqa: S108  # the program's own choice; it cannot be told another


def configuration() -> dict[str, str]:
    """The files a server finds in its working directory: name and contents. Paths in them are relative to it."""
    return {
        "security.toml": _security(),
        "filer.toml": '[leveldb2]\nenabled = true\ndir = "data/filerldb2"\n',
        # One volume more when those there are get full; seven at once by default, each with a claim on the disk.
        "master.toml": "[master.volume_growth]\ncopy_1 = 1\n",
        # Empty ones stand before those of another SeaweedFS on this machine.
        **{f"{name}.toml": "" for name in ("credential", "notification", "replication")},
    }


def _security() -> str:
    keys = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
    own = f'cert = "{TLS}/{CERTIFICATE}"\nkey = "{TLS}/{KEY}"\n'
    trusted = f'ca = "{TLS}/{AUTHORITY}"\n'
    sections = [f'[{name}]\nkey = "{secrets.token_urlsafe(32)}"\n' for name in keys]
    sections.append(f"[grpc]\n{trusted}")
    sections += [f"[grpc.{name}]\n{own}" for name in (*_ROLES, "client", "admin", "worker")]
    sections.append(f"[https.client]\nenabled = true\n{own}{trusted}")
    sections += [f"[https.{name}]\n{own}{trusted}" for name in ("master", "volume", "filer")]
    return "\n".join(sections)


def has_sockets(grpc_port: int) -> bool:
    """Whether anything has a name that a server on this gRPC port would take for sockets where its own parts meet.

    The names lie in a directory that everybody may write to, so a port whose names are taken is as good as taken.
    """
    return any(map(os.path.lexists, _sockets(grpc_port)))


def sweep_sockets(grpc_ports: Iterable[int]) -> None:
    """Removes the sockets that a server of ours left behind when it was ended; nobody else's."""
    for port in grpc_ports:
        for path in _sockets(port):
            try:
                found = path.lstat()
                if stat.S_ISSOCK(found.st_mode) and found.st_uid == os.geteuid():
                    path.unlink()
            except OSError:  # not there, or gone by now
                continue


def _sockets(grpc_port: int) -> list[Path]:
    return [_DIRECTORY / f"seaweedfs-{role}-grpc-{grpc_port}.sock" for role in _ROLES]
