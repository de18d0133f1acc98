"""The power fails in the middle of work, and the disks lose the last that was written to each store."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from immichvr_common.bus import connect
from immichvr_common.embedded import BUCKET, NatsServer, SeaweedServer
from immichvr_common.storage import ObjectStore
from immichvr_gateway.admin.verify import Findings, verify

_LOST_BYTES = 3000
"""Off the end of every file of a store: about the manifests of one photo."""


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    """A server of this test's own."""
    (tmp_path / "nats").mkdir()
    server = NatsServer(tmp_path / "nats").start()
    yield server
    server.kill()


@pytest.fixture
def weed(tmp_path: Path) -> Iterator[SeaweedServer]:
    """A server of this test's own."""
    (tmp_path / "weed").mkdir()
    server = SeaweedServer(tmp_path / "weed", buckets=(BUCKET, "gateway-tests")).start()
    yield server
    server.kill()


async def test_after_a_power_cut_nothing_broken_is_served_and_what_is_lost_is_named(
    nats_server, weed, serving, settings, working
) -> None:
    async with working("ai"), serving(settings) as gateway:
        page = (await gateway.get("/api/photos?limit=500")).json()
        gateway.ids = {photo["name"]: photo["id"] for photo in page["items"]}
        async with gateway.listening() as live:
            for name in ("beach.jpg", "hut.png"):
                await gateway.make(live, name, "splat")
            job = (await gateway.post("slow-lake.jpg", "depth")).json()["job"]
            await live.job(job["id"], "running")
            made = [file for name in ("beach.jpg", "hut.png") for file in await _files(gateway, gateway.ids[name])]
        nats_server.kill()
        weed.kill()
    _lose_tails(nats_server.directory, "*.blk")
    _lose_tails(weed.directory, "*.dat")
    weed.start()
    nats_server.start()

    async with serving(settings) as gateway:
        findings = await _verified(nats_server, settings)
        served = {}
        for url, sha256 in made:
            answer = await gateway.get(url)
            served[url] = answer.status_code
            if answer.status_code == 200:
                assert hashlib.sha256(answer.content).hexdigest() == sha256, f"{url} is served, and is another"
        lost = {url for url, status in served.items() if status != 200}
        assert {served[url] for url in lost} <= {404, 410, 502}
        assert lost
        assert len(lost) < len(made)
        assert findings.broken
        after = (await gateway.get(f"/api/jobs/{job['id']}")).json()
        assert after.get("state") in ("queued", "running", None)


async def _files(gateway, photo_id: str) -> list[tuple[str, str]]:
    """(address, SHA-256) of every file of a photo's assets."""
    assets = (await gateway.get(f"/api/photos/{photo_id}/assets")).json()["assets"]
    files = []
    for asset in assets:
        for file in asset["files"]:
            content = (await gateway.get(file["url"])).content
            files.append((file["url"], hashlib.sha256(content).hexdigest()))
    return files


async def _verified(nats_server: NatsServer, settings) -> Findings:
    bus, store = await connect(nats_server.settings("gateway"), "admin"), ObjectStore(settings.s3)
    try:
        return await verify(bus, store, read_contents=True)
    finally:
        await bus.close()
        store.close()


def _lose_tails(directory: Path, pattern: str) -> None:
    for path in directory.rglob(pattern):
        os.truncate(path, max(0, path.stat().st_size - _LOST_BYTES))
