"""The real parts on this machine, for measuring: NATS, S3, the gateway and a worker."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from immichvr_common.embedded import NatsServer, SeaweedServer, free_ports, stop_process


@dataclass(frozen=True)
class Stack:
    """The gateway's address, and the process of each part."""

    address: str
    pids: dict[str, int]

    def cpu_seconds(self) -> dict[str, float]:
        """What each part, its children included, has used so far."""
        return {name: _cpu_seconds(psutil.Process(pid)) for name, pid in self.pids.items()}


def _cpu_seconds(process: psutil.Process) -> float:
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


@contextmanager
def running_stack(photos: Path, worker: str) -> Iterator[Stack]:
    """Starts the parts with a worker module in place of the AI service."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        nats = NatsServer(Path(folder, "nats")).start()
        weed = SeaweedServer(Path(folder, "weed")).start()
        port = free_ports(1)[0]
        address = f"http://127.0.0.1:{port}"
        gateway_env = {"IMMICHVR_GATEWAY_PORT": str(port), "IMMICHVR_GATEWAY_PHOTOS": str(photos)}
        processes = [
            start("immichvr_gateway", environment("GATEWAY", nats, weed) | gateway_env),
            start(worker, environment("AI", nats, weed)),
        ]
        try:
            await_ready(address)
            servers = {"nats": nats.process, "s3": weed.process}
            parts = {"gateway": processes[0], "worker": processes[1]} | {k: v for k, v in servers.items() if v}
            yield Stack(address, {name: process.pid for name, process in parts.items()})
        finally:
            for process in reversed(processes):
                stop_process(process)
            weed.stop()
            nats.stop()


def environment(name: str, nats: NatsServer, weed: SeaweedServer) -> dict[str, str]:
    """By which a part finds NATS and S3."""
    bus, s3 = nats.settings(name.lower()), weed.settings(service=name.lower())
    values = {
        "NATS__URL": bus.url,
        "NATS__USER": bus.user,
        "NATS__PASSWORD": bus.password.get_secret_value(),
        "S3__ENDPOINT": s3.endpoint,
        "S3__ACCESS_KEY": s3.access_key.get_secret_value(),
        "S3__SECRET_KEY": s3.secret_key.get_secret_value(),
        "LOG_LEVEL": "warning",
    }
    return {f"IMMICHVR_{name}_{key}": value for key, value in values.items()}


def start(module: str, environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    """Runs a module as a process of its own."""
    return subprocess.Popen([sys.executable, "-m", module, *arguments], env={**os.environ, **environment})


def await_ready(address: str, seconds: float = 60) -> None:
    """Waits for a gateway. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{address}/api/ready", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"the gateway at {address} was not ready within {seconds:.0f} s")
