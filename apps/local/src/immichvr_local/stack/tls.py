"""The certificate of the gallery: made once, renewed in time, and how devices come to trust it."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from immichvr_common.certificates import AUTHORITY, CERTIFICATE, KEY, ensure_for_browsers, fingerprint

from immichvr_local.errors import about
from immichvr_local.stack.ports import hosts_of_this_machine

_LOOKED_EVERY_S = 300.0
_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")


@dataclass(frozen=True)
class GalleryTls:
    """TLS of the gallery. folder: of the certificate and its authority. host: what the gallery listens on."""

    folder: Path
    host: str

    @property
    def authority(self) -> Path:
        """What devices have to trust."""
        return self.folder / AUTHORITY

    @property
    def settings(self) -> dict[str, str]:
        """The gateway's settings."""
        return {
            "TLS__CERTIFICATE_FILE": str(self.folder / CERTIFICATE),
            "TLS__KEY_FILE": str(self.folder / KEY),
        }

    def ensure(self) -> bool:
        """Makes the certificate, or anew in its last months or for a new address. Raises CommandError."""
        with about(str(self.folder)):
            families = (socket.AF_INET, socket.AF_INET6)
            addresses = {*hosts_of_this_machine(families), *_literal(self.host)}
            return ensure_for_browsers(self.folder, list(_names(self.host)), addresses)

    def trust(self) -> ssl.SSLContext:
        """For asking the gallery from this machine."""
        return ssl.create_default_context(cafile=self.authority)

    def words(self) -> str:
        """How devices come to trust it."""
        return (
            f"confirm the browser's warning once, or have the device trust {self.authority} "
            f"(docs/tls.md); its SHA-256 is {fingerprint(self.authority)}"
        )

    async def keep(self, say: Callable[[str], None]) -> None:
        """Renews it while the gallery runs, until cancelled; the gateway takes what is new by itself."""
        while True:
            await asyncio.sleep(_LOOKED_EVERY_S)
            if await asyncio.to_thread(self.ensure):
                say("the certificate was made anew, for this machine's names and addresses of now")


def _names(host: str) -> Iterator[str]:
    """What this machine is called in its network."""
    own = socket.gethostname().lower()
    for name in (own, own.partition(".")[0], f"{own.partition('.')[0]}.local", host.lower()):
        if _NAME.fullmatch(name) and not list(_literal(name)) and name != "localhost":
            yield name
    yield "localhost"


def _literal(host: str) -> Iterator[str]:
    """The address that a host is, where it is one of a network."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return
    if not found.is_unspecified:
        yield str(found)
