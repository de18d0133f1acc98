"""What the stack consists of: which programs, with which settings, and how one sees that they are up."""

from __future__ import annotations

import os
import socket
import ssl
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from immichvr_catalog import GATEWAY, KINDS, SERVICES, Service, workers
from immichvr_common.embedded import BUCKET, NatsServer, SeaweedServer
from immichvr_common.proxies import without_proxies
from immichvr_common.storage_rights import Account

from immichvr_local.stack.data import DataDirectory
from immichvr_local.stack.leftovers import MARK
from immichvr_local.stack.part import (
    GATEWAY as GATEWAY_TIER,
)
from immichvr_local.stack.part import (
    SERVERS,
    Part,
    answers_rpc,
    greets,
    has_started,
    listens,
    replies,
    says_yes,
    serves_rpc,
)
from immichvr_local.stack.ports import hosts_of_this_machine
from immichvr_local.stack.tls import GalleryTls

_SEAWEED_PORTS = tuple(f"seaweedfs-{role}" for role in (
    "master", "master-grpc", "volume", "volume-grpc", "filer", "filer-grpc", "s3", "s3-grpc",
))  # fmt: skip
SOCKET_PORTS = tuple(name for name in _SEAWEED_PORTS if name.endswith("-grpc"))
"""Ports whose numbers SeaweedFS puts into names of sockets in the temporary directory."""
METRICS_SECRET = "metrics-token"  # noqa: S105  # a name
"""The name of the secret that Prometheus shows."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_IMMICH = "IMMICH_"
# SeaweedFS's gRPC servers wait for one another for ever; what was written is on disk, and volumes close in 0.1 s.
_SEAWEED_GRACE_S = 1


def names(only: Sequence[Service] | None = None) -> tuple[str, ...]:
    """The name of each part, in the order of start. only: of the services of workers, these alone."""
    return ("nats", "seaweedfs", GATEWAY, *(worker.name for worker in (workers() if only is None else only)))


def workers_for(kind: str) -> tuple[Service, ...]:
    """The services that do jobs of a kind, and those that follow them."""
    wanted, left = set[str](), [kind]
    while left:
        kind = left.pop()
        if KINDS[kind].service not in wanted:
            wanted.add(KINDS[kind].service)
            left.extend(KINDS[kind].follow_ups)
    return tuple(worker for worker in workers() if worker.name in wanted)


def inner_port_names() -> tuple[str, ...]:
    """The names of all ports of the stack but the gateway's own."""
    of_workers = (f"{worker.name}-{door}" for worker in workers() for door in ("rpc", "metrics"))
    return ("nats", *_SEAWEED_PORTS, f"{GATEWAY}-metrics", *of_workers)


@dataclass(frozen=True)
class Plan:
    """What is to be run. photos: a folder, or None for the Immich that IMMICH_URL names. host, port: the gateway's.

    tls: with which certificate the gateway speaks TLS; None, it speaks HTTP. workers: the services that do jobs.
    """

    data: DataDirectory
    photos: Path | None
    host: str
    port: int
    inner: Mapping[str, int]
    keep_free: int = 2_000_000_000
    tls: GalleryTls | None = None
    workers: Sequence[Service] = field(default_factory=workers)

    @property
    def is_open(self) -> bool:
        """Whether anybody on this machine may look without signing in."""
        return self.photos is not None and self.host in LOOPBACK

    @property
    def addresses_from_elsewhere(self) -> list[str]:
        """The gallery's addresses for other devices of the network; none where it listens on this machine alone."""
        every = {"0.0.0.0": (socket.AF_INET,), "::": (socket.AF_INET, socket.AF_INET6)}  # noqa: S104  # asked about
        return [self._address(host) for host in hosts_of_this_machine(every.get(self.host, ()))]

    @property
    def gallery(self) -> str:
        """The address for a browser on this machine."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return self._address(host)

    @property
    def trust(self) -> ssl.SSLContext | bool:
        """What httpx needs to ask the gallery."""
        return True if self.tls is None else self.tls.trust()

    def _address(self, host: str) -> str:
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://[{host}]:{self.port}" if ":" in host else f"{scheme}://{host}:{self.port}"


def seaweed_of(plan: Plan) -> SeaweedServer:
    """The SeaweedFS of a stack. It stops later than the services: what they are at, they may end."""
    data = plan.data
    accounts = {
        service: Account(data.secret(f"s3-{service}-access-key"), data.secret(f"s3-{service}-secret-key"))
        for service in SERVICES
    }
    return SeaweedServer(
        data.s3, [plan.inner[name] for name in _SEAWEED_PORTS], accounts, keep_free=plan.keep_free // 2
    )


def parts_of(plan: Plan) -> list[Part]:
    """Every process of the stack, in the order of start. Writes the servers' configuration and all secrets."""
    return [*servers_of(plan), gateway_of(plan), *(_worker(plan, worker) for worker in plan.workers)]


def servers_of(plan: Plan) -> list[Part]:
    """NATS and S3 alone."""
    data, inner = plan.data, plan.inner
    nats = NatsServer(data.nats, inner["nats"], {user: data.secret(f"nats-{user}") for user in SERVICES})
    seaweed = seaweed_of(plan)
    return [
        Part(
            "nats",
            nats.command(),
            _marked(data, nats.environment()),
            data.log("nats"),
            listens(nats.port),
            SERVERS,
            healthy=greets(nats.port),
            directory=nats.directory,
        ),
        Part(
            "seaweedfs",
            seaweed.command(),
            _marked(data, seaweed.environment()),
            data.log("seaweedfs"),
            says_yes(seaweed.ready),
            SERVERS,
            grace_s=_SEAWEED_GRACE_S,
            healthy=replies(f"http://127.0.0.1:{inner['seaweedfs-s3']}/"),
            directory=seaweed.directory,
        ),
    ]


def gateway_of(plan: Plan) -> Part:
    """The gateway."""
    data = plan.data
    own = {
        "HOST": plan.host,
        "PORT": str(plan.port),
        "CACHE": str(data.cache),
        "WORK_DIRECTORY": str(data.work),
        "SESSION_KEY_FILE": str(data.secret_file("session-key")),
        "ACCESS_TOKEN_FILE": str(data.secret_file("access-token")),
        "ROOM__DIRECTORY": str(data.root),
        "ROOM__KEEP_FREE": str(plan.keep_free),
        "AI__TOKEN_FILE": str(_gateways_token(data, "ai")),
    }
    environment = _environment(data, dict(os.environ), keep_immich=plan.photos is None)
    if plan.tls is not None:
        own |= plan.tls.settings
    environment |= _prefixed(SERVICES[GATEWAY], own | _connections(plan, GATEWAY))
    if plan.photos is not None:
        environment |= _prefixed(SERVICES[GATEWAY], {"PHOTOS": str(plan.photos)})
    return Part(
        GATEWAY,
        _module(SERVICES[GATEWAY]),
        environment,
        data.log(GATEWAY),
        has_started(f"{plan.gallery}/api/ready", plan.trust),
        GATEWAY_TIER,
        healthy=replies(f"{plan.gallery}/api/docs", plan.trust),
    )


def _worker(plan: Plan, service: Service) -> Part:
    name = service.name
    own = {"RPC__PORT": str(plan.inner[f"{name}-rpc"]), "WORK__KEEP_FREE": str(plan.keep_free)}
    if service.gateway_calls:
        own["RPC__CALLERS__GATEWAY__TOKEN_FILE"] = str(_gateways_token(plan.data, name))
        own["RPC__CALLERS__GATEWAY__CALLS"] = ",".join(service.gateway_calls)
    defaults = {"WORK__CHILDREN": str(service.children), "WORK__DIRECTORY": str(plan.data.work)}
    # Models are not in this network, and may need a proxy.
    inherited = dict(os.environ) if service.runs_models else without_proxies(os.environ)
    environment = _environment(plan.data, _prefixed(service, defaults) | inherited)
    environment |= _prefixed(service, own | _connections(plan, name))
    log, port = plan.data.log(name), plan.inner[f"{name}-rpc"]
    return Part(name, _module(service), environment, log, serves_rpc(port), healthy=answers_rpc(port))


def _gateways_token(data: DataDirectory, service: str) -> Path:
    """What the gateway shows to one service, and to no other."""
    return data.secret_file(f"rpc-gateway-{service}")


def _connections(plan: Plan, name: str) -> dict[str, str]:
    data, inner = plan.data, plan.inner
    return {
        "NATS__URL": f"nats://127.0.0.1:{inner['nats']}",
        "NATS__USER": name,
        "NATS__PASSWORD_FILE": str(data.secret_file(f"nats-{name}")),
        "S3__ENDPOINT": f"http://127.0.0.1:{inner['seaweedfs-s3']}",
        "S3__BUCKET": BUCKET,
        "S3__ACCESS_KEY_FILE": str(data.secret_file(f"s3-{name}-access-key")),
        "S3__SECRET_KEY_FILE": str(data.secret_file(f"s3-{name}-secret-key")),
        "METRICS__PORT": str(inner[f"{name}-metrics"]),
        "METRICS__TOKEN_FILE": str(data.secret_file(METRICS_SECRET)),
    }


def _prefixed(service: Service, settings: Mapping[str, str]) -> dict[str, str]:
    return {f"{service.env_prefix}{name}": value for name, value in settings.items()}


def _environment(data: DataDirectory, base: dict[str, str], keep_immich: bool = False) -> dict[str, str]:
    """`base` with the stack's mark; Immich's address and key go to nobody but the gateway."""
    kept = {name: value for name, value in base.items() if keep_immich or not name.startswith(_IMMICH)}
    return _marked(data, kept)


def _marked(data: DataDirectory, environment: Mapping[str, str]) -> dict[str, str]:
    return {**environment, MARK: str(data.root)}


def _module(service: Service) -> list[str]:
    return [sys.executable, "-m", service.module]
