"""Makes what a stack in containers needs before it starts: secrets, and the configuration of its servers.

python -m immichvr_common.provision /provision

Each part has a folder of its own there, which nobody else mounts, so that no service sees another's secrets:

`<service>/`   nats-password, s3-access-key, s3-secret-key, metrics-token; of the gateway also session-key; and for
               each service that it calls `rpc-<service>`, which lies there as `rpc-gateway`
`nats/`        nats.conf: the accounts of `bus/access.py`
`s3/`          what SeaweedFS reads in its working directory: the accounts of `storage_rights.py`
`data/*`       the folders of the servers' data, which are given to the user that they run as

What is there is kept; configuration is written anew from it, as this version has it. Written for root without any
capability but CHOWN: files belong to the services' user and, so that they can be read again, to root's group.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from pathlib import Path

from immichvr_catalog import GATEWAY, SERVICES, workers

from immichvr_common.bus.access import nats_config
from immichvr_common.embedded import BUCKET
from immichvr_common.storage_rights import Account, identities

USER = 10001
"""Whom the processes of images run as; see the Dockerfile."""
NATS_PORT, MONITORING_PORT = 4222, 8222
_MODE = 0o440
_OWN = ("nats-password", "s3-access-key", "s3-secret-key", "metrics-token")
_FILER = '[leveldb2]\nenabled = true\ndir = "/data/filerldb2"\n'
# One volume more when those there are get full; seven at once by default, each with a claim on the disk.
_MASTER = "[master.volume_growth]\ncopy_1 = 1\n"


def provision(root: Path) -> None:
    """Makes what is missing in the folders below `root`. Raises OSError."""
    for service in SERVICES:
        for name in _OWN:
            _secret(root / service / name)
    _secret(root / GATEWAY / "session-key")
    for worker in workers():
        if worker.gateway_calls:
            shared = _secret(root / GATEWAY / f"rpc-{worker.name}")
            _write(root / worker.name / "rpc-gateway", shared)
    passwords = {service: _secret(root / service / "nats-password") for service in SERVICES}
    accounts = {
        service: Account(_secret(root / service / "s3-access-key"), _secret(root / service / "s3-secret-key"))
        for service in SERVICES
    }
    config = json.loads(nats_config(NATS_PORT, Path("/data"), passwords, host="0.0.0.0"))  # noqa: S104  # a container's
    _write(root / "nats/nats.conf", json.dumps(config | {"http": f"127.0.0.1:{MONITORING_PORT}"}, indent=2))
    _write(root / "s3/s3.json", json.dumps(identities(accounts, (BUCKET,)), indent=2))
    _write(root / "s3/filer.toml", _FILER)
    _write(root / "s3/master.toml", _MASTER)
    for data in sorted(root.glob("data/*")):
        _own(data)


def _secret(path: Path) -> str:
    """What stands there; made anew where nothing does."""
    if not path.exists():
        _write(path, secrets.token_urlsafe(32))
    return path.read_text("utf-8").strip()


def _write(path: Path, text: str) -> None:
    """Whole or not at all, for the services' user alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "w") as file:
        file.write(f"{text}\n")
    _own(unfinished)
    unfinished.replace(path)


def _own(path: Path) -> None:
    """Gives it to the services' user; whoever is not root keeps it."""
    if os.geteuid() == 0:
        os.chown(path, USER, -1)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("python -m immichvr_common.provision FOLDER")
    provision(Path(sys.argv[1]))
