"""What services write: JSON of one schema, line by line, whatever happens to them, and no secret in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from immichvr_catalog import SERVICES, workers
from PIL import Image

SCHEMA = {
    "type": "object",
    "required": ["timestamp", "level", "event", "service", "logger"],
    "properties": {
        "timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"},
        "level": {"enum": ["debug", "info", "warning", "error", "critical"]},
        "event": {"type": "string", "minLength": 1},
        "service": {"enum": [*SERVICES]},
        "logger": {"type": "string", "minLength": 1},
        "job_id": {"type": "string"},
        "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "exception": {"type": "string"},
    },
    "propertyNames": {"pattern": "^[a-z][a-z0-9_]*$"},
}
REAL = ("ai", "converter")
TOKEN = "the-token-that-nobody-reads-in-a-log"
LOUD = {"LOG_JSON": "true", "LOG_LEVEL": "debug"}


def lines_of(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def loud(prefix: str) -> dict[str, str]:
    return {f"{prefix}{name}": value for name, value in LOUD.items()}


@pytest.fixture
def secrets(bus_server, object_server) -> set[str]:
    """Every credential that the processes here have."""
    users = [*SERVICES]
    found = {bus_server.settings(user).password.get_secret_value() for user in users}
    for user in users:
        of_storage = object_server.settings(service=user)
        found.add(of_storage.secret_key.get_secret_value())
    return found | {TOKEN}


async def test_every_service_writes_json_of_one_schema_and_no_secret(
    start_gateway, start_worker, studio, place, secrets
) -> None:
    Image.linear_gradient("L").resize((96, 64)).convert("RGB").save(place / "photos/real.jpg")
    gateway = start_gateway(**loud("IMMICHVR_GATEWAY_"), IMMICHVR_GATEWAY_ACCESS_TOKEN=TOKEN).wait_until_ready()
    trial = start_worker("loud", **loud("IMMICHVR_AI_"))
    job = await gateway.submit("logged.jpg")
    await gateway.until(job)
    gateway.client.get("/api/photos", headers={"x-api-key": TOKEN, "authorization": f"Bearer {TOKEN}"})
    gateway.client.get("/api/photos", params={"token": TOKEN})
    trial.ask_to_end()
    # Those that a release runs, at real work.
    at_work = [
        start_worker(f"real-{name}", "-m", SERVICES[name].module, **loud(SERVICES[name].env_prefix)) for name in REAL
    ]
    made = await gateway.submit("real.jpg", "splat", model="lift-heuristic")
    assert (await gateway.until(made, within_s=120))["state"] == "succeeded"
    converted = await gateway.submit("real.jpg", "splat/convert", format="splat")
    assert (await gateway.until(converted, within_s=120))["state"] == "succeeded"
    processes = [gateway, trial, *at_work]
    ended_in_order = len(processes)
    for service in workers():
        prefix = service.env_prefix
        # The port of metrics is no port: it ends by what nobody expected, once it has begun to log.
        wrong = {f"{prefix}METRICS__PORT": "1", f"{prefix}METRICS__HOST": "203.0.113.1"}
        processes.append(start_worker(f"wrong-{service.name}", "-m", service.module, **loud(prefix), **wrong))
    for one in processes[ended_in_order:]:
        one.popen.wait(60)
    for one in (gateway, *at_work):
        one.ask_to_end()
    for one in processes:
        lines = lines_of(one.log)
        assert lines, one.log
        for line in lines:
            jsonschema.validate(line, SCHEMA)
        text = one.log.read_text()
        assert not [secret for secret in secrets if secret in text], one.log
    [ended] = [line for line in lines_of(trial.log) if line["event"] == "job ended"]
    assert (ended["service"], ended["job_id"], len(ended["trace_id"])) == ("ai", job, 32)
    for one, done in zip(at_work, (made, converted), strict=True):
        told = [line for line in lines_of(one.log) if line["event"] == "job ended"]
        assert done in {line["job_id"] for line in told}
    for one in processes[ended_in_order:]:
        assert lines_of(one.log)[-1]["level"] == "critical"
        assert "Traceback" in lines_of(one.log)[-1]["exception"]
