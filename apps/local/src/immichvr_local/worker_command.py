"""`immichvr worker`: this machine works for an ImmichVR elsewhere. Connections go out, and nobody connects to it."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from immichvr_catalog import KINDS, Service, workers
from immichvr_common.bus import connect
from immichvr_common.embedded import free_ports
from immichvr_common.errors import ServiceError
from immichvr_common.rpc_settings import is_loopback
from immichvr_common.settings import NatsSettings, S3Settings
from immichvr_common.storage import ObjectStore
from pydantic import SecretStr

from immichvr_local.console import output
from immichvr_local.errors import CommandError
from immichvr_local.stack.data import DataDirectory
from immichvr_local.stack.part import Part, answers_rpc, serves_rpc
from immichvr_local.stack.running import Signals
from immichvr_local.stack.status import StackStatus
from immichvr_local.stack.supervisor import Supervisor

NATS_PORT, S3_PORT, ATTACH_PORT = 4222, 8333, 9443
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})")
_CA = "ca.pem"
_ENCRYPTED = ("tls", "https", "wss")


@dataclass(frozen=True)
class Home:
    """Where the rest of the system is: addresses, with how they are spoken to."""

    nats: str
    s3: str
    attach: str

    @classmethod
    def at(cls, name: str, nats: str | None = None, s3: str | None = None, attach: str | None = None) -> Home:
        """Everything at one name, but for what is told otherwise. Raises CommandError."""
        host = _host(name)
        home = cls(
            nats or f"tls://{host}:{NATS_PORT}",
            s3 or f"https://{host}:{S3_PORT}",
            attach or f"https://{host}:{ATTACH_PORT}",
        )
        for address in (home.nats, home.s3, home.attach):
            parts = _parts_of(address)
            if not parts.hostname or (parts.scheme not in _ENCRYPTED and not is_loopback(parts.hostname)):
                raise CommandError(f"{address}: passwords would be read on the way; it begins with tls:// or https://")
        return home


def _host(name: str) -> str:
    """A name or an address, as it stands in a URL. Raises CommandError."""
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    with contextlib.suppress(ValueError):
        return f"[{bare}]" if ipaddress.ip_address(bare).version == 6 else bare
    if not _NAME.fullmatch(name):
        raise CommandError(
            f"{name[:200]}: home is a name or an address alone, such as home.example; "
            "--nats, --s3 and --attach take whole addresses, with their ports"
        )
    return name


def _parts_of(address: str) -> SplitResult:
    """Raises CommandError for what is no URL."""
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018  # read only when it is asked for
    except ValueError as error:
        raise CommandError(f"{address[:200]}: this is no address: {error}") from error
    return parts


@dataclass(frozen=True)
class Options:
    """How this machine works. services: of which; pool: whose jobs it takes; children: processes that do the work."""

    services: Sequence[Service]
    secrets: Path
    pool: str
    children: int | None


def services_in(secrets: Path, wanted: Sequence[str]) -> list[Service]:
    """The services of workers whose secrets lie in a folder, of those that are wanted. Raises CommandError."""
    if not secrets.is_dir():
        raise CommandError(f"{secrets}: there is no such folder of secrets; a worker needs those that home has for it")
    known = {one.name: one for one in workers()}
    if unknown := sorted(set(wanted) - set(known)):
        raise CommandError(f"there is no service {unknown[0]!r} that takes jobs; there are: {', '.join(known)}")
    found = [one for name, one in known.items() if (not wanted or name in wanted) and (secrets / name).is_dir()]
    if missing := sorted(set(wanted) - {one.name for one in found}):
        raise CommandError(f"{secrets} has no folder {missing[0]}, in which that service's secrets lie")
    if not found:
        raise CommandError(f"{secrets} has no folder of a service; one of them is named {', '.join(known)}")
    return found


def settings_of(service: Service, home: Home, options: Options, data: DataDirectory) -> dict[str, str]:
    """Settings of a worker, without their prefix. Raises CommandError where a secret is missing."""
    folder = (options.secrets / service.name).absolute()
    found = {
        "NATS__URL": home.nats,
        "NATS__USER": service.name,
        "NATS__PASSWORD_FILE": str(folder / "nats-password"),
        "S3__ENDPOINT": home.s3,
        "S3__ACCESS_KEY_FILE": str(folder / "s3-access-key"),
        "S3__SECRET_KEY_FILE": str(folder / "s3-secret-key"),
        "WORK__POOL": options.pool,
        "WORK__CHILDREN": str(options.children or service.children),
        "WORK__DIRECTORY": str(data.work),
    }
    is_live = KINDS["live"].service == service.name
    if is_live:
        found |= {"LIVE__ATTACH__ADDRESS": home.attach, "LIVE__ATTACH__TOKEN_FILE": str(folder / "attach-token")}
    if missing := [path for name, path in found.items() if name.endswith("_FILE") and not Path(path).is_file()]:
        raise CommandError(f"{missing[0]} is not there; copy the whole folder that home has for {service.name}")
    if (folder / _CA).is_file():
        found |= {"NATS__CA_FILE": str(folder / _CA), "S3__CA_FILE": str(folder / _CA)}
        if is_live:
            found["LIVE__ATTACH__CA_FILE"] = str(folder / _CA)
    return found


def work_for(name: str, addresses: Mapping[str, str | None], options: Options, data: Path) -> None:
    """Works until Ctrl-C or SIGTERM. addresses: those that are not at `name`, by what. Raises CommandError."""
    asyncio.run(_work(Home.at(name, **addresses), options, DataDirectory(data)))


async def _work(home: Home, options: Options, data: DataDirectory) -> None:
    settings = {service.name: settings_of(service, home, options, data) for service in options.services}
    board, signals = StackStatus(output(), settings), Signals()
    with data.locked(), signals.caught():
        for service in options.services:
            for problem in await _problems(settings[service.name]):
                board.say(f"{service.name}: {problem}; it is tried again and again")
        supervisor = Supervisor([*_parts(options.services, settings, data)], board.tell)
        try:
            await supervisor.start()
            board.say(f"working for {urlsplit(home.nats).hostname}; Ctrl-C ends it")
            await signals.stop.wait()
            board.say("ending; jobs that run get a moment to finish, a second Ctrl-C does not wait for them")
        finally:
            await supervisor.stop(signals.hurry)
    board.say("ended")


def _parts(
    services: Sequence[Service], settings: Mapping[str, Mapping[str, str]], data: DataDirectory
) -> Iterator[Part]:
    for service, port in zip(services, free_ports(len(services)), strict=True):
        own = {**settings[service.name], "RPC__PORT": str(port)}
        environment = dict(os.environ) | {f"{service.env_prefix}{name}": value for name, value in own.items()}
        command = [sys.executable, "-m", service.module]
        # What it has when it ends it may finish; home gets the rest back.
        yield Part(
            service.name, command, environment, data.log(service.name), serves_rpc(port), healthy=answers_rpc(port),
            grace_s=45,
        )  # fmt: skip


async def _problems(settings: Mapping[str, str]) -> list[str]:
    """What is in the way just now, in words; workers try again for ever."""
    ca = Path(settings["NATS__CA_FILE"]) if "NATS__CA_FILE" in settings else None
    nats = NatsSettings(
        url=settings["NATS__URL"], user=settings["NATS__USER"], password=_read(settings["NATS__PASSWORD_FILE"]),
        ca_file=ca,
    )  # fmt: skip
    s3 = S3Settings(
        endpoint=settings["S3__ENDPOINT"], access_key=_read(settings["S3__ACCESS_KEY_FILE"]),
        secret_key=_read(settings["S3__SECRET_KEY_FILE"]), ca_file=ca,
    )  # fmt: skip
    found: list[str] = []
    try:
        await (await connect(nats, "worker")).close()
    except ServiceError as error:
        found.append(error.message)
    store = ObjectStore(s3)
    try:
        await store.ping()
    except ServiceError as error:
        found.append(error.message)
    finally:
        store.close()
    return found


def _read(path: str) -> SecretStr:
    return SecretStr(Path(path).read_text("utf-8").strip())
