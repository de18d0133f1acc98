"""The check of a stack that is running on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from immichvr_local.doctor.check import Check, fail, ok, warn
from immichvr_local.stack.data import default_directory

_ANSWER_S = 10.0


def running() -> Check:
    """What a running stack says of itself, of its storage above all."""
    name, data = "running", default_directory()
    told = _told(data / "state.json")
    if told is None:
        return ok(name, f"nothing on {data}")
    broken = [part for part in ("nats", "s3", "started", "tasks") if told.get(part) is False]
    troubles = [str(one["message"]) for one in told.get("storage", [])]
    if broken or troubles:
        found = [*troubles, *([f"not well: {', '.join(broken)}"] if broken else [])]
        return fail(name, "; ".join(found), f"docs/storage.md says more; the logs are in {data / 'logs'}")
    if strange := told.get("set_aside"):
        words = f"the stack on {data}; {strange} messages on the bus could not be read or believed"
        return warn(name, words, f"the gateway's log in {data / 'logs'} says which; see docs/security.md")
    return ok(name, f"the stack on {data}, all well")


def _told(state: Path) -> dict[str, Any] | None:
    """The readiness of the gateway that was started last; None where none answers."""
    import httpx

    try:
        port = int(json.loads(state.read_text())["ports"]["gateway"])
        with httpx.Client(trust_env=False, timeout=_ANSWER_S) as client:
            told = client.get(f"http://127.0.0.1:{port}/api/ready").json()
    except (OSError, ValueError, LookupError, TypeError, httpx.HTTPError):
        return None
    return told if isinstance(told, dict) and "storage" in told else None
