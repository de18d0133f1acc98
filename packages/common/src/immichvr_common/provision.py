"""Makes what a stack in containers needs before it starts: secrets, and the configuration of its servers.

python -m immichvr_common.provision /provision

Each part has a folder of its own there, which nobody else mounts, so that no service sees another's secrets:

`<service>/`   nats-password, s3-access-key, s3-secret-key, metrics-token; of the gateway also session-key; and for
               each service that it calls `rpc-<service>`, which lies there as `rpc-gateway`; for each that serves live
               sessions `attach-<service>`, which lies there as `attach-token`
`nats/`        nats.conf: the accounts of `bus/access.py`
`s3/`          what SeaweedFS reads in its working directory: the accounts of `storage_rights.py`
`data/*`       the folders of the servers' data, which are given to the user that they run as

With IMMICHVR_REMOTE_NAME, under which workers elsewhere reach this machine, there is also
`tls/`         an authority of this stack's own
`<part>/`      cert.pem and key.pem of `nats`, `s3` and the gateway; ca.pem, by which every service knows them

What is there is kept; configuration is written anew from it, as this version has it. Written for root without any
capability but CHOWN: files belong to the services' user and, so that they can be read again, to root's group.
"""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
import sys
from pathlib import Path

from immichvr_catalog import GATEWAY, KINDS, SERVICES, workers

from immichvr_common.bus.access import nats_config
from immichvr_common.certificates import AUTHORITY, CERTIFICATE, KEY, ensure_for_servers
from immichvr_common.embedded import BUCKET
from immichvr_common.storage_rights import Account, identities

USER = 10001
"""Whom the processes of images run as; see the Dockerfile."""
NATS_PORT, MONITORING_PORT = 4222, 8222
SERVERS = ("nats", "s3")
_MODE = 0o440
_OWN = ("nats-password", "s3-access-key", "s3-secret-key", "metrics-token")
_FILER = '[leveldb2]\nenabled = true\ndir = "/data/filerldb2"\n'
# One volume more when those there are get full; seven at once by default, each with a claim on the disk.
_MASTER = "[master.volume_growth]\ncopy_1 = 1\n"


def provision(root: Path, remote_name: str = "") -> None:
    """Makes what is missing in the folders below `root`. remote_name: a name or an address. Raises OSError."""
    for service in SERVICES:
        for name in _OWN:
            _secret(root / service / name)
    _secret(root / GATEWAY / "session-key")
    for worker in workers():
        if worker.gateway_calls:
            shared = _secret(root / GATEWAY / f"rpc-{worker.name}")
            _write(root / worker.name / "rpc-gateway", shared)
    live = KINDS["live"].service
    _write(root / live / "attach-token", _secret(root / GATEWAY / f"attach-{live}"))
    if remote_name:
        _certify(root, remote_name)
    passwords = {service: _secret(root / service / "nats-password") for service in SERVICES}
    accounts = {
        service: Account(_secret(root / service / "s3-access-key"), _secret(root / service / "s3-secret-key"))
        for service in SERVICES
    }
    tls = Path("/etc/nats") if remote_name else None
    everywhere = "0.0.0.0"  # noqa: S104  # a container's
    config = json.loads(nats_config(NATS_PORT, Path("/data"), passwords, host=everywhere, tls=tls))
    _write(root / "nats/nats.conf", json.dumps(config | {"http": f"127.0.0.1:{MONITORING_PORT}"}, indent=2))
    _write(root / "s3/s3.json", json.dumps(identities(accounts, (BUCKET,)), indent=2))
    _write(root / "s3/filer.toml", _FILER)
    _write(root / "s3/master.toml", _MASTER)
    for data in sorted(root.glob("data/*")):
        _own(data)


def _certify(root: Path, remote_name: str) -> None:
    """A certificate for this name and for those within the stack, and its authority for everybody who asks them."""
    made = root / "tls"
    try:
        names, addresses = set(SERVERS), [str(ipaddress.ip_address(remote_name))]
    except ValueError:
        names, addresses = {remote_name, *SERVERS}, []
    ensure_for_servers(made, names, addresses)
    for part in (*SERVERS, GATEWAY):
        for name in (CERTIFICATE, KEY):
            _write(root / part / name, (made / name).read_text("utf-8").strip())
    for service in SERVICES:
        _write(root / service / AUTHORITY, (made / AUTHORITY).read_text("utf-8").strip())


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
    provision(Path(sys.argv[1]), os.environ.get("IMMICHVR_REMOTE_NAME", ""))
