"""Who may do what on the bus: one NATS user per service, each with no more than its work needs."""

from __future__ import annotations

import json
from pathlib import Path

from immichvr_common.bus.streams import CANCELS, CLASSES, JOBS, POOLS, SERVICES, durable_name


def worker_permissions(service: str) -> dict[str, dict[str, list[str]]]:
    """What a worker of `service` may publish and subscribe to.

    It takes its own jobs, tells of their fate, reads who wants them cancelled, and hears what becomes of models;
    it cannot make a job, read another service's, or see the gateway's state.
    """
    durables = [durable_name(service, pool, job_class) for pool in POOLS for job_class in CLASSES]
    return {
        "publish": {
            "allow": [
                "events.job.>",
                "events.asset.>",
                "events.model.>",
                *(f"$JS.API.CONSUMER.MSG.NEXT.{JOBS}.{durable}" for durable in durables),
                *(f"$JS.API.CONSUMER.INFO.{JOBS}.{durable}" for durable in durables),
                *(f"$JS.ACK.{JOBS}.{durable}.>" for durable in durables),
                f"$JS.API.STREAM.INFO.KV_{CANCELS}",
                f"$JS.API.DIRECT.GET.KV_{CANCELS}.>",
            ]
        },
        "subscribe": {"allow": [f"_INBOX.{service}.>", "control.cancel.*", "events.model.*"]},
    }


def nats_config(port: int, store: Path, passwords: dict[str, str], host: str = "127.0.0.1") -> str:
    """A nats-server configuration (a superset of JSON) with JetStream and every user's permissions."""
    users: list[dict[str, object]] = [{"user": "gateway", "password": passwords["gateway"]}]
    users += [
        {"user": service, "password": passwords[service], "permissions": worker_permissions(service)}
        for service in SERVICES
        if service in passwords
    ]
    return json.dumps(
        {
            "listen": f"{host}:{port}",
            "server_name": "immichvr",
            "jetstream": {"store_dir": str(store)},
            "max_payload": 1024 * 1024,
            "accounts": {"IMMICHVR": {"jetstream": "enabled", "users": users}, "SYS": {"users": []}},
            "system_account": "SYS",
        },
        indent=2,
    )
