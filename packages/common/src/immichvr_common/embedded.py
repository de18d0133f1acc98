"""The real servers, as programs from PyPI wheels: nats-server and SeaweedFS, on ports of one's choice.

`NATS_SERVER` and `WEED` name other binaries where a distribution's are preferred.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from immichvr_catalog import GATEWAY, SERVICES
from pydantic import SecretStr

from immichvr_common.bus.access import nats_config
from immichvr_common.certificates import AUTHORITY, CERTIFICATE, KEY
from immichvr_common.private_files import write_private
from immichvr_common.seaweed import TLS, has_sockets, sweep_sockets
from immichvr_common.seaweed_setup import write_configuration
from immichvr_common.settings import NatsSettings, S3Settings
from immichvr_common.storage_rights import Account

BUCKET = "immichvr"
"""The bucket of a stack on one machine."""

_VACUUM_S = 600
_SMALLEST_VOLUME_MB, _LARGEST_VOLUME_MB, _VOLUMES = 32, 1024, 64
"""SeaweedFS makes no volume that would not fit whole: on a small disk many small ones use more of it."""


SERVER_PORTS = range(20_000, 32_000)
"""Below the ranges from which systems take ports for outgoing connections (Linux 32768, macOS 49152)."""
_STRETCH = 100
_looked_at = itertools.count()


class StartFailed(RuntimeError):
    """A server did not come up; the message names its log."""


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on right now, each different.

    Each process looks on a stretch of its own first, so that two that start servers at once do not choose the same.
    """
    found: list[int] = []
    while len(found) < count:
        port = SERVER_PORTS[(os.getpid() * _STRETCH + next(_looked_at)) % len(SERVER_PORTS)]
        with socket.socket() as probe, contextlib.suppress(OSError):  # taken
            probe.bind(("127.0.0.1", port))
            found.append(port)
    return found


def free_grpc_ports(count: int) -> list[int]:
    """Ports for SeaweedFS's gRPC: free, and none of whose sockets is there."""
    found: list[int] = []
    while len(found) < count:
        found += [port for port in free_ports(count - len(found)) if not has_sockets(port)]
    return found


def plain_environment() -> dict[str, str]:
    """What a server needs of this process's environment: nothing that could configure it, no secret, no proxy."""
    return {name: os.environ[name] for name in ("PATH", "LANG", "TZ", "TMPDIR") if name in os.environ}


def binary(name: str, override: str) -> str:
    """The path of a server's program: the override's, the environment's own, or PATH's."""
    beside = Path(sys.executable).with_name(name)
    asked = os.environ.get(override) or (str(beside) if beside.exists() else name)
    found = shutil.which(asked)
    if not found:
        raise StartFailed(f"{asked} was not found: install its wheel, or set {override} to its path")
    return str(Path(found).absolute())


@dataclass
class NatsServer:
    """A nats-server with JetStream, one user per service, and nothing open beyond loopback.

    passwords: by user name; made anew where none are given. most_stored: bytes its store may take. tls: where its
    certificate lies, and the authority that signed it; None, it speaks plain.
    """

    directory: Path
    port: int = 0
    passwords: dict[str, str] = field(default_factory=dict)
    most_stored: int = 8 * 1024**3
    tls: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """Writes the configuration, readable by its owner alone, and gives the command that serves it.

        To be run in `directory`: paths are relative, so that no name of a folder can mean anything to the server.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_ports(1)[0]
        for user in SERVICES:
            self.passwords.setdefault(user, secrets.token_urlsafe(24))
        config = nats_config(self.port, Path("jetstream"), self.passwords, most_stored=self.most_stored, tls=self.tls)
        write_private(self.directory / "nats.conf", config)
        return [binary("nats-server", "NATS_SERVER"), "-c", "nats.conf"]

    def environment(self) -> dict[str, str]:
        """The environment it runs in."""
        return plain_environment()

    def start(self) -> NatsServer:
        """Starts it and waits until it answers. Raises StartFailed."""
        self.process = _spawn(self.command(), self.directory, "nats.log", self.environment())
        _wait_for("nats-server", self.process, self.directory / "nats.log", lambda: _listens(self.port))
        return self

    def settings(self, user: str) -> NatsSettings:
        """How one of its users connects."""
        scheme, ca = ("tls", self.tls / AUTHORITY) if self.tls else ("nats", None)
        url = f"{scheme}://127.0.0.1:{self.port}"
        return NatsSettings(url=url, user=user, password=SecretStr(self.passwords[user]), ca_file=ca)

    def stop(self) -> None:
        """Ends it cleanly."""
        stop_process(self.process)

    def kill(self) -> None:
        """Ends it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@dataclass
class SeaweedServer:
    """A SeaweedFS server speaking S3, on loopback, with an account per service.

    accounts: by service; made anew where none are given. buckets: those that the accounts are for.
    It grows with the disk, volume by volume, until keep_free bytes are left; then it takes nothing more. tls: where the
    certificate of S3 lies, and the authority that signed it; None, it speaks plain.
    """

    directory: Path
    ports: list[int] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    buckets: tuple[str, ...] = (BUCKET,)
    process: subprocess.Popen[bytes] | None = None
    memory_limit: str = "512MiB"
    keep_free: int = 0
    tls: Path | None = None

    def command(self) -> list[str]:
        """Writes the configuration, readable by its owner alone, and gives the command that serves it.

        To be run in `directory`: paths are relative, so that no name of a folder can mean anything to the server.
        """
        (self.directory / "data").mkdir(parents=True, exist_ok=True)
        if not self.ports:
            plain, grpc = free_ports(4), free_grpc_ports(4)
            self.ports = [port for pair in zip(plain, grpc, strict=True) for port in pair]
        for service in SERVICES:
            self.accounts.setdefault(service, Account(secrets.token_urlsafe(12), secrets.token_urlsafe(32)))
        write_configuration(self.directory, self.accounts, self.buckets)
        total = shutil.disk_usage(self.directory).total
        volume_mb = min(_LARGEST_VOLUME_MB, max(_SMALLEST_VOLUME_MB, total // _VOLUMES >> 20))
        master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc = self.ports
        return [
            binary("weed", "WEED"), "-logtostderr=true", "server", "-dir=data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            # There is one master: it need not wait for others to call before it leads.
            "-master.peers=none", "-master.electionTimeout=500ms", "-master.heartbeatInterval=100ms",
            # gRPC ports would be port + 10000, which may be taken or beyond 65535: each is set.
            f"-master.port={master}", f"-master.port.grpc={master_grpc}", f"-master.volumeSizeLimitMB={volume_mb}",
            f"-volume.port={volume}", f"-volume.port.grpc={volume_grpc}", "-volume.max=0",
            f"-volume.minFreeSpace={max(1, self.keep_free >> 20)}MiB",
            "-volume.preStopSeconds=0",
            "-filer", f"-filer.port={filer}", f"-filer.port.grpc={filer_grpc}",
            "-filer.disableHttp", "-filer.localSocket=filer.sock",
            "-s3", f"-s3.port={s3}", f"-s3.port.grpc={s3_grpc}", "-s3.port.iceberg=0", "-s3.port.lance=0",
            "-s3.config=s3.json", "-s3.localSocket=s3.sock", "-s3.iam=false",
            f"-s3.allowedOrigins={self._s3}", "-master.telemetry=false",
            *([f"-s3.cert.file={self.tls / CERTIFICATE}", f"-s3.key.file={self.tls / KEY}"] if self.tls else []),
        ]  # fmt: skip

    def environment(self) -> dict[str, str]:
        """The environment it runs in; its garbage collector is told how much memory is meant for it."""
        return {**plain_environment(), "HOME": str(self.directory), "GOMEMLIMIT": self.memory_limit}

    def start(self) -> SeaweedServer:
        """Starts it and waits until S3 answers. Raises StartFailed."""
        self.process = _spawn(self.command(), self.directory, "weed.log", self.environment())
        _wait_for("weed", self.process, self.directory / "weed.log", self.ready)
        return self

    def ready(self) -> bool:
        """Whether S3 takes requests (an unsigned one is refused, not dropped) and has where to put objects."""
        try:
            with urllib3.PoolManager(ca_certs=str(self.tls / AUTHORITY) if self.tls else None) as outside:
                answer = outside.request("GET", f"{self._s3}/", retries=False, timeout=2)
            if answer.status != 403:
                return False
            # S3 may be up seconds before the master knows of a volume server; writes wait for it until then.
            return int(self.topology()["Max"]) > 0
        except (urllib3.exceptions.HTTPError, OSError, ValueError, LookupError):
            return False

    def topology(self) -> dict[str, Any]:
        """What the master knows of the volumes: how many there may be (`Max`) and are free (`Free`), and where.

        Raises urllib3's HTTPError, or OSError, where it does not answer.
        """
        topology: dict[str, Any] = self._ask("/dir/status", 2).json()["Topology"]
        return topology

    def _ask(self, path: str, timeout_s: float) -> urllib3.BaseHTTPResponse:
        tls = self.directory / TLS
        inside = urllib3.PoolManager(
            cert_file=str(tls / CERTIFICATE), key_file=str(tls / KEY), ca_certs=str(tls / AUTHORITY), timeout=timeout_s
        )
        with inside:
            return inside.request("GET", f"https://127.0.0.1:{self.ports[0]}{path}", retries=False)

    def vacuum(self) -> None:
        """Has the room of removed objects given back to the disk now. Raises urllib3's HTTPError, or OSError."""
        self._ask("/vol/vacuum?garbageThreshold=0.1", _VACUUM_S)

    def settings(self, bucket: str = BUCKET, service: str = GATEWAY) -> S3Settings:
        """How a service connects."""
        account = self.accounts[service]
        return S3Settings(
            endpoint=self._s3,
            bucket=bucket,
            access_key=SecretStr(account.access_key),
            secret_key=SecretStr(account.secret_key),
            ca_file=self.tls / AUTHORITY if self.tls else None,
        )

    @property
    def _s3(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.ports[6]}"

    def stop(self) -> None:
        """Ends it. Its gRPC servers wait for one another for ever, so it gets three seconds; what it wrote stays."""
        stop_process(self.process, grace_s=3)
        sweep_sockets(self.ports[1::2])

    def kill(self) -> None:
        """Ends it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            sweep_sockets(self.ports[1::2])


def stop_process(process: subprocess.Popen[bytes] | None, grace_s: float = 10) -> None:
    """Asks a process to end, and ends it after `grace_s` seconds."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _spawn(command: list[str], directory: Path, log: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
    with (directory / log).open("ab") as out:
        return subprocess.Popen(
            command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env, cwd=directory, start_new_session=True
        )


def _wait_for(name: str, process: subprocess.Popen[bytes], log: Path, ready: object, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ready():  # type: ignore[operator]
        if process.poll() is not None:
            raise StartFailed(f"{name} ended with status {process.returncode}; see {log}")
        if time.monotonic() > deadline:
            stop_process(process)
            raise StartFailed(f"{name} did not answer within {seconds:.0f} s; see {log}")
        time.sleep(0.02)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
