"""Ports: the ones of the last start where they are still free, so that addresses last."""

from __future__ import annotations

import ipaddress
import random
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence

import psutil
from immichvr_common.embedded import SERVER_PORTS
from immichvr_common.seaweed import has_sockets

from immichvr_local.errors import CommandError

GATEWAY_PORT = 2284
_NEXT_TRIED = 50


def hosts_of_this_machine(families: Sequence[int]) -> list[str]:
    """The addresses that other devices reach this machine by, of interfaces that are up."""
    states = psutil.net_if_stats()
    found = [
        one.address
        for name, addresses in psutil.net_if_addrs().items()
        if name in states and states[name].isup
        for one in addresses
        if one.family in families
    ]
    parsed = [ipaddress.ip_address(address.partition("%")[0]) for address in found]
    return [str(one) for one in parsed if not (one.is_loopback or one.is_link_local or one.is_unspecified)]


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: connections of an earlier start that are still being forgotten do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError):  # taken, not ours to take, or no port at all
            return False
    return True


def inner_ports(names: Iterable[str], remembered: Mapping[str, object], taken: set[int]) -> dict[str, int]:
    """A port on loopback for each name: the remembered one, or another where that is taken."""
    chosen: dict[str, int] = {}
    for name in names:
        port = remembered.get(name)
        if not isinstance(port, int) or port in taken or not is_free(port):
            port = _unused(taken)
        taken.add(port)
        chosen[name] = port
    return chosen


def gateway_port(host: str, asked: int | None, remembered: object, say: Callable[[str], None]) -> int:
    """The gateway's port: the one that was asked for; else the remembered or usual one, or the next free one.

    Raises CommandError where the one that was asked for is taken.
    """
    if asked is not None:
        if not is_free(asked, host):
            raise CommandError(f"port {asked} is taken on {host}, or not allowed: name another one with --port")
        return asked
    wanted = remembered if isinstance(remembered, int) else GATEWAY_PORT
    for port in range(wanted, wanted + _NEXT_TRIED):
        if is_free(port, host):
            if port != wanted:
                say(f"port {wanted} is taken, so the gallery is at port {port}")
            return port
    raise CommandError(f"no port from {wanted} to {wanted + _NEXT_TRIED - 1} is free on {host}: name one with --port")


def _unused(taken: set[int]) -> int:
    for _ in range(1000):
        port = random.choice(SERVER_PORTS)  # noqa: S311  # no secret
        if port not in taken and is_free(port) and not has_sockets(port):
            return port
    raise CommandError(f"no free port was found from {SERVER_PORTS.start} to {SERVER_PORTS.stop - 1} on this machine")
