"""Writes what the files of deploy/compose have for each service, between their marks, from the catalogue.

python tools/compose.py            writes
python tools/compose.py --check    only tells whether it would
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from immichvr_catalog import CPU, GATEWAY, GPU, KINDS, SERVICES, Service, kinds_of, workers

FOLDER = Path(__file__).parents[1] / "deploy/compose"
FILES = [FOLDER / name for name in ("compose.yaml", "workers-elsewhere.yaml", "remote-worker.yaml")]
_SECTION = re.compile(r"^( *)# catalogue: ([\w ]+)\n.*?^ *# end$", re.DOTALL | re.MULTILINE)
_LIVE = "live"
_TORCH_BACKEND = "cu130"


def gateway() -> Iterator[str]:
    """The gateway's connections, and to which pool each service's jobs go."""
    yield from _settings(SERVICES[GATEWAY], _connections(SERVICES[GATEWAY]))
    for worker in workers():
        if _uses_gpu(worker):
            name = worker.name.replace("-", "_").upper()
            yield f"IMMICHVR_GATEWAY_POOLS__{name}: ${{COMPOSE_PROFILES:?in .env}}"


def all_workers() -> Iterator[str]:
    """Each worker service, and again for a GPU where that is of use for it."""
    for worker in workers():
        yield from _worker(worker, CPU)
        if _uses_gpu(worker):
            yield from _worker(worker, GPU)


def _worker(service: Service, pool: str) -> Iterator[str]:
    name = _name(service, pool)
    yield from _head(service, pool)
    if profile := _profile(service, pool):
        yield f"  profiles: [{profile}]"
    yield "  depends_on: *started"
    yield "  environment:"
    for line in _settings(service, _connections(service) | _work(service, pool, name)):
        yield f"    {line}"
    volumes = [f"{service.name}:/secrets:ro", f"{service.name}-scratch:/scratch"]
    if service.runs_models:
        volumes.append("models:/models")
    yield f"  volumes: {json.dumps(volumes)}"
    yield "  tmpfs: [/tmp]"
    yield f"  networks: [{'inside, outside' if service.runs_models else 'inside'}]"
    yield "  stop_grace_period: 45s"
    if pool == GPU:
        yield "  deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]}}}"
    yield ""


def _name(service: Service, pool: str) -> str:
    return service.name if pool == CPU else f"{service.name}-{pool}"


def _head(service: Service, pool: str) -> Iterator[str]:
    """A worker's name, what all have in common, and its image."""
    image = service.image if pool == CPU else f"{service.image}-cuda"
    arguments = f"SERVICE: {service.name}" + (f", TORCH_BACKEND: {_TORCH_BACKEND}" if pool == GPU else "")
    yield f"{_name(service, pool)}:"
    yield "  <<: *service"
    yield f"  image: ghcr.io/immichvr/{image}:${{IMMICHVR_VERSION:-0.1.0}}"
    yield f"  build: {{context: ../.., args: {{{arguments}}}}}"


def encrypted() -> Iterator[str]:
    """What services are told anew where NATS takes workers from elsewhere, and so speaks nothing but TLS."""
    for name in (GATEWAY, *_containers()):
        service = SERVICES[name.removesuffix(f"-{GPU}")]
        yield f"{name}:"
        yield "  environment:"
        told = {"NATS__URL": "tls://nats:4222", "NATS__CA_FILE": "/secrets/ca.pem"}
        if name == GATEWAY:
            told |= _door()
        for line in _settings(service, told):
            yield f"    {line}"
        if name == GATEWAY:
            yield '  ports: ["${IMMICHVR_ATTACH_PORT:-9443}:9443"]'


def _door() -> dict[str, str]:
    live = KINDS[_LIVE].service
    caller = live.replace("-", "_").upper()
    return {
        "ATTACH__HOST": "0.0.0.0",  # noqa: S104  # a container's
        "ATTACH__PORT": '"9443"',
        f"ATTACH__CALLERS__{caller}__TOKEN_FILE": f"/secrets/attach-{live}",
        f"ATTACH__CALLERS__{caller}__CALLS": "Attach",
        "ATTACH__TLS__CERTIFICATE_FILE": "/secrets/cert.pem",
        "ATTACH__TLS__KEY_FILE": "/secrets/key.pem",
    }


def _containers() -> Iterator[str]:
    for worker in workers():
        yield worker.name
        if _uses_gpu(worker):
            yield f"{worker.name}-{GPU}"


def remote_workers() -> Iterator[str]:
    """Each worker that a GPU is of use for, on a machine that opens connections out and nothing else."""
    for service in filter(_uses_gpu, workers()):
        for pool in (CPU, GPU):
            yield from _remote_worker(service, pool)


def _remote_worker(service: Service, pool: str) -> Iterator[str]:
    yield from _head(service, pool)
    yield f"  profiles: [{pool}]"
    yield "  environment:"
    home = "${IMMICHVR_HOME:?in .env}"
    told = {
        "NATS__URL": f"tls://{home}:4222",
        "NATS__USER": service.name,
        "NATS__PASSWORD_FILE": "/secrets/nats-password",
        "NATS__CA_FILE": "/secrets/ca.pem",
        "S3__ENDPOINT": f"https://{home}:8333",
        "S3__ACCESS_KEY_FILE": "/secrets/s3-access-key",
        "S3__SECRET_KEY_FILE": "/secrets/s3-secret-key",
        "S3__CA_FILE": "/secrets/ca.pem",
        "WORK__POOL": pool,
        "WORK__CHILDREN": f'"{service.children}"',
        "WORK__DIRECTORY": "/scratch",
        "WORK__KEEP_FREE": "2GB",
        "RPC__HOST": "127.0.0.1",
        "METRICS__HOST": "127.0.0.1",
    }
    if service.runs_models:
        told["MODELS__LEDGER"] = "/models/.memory"
    if KINDS[_LIVE].service == service.name:
        told |= {
            "LIVE__ATTACH__ADDRESS": f"https://{home}:9443",
            "LIVE__ATTACH__TOKEN_FILE": "/secrets/attach-token",
            "LIVE__ATTACH__CA_FILE": "/secrets/ca.pem",
        }
    for line in _settings(service, told):
        yield f"    {line}"
    yield f'  volumes: ["./secrets/{service.name}:/secrets:ro", "{service.name}-scratch:/scratch", "models:/models"]'
    yield "  tmpfs: [/tmp]"
    yield "  stop_grace_period: 45s"
    if pool == GPU:
        yield "  deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]}}}"
    yield ""


def volumes_of_workers() -> Iterator[str]:
    """Where `provision` finds the volumes that one worker service alone sees: its secrets, and its temporary files."""
    for worker in workers():
        yield f"- {worker.name}:/provision/{worker.name}"
        yield f"- {worker.name}-scratch:/provision/data/{worker.name}-scratch"


def _connections(service: Service) -> dict[str, str]:
    return {
        "NATS__URL": "nats://nats:4222",
        "NATS__USER": service.name,
        "NATS__PASSWORD_FILE": "/secrets/nats-password",
        "S3__ENDPOINT": "http://s3:8333",
        "S3__ACCESS_KEY_FILE": "/secrets/s3-access-key",
        "S3__SECRET_KEY_FILE": "/secrets/s3-secret-key",
        "METRICS__TOKEN_FILE": "/secrets/metrics-token",
    }


def _work(service: Service, pool: str, host: str) -> dict[str, str]:
    settings = {
        "WORK__POOL": pool,
        "WORK__CHILDREN": f'"{service.children}"',
        "WORK__DIRECTORY": "/scratch",
        "WORK__KEEP_FREE": "2GB",
    }
    if service.runs_models:
        # Containers of one machine share its memory, and its GPU.
        settings["MODELS__LEDGER"] = "/models/.memory"
    if service.gateway_calls:
        settings["RPC__CALLERS__GATEWAY__TOKEN_FILE"] = "/secrets/rpc-gateway"  # noqa: S105  # a path
        settings["RPC__CALLERS__GATEWAY__CALLS"] = ",".join(service.gateway_calls)
    else:
        settings["RPC__HOST"] = "127.0.0.1"
    if KINDS[_LIVE].service == service.name:
        settings["LIVE__ADVERTISE"] = host
    return settings


def _settings(service: Service, values: dict[str, str]) -> Iterator[str]:
    yield from (f"{service.env_prefix}{name}: {value}" for name, value in values.items())


def _uses_gpu(service: Service) -> bool:
    return any(GPU in kind.pools for kind in kinds_of(service.name))


def _profile(service: Service, pool: str) -> str:
    """Without a profile it always runs: also beside a GPU there are jobs that go to the CPU."""
    is_always = any(GPU not in kind.pools for kind in kinds_of(service.name))
    return "" if pool == CPU and is_always else pool


SECTIONS: dict[str, Callable[[], Iterator[str]]] = {
    "gateway": gateway,
    "workers": all_workers,
    "volumes of workers": volumes_of_workers,
    "encrypted": encrypted,
    "remote workers": remote_workers,
    "remote volumes": lambda: (
        f"- {one.name}-scratch:/data/{one.name}-scratch" for one in filter(_uses_gpu, workers())
    ),
    "names of remote volumes": lambda: (f"{one.name}-scratch:" for one in filter(_uses_gpu, workers())),
    "names of volumes": lambda: (f"{name}:" for one in workers() for name in (one.name, f"{one.name}-scratch")),
}


def renewed(text: str) -> str:
    """The file with its sections as the catalogue has them."""

    def section(found: re.Match[str]) -> str:
        indent, name = found[1], found[2]
        lines = [f"# catalogue: {name}", *SECTIONS[name](), "# end"]
        return "\n".join(f"{indent}{line}".rstrip() for line in lines)

    return _SECTION.sub(section, text)


def main(check: bool) -> int:
    """Writes, or looks; whether something differed."""
    found = False
    for file in FILES:
        text = file.read_text("utf-8")
        differs = renewed(text) != text
        if differs and check:
            print(f"{file.relative_to(FOLDER.parents[1])} is not what the catalogue says: run make generated")
        elif differs:
            file.write_text(renewed(text), "utf-8")
        found |= differs
    return int(found and check)


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
