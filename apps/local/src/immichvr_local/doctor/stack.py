"""The check of a stack that is running on this machine."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from immichvr_catalog import workers
from immichvr_common.certificates import AUTHORITY

from immichvr_local.doctor.check import Check, fail, ok, warn
from immichvr_local.stack.data import default_directory
from immichvr_local.stack.part import serves_rpc

_ANSWER_S = 10.0


def running() -> Check:
    """What a running stack says of itself, of its storage above all."""
    name, data = "running", default_directory()
    ports = _ports(data / "state.json")
    told = _told(ports)
    if told is None:
        return ok(name, f"nothing on {data}")
    broken = [part for part in ("nats", "s3", "started", "tasks") if told.get(part) is False]
    broken += asyncio.run(_not_serving(ports))
    troubles = [str(one["message"]) for one in told.get("storage", [])]
    if broken or troubles:
        found = [*troubles, *([f"not well: {', '.join(broken)}"] if broken else [])]
        return fail(name, "; ".join(found), f"docs/storage.md says more; the logs are in {data / 'logs'}")
    if strange := told.get("set_aside"):
        words = f"the stack on {data}; {strange} messages on the bus could not be read or believed"
        return warn(name, words, f"the gateway's log in {data / 'logs'} says which; see docs/security.md")
    return ok(name, f"the stack on {data}, all well")


def _ports(state: Path) -> dict[str, int]:
    """The ports of the stack that was started last, by name."""
    try:
        found = json.loads(state.read_text())["ports"].items()
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}
    return {name: port for name, port in found if isinstance(port, int)}


def _told(ports: Mapping[str, int]) -> dict[str, Any] | None:
    """The readiness of the gateway that was started last; None where none answers."""
    import httpx

    authority = default_directory() / "tls" / AUTHORITY
    try:
        trust = ssl.create_default_context(cafile=authority) if authority.exists() else True
        # A gallery that speaks TLS sends whoever asks in the clear there.
        with httpx.Client(trust_env=False, timeout=_ANSWER_S, verify=trust, follow_redirects=True) as client:
            told = client.get(f"http://127.0.0.1:{ports['gateway']}/api/ready").json()
    except (LookupError, OSError, ValueError, httpx.HTTPError):
        return None
    return told if isinstance(told, dict) and "storage" in told else None


async def _not_serving(ports: Mapping[str, int]) -> list[str]:
    """The workers whose gRPC does not say that it serves."""
    names = [one.name for one in workers() if f"{one.name}-rpc" in ports]
    serving = await asyncio.gather(*(serves_rpc(ports[f"{name}-rpc"])() for name in names))
    return [name for name, serves in zip(names, serving, strict=True) if not serves]
