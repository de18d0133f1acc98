"""Whether each port that is named is one at which the process listens, for others than itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from immichvr_catalog import GATEWAY
from immichvr_common.rpc_settings import is_loopback
from immichvr_gateway.openapi import document
from pydantic import BaseModel

from immichvr_helm_check.objects import Object
from immichvr_helm_check.processes import Process
from immichvr_helm_check.settings import settings_of

NAMES = {"port": ("http", "https"), "rpc.port": ("grpc", "rpc"), "live.port": ("live",)}
"""What a setting's port is called, where that is not the first word of the setting."""
_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def check(every: list[Process], defaults: Mapping[str, str]) -> list[str]:
    """A sentence for each port of a container or of its probes at which nothing listens, or something else."""
    return [sentence for process in every for sentence in _of(process, defaults)]


def _of(process: Process, defaults: Mapping[str, str]) -> Iterator[str]:
    named = {port.get("name", str(port["containerPort"])): port["containerPort"] for port in _ports(process.container)}
    if process.is_the_service:
        try:
            listens = listening(settings_of(process, defaults))
        except ValueError:
            return  # told of where settings are looked at
        for name, number in named.items():
            yield from _served(process, name, number, listens)
    elif not process.service:
        spoken = " ".join([*process.command, *process.environment.values(), *process.files.values()])
        for name, number in named.items():
            if not re.search(rf"\b{number}\b", spoken):
                yield f"{process.where}: port {name}: neither its command nor its configuration speaks of {number}"
    for kind in _PROBES:
        yield from _probed(process, kind, named)


def _ports(container: Object) -> list[Object]:
    return list(container.get("ports") or [])


def listening(settings: BaseModel, before: str = "") -> dict[str, tuple[str, int]]:
    """Each port of a service by the name of its setting (metrics.port), with the host where it listens."""
    found: dict[str, tuple[str, int]] = {}
    host = getattr(settings, "host", "")
    for name in type(settings).model_fields:
        value: Any = getattr(settings, name)
        if isinstance(value, BaseModel):
            found |= listening(value, f"{before}{name}.")
        elif (name == "port" or name.endswith("_port")) and value is not None:
            found[before + name] = (host, int(value))
    return found


def _served(process: Process, name: str, number: int, listens: Mapping[str, tuple[str, int]]) -> Iterator[str]:
    where = f"{process.where}: port {name}"
    meant = [setting for setting in listens if name in NAMES.get(setting, (setting.partition(".")[0],))]
    if not meant:
        told = ", ".join(f"{setting} {port}" for setting, (_, port) in listens.items())
        yield f"{where}: {process.service} has no such port; it listens at {told}"
        return
    host, port = listens[meant[0]]
    if port != number:
        yield f"{where} is {number}, but {process.service} listens at {port} ({meant[0]})"
    if host and is_loopback(host):
        yield f"{where}: {process.service} listens at {host}, where nobody else reaches it"


def _probed(process: Process, kind: str, named: Mapping[str, int]) -> Iterator[str]:
    probe = process.container.get(kind)
    if not probe:
        return
    for how in ("httpGet", "tcpSocket", "grpc"):
        if how not in probe:
            continue
        port = probe[how]["port"]
        if port not in named and port not in named.values():
            yield f"{process.where}: {kind} asks the port {port!r}, which the container does not have"
        path = probe[how].get("path", "")
        if process.service == GATEWAY and path not in _paths():
            yield f"{process.where}: {kind} asks {path}, which {process.service} does not answer"


@cache
def _paths() -> frozenset[str]:
    """What the gateway answers."""
    return frozenset(document()["paths"])
