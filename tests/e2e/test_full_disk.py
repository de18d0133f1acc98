"""The whole stack on a disk that gets full: told everywhere within half a minute, and well again when there is room.

In short: packages/common/tests/test_full.py, apps/local/tests/test_full_disk.py, and the gateway's
test_storage_trouble.py.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import httpx
import pytest
from immichvr_common.bus import connect
from immichvr_common.errors import Unavailable
from immichvr_common.settings import NatsSettings
from immichvr_common.testing.disks import fill, small_disk
from immichvr_local.doctor import stack as doctor
from PIL import Image
from pydantic import SecretStr


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 400) as place:
        yield place


def until(is_so: Callable[[], bool], seconds: float) -> float:
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds
        time.sleep(0.2)
    return time.monotonic() - began


async def tell_much(data: Path) -> None:
    """Publishes more than fits on the disk, as progress of many jobs does."""
    port = json.loads((data / "state.json").read_text())["ports"]["nats"]
    password = (data / "secrets" / "nats-gateway").read_text().strip()
    settings = NatsSettings(url=f"nats://127.0.0.1:{port}", user="gateway", password=SecretStr(password))
    bus = await connect(settings.model_copy(update={"connect_timeout_s": 1}), "teller")
    with suppress(Unavailable):
        for _ in range(5):
            await bus.publish("events.gateway.probe.much", bytes(500_000))
    await bus.close()


@pytest.mark.long
def test_a_full_disk_is_told_everywhere_and_work_goes_on_when_there_is_room(
    disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_up: Callable[..., AbstractContextManager[str]]
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("one.jpg", "two.jpg"):
        Image.new("RGB", (64, 48), "teal").save(photos / name)
    monkeypatch.setenv("IMMICHVR_DATA", str(disk / "data"))
    where = ("--data", disk / "data", "--photos", photos)
    with start_up(tmp_path, *where, IMMICHVR_KEEP_FREE="60MB") as address, httpx.Client(base_url=address) as client:
        screen = tmp_path / "up.log"

        def ready() -> httpx.Response:
            return client.get("/api/ready", timeout=20)

        ids = [one["id"] for one in client.get("/api/photos").json()["items"]]
        assert doctor.running().state == "ok"
        filler = fill(disk)
        until(lambda: ready().status_code == 503, 30)
        until(lambda: "make room" in screen.read_text(), 30)
        assert {one["code"] for one in ready().json()["storage"]} == {"storage_full"}
        told = doctor.running()
        assert (told.state, "make room" in told.found) == ("fail", True)
        refused = client.post(f"/api/photos/{ids[0]}/splat", json={}, timeout=30)
        assert (refused.status_code, refused.json()["code"]) == (507, "storage_full")
        assert client.get(f"/api/photos/{ids[0]}/thumbnail").status_code == 200
        # NATS has to have met it too: it goes on refusing afterwards, until it is started again.
        asyncio.run(tell_much(disk / "data"))
        until(lambda: "nats" in {one["where"] for one in ready().json()["storage"]}, 30)
        filler.unlink()
        until(lambda: ready().status_code == 200, 60)
        made = client.post(f"/api/photos/{ids[1]}/splat", json={}, timeout=30)
        assert made.status_code == 202
        job = made.json()["job"]["id"]
        until(lambda: client.get(f"/api/jobs/{job}").json()["state"] == "succeeded", 60)
        until(lambda: "there is room again" in screen.read_text(), 10)
        assert doctor.running().state == "ok"
