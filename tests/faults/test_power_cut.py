"""The power fails in the middle of work: every process is killed, and the disks lose the last that was written."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from immichvr_common.bus import connect
from immichvr_common.embedded import NatsServer, SeaweedServer
from immichvr_common.storage import ObjectStore
from immichvr_gateway.admin.verify import Findings, verify

_LOST_BYTES = 3000
"""Off the end of every file of a store: about the manifests of one photo."""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[NatsServer, SeaweedServer]]:
    """Servers of this test's own."""
    nats = NatsServer(tmp_path_factory.mktemp("cut-nats")).start()
    weed = SeaweedServer(tmp_path_factory.mktemp("cut-weed")).start()
    yield nats, weed
    nats.kill()
    weed.kill()


async def test_after_a_power_cut_nothing_broken_is_served_and_what_is_lost_is_named(
    servers, start_gateway, start_worker
) -> None:
    nats, weed = servers
    own = _told("IMMICHVR_GATEWAY_", "gateway", nats, weed)
    gateway = start_gateway(**own).wait_until_ready()
    worker = start_worker("cut", **_told("IMMICHVR_AI_", "ai", nats, weed))
    for name in ("before.jpg", "next.jpg"):
        await gateway.until(await gateway.submit(name, "splat"))
    job = await gateway.submit("slow-cut.jpg")
    await gateway.until(job, "running")
    made = [file for name in ("before.jpg", "next.jpg") for file in _files(gateway, name)]
    for process in (gateway, worker):
        process.stop()  # SIGKILL, with all that works for it
    nats.kill()
    weed.kill()
    _lose_tails(nats.directory, "*.blk")
    _lose_tails(weed.directory, "*.dat")
    weed.start()
    nats.start()

    # For each object whose end is gone SeaweedFS tries for 13 seconds: the gateway, and who verifies, at once.
    again = start_gateway(**own)
    _, findings = await asyncio.gather(asyncio.to_thread(again.wait_until_ready), _verified(nats, weed))
    served = {}
    for url, sha256 in made:
        answer = await asyncio.to_thread(again.client.get, url)
        served[url] = answer.status_code
        if answer.status_code == 200:
            assert hashlib.sha256(answer.content).hexdigest() == sha256, f"{url} is served, and is another"
    lost = {url for url, status in served.items() if status != 200}
    assert {served[url] for url in lost} <= {404, 410, 502}
    assert lost
    assert len(lost) < len(made)
    assert findings.broken
    assert (await again.job(job)).get("state") in ("queued", "running", None)
    again.stop()


def _told(prefix: str, user: str, nats: NatsServer, weed: SeaweedServer) -> dict[str, str]:
    bus, account = nats.settings(user), weed.settings(service=user)
    return {
        f"{prefix}NATS__URL": bus.url,
        f"{prefix}NATS__PASSWORD": bus.password.get_secret_value(),
        f"{prefix}S3__ENDPOINT": account.endpoint,
        f"{prefix}S3__ACCESS_KEY": account.access_key.get_secret_value(),
        f"{prefix}S3__SECRET_KEY": account.secret_key.get_secret_value(),
    }


def _files(gateway, name: str) -> list[tuple[str, str]]:
    """(address, SHA-256) of every file of a photo's assets."""
    urls = [file["url"] for asset in gateway.assets(name) for file in asset["files"]]
    return [(url, hashlib.sha256(gateway.client.get(url).content).hexdigest()) for url in urls]


async def _verified(nats: NatsServer, weed: SeaweedServer) -> Findings:
    bus, store = await connect(nats.settings("gateway"), "admin"), ObjectStore(weed.settings())
    try:
        return await verify(bus, store, read_contents=True)
    finally:
        await bus.close()
        store.close()


def _lose_tails(directory: Path, pattern: str) -> None:
    for path in directory.rglob(pattern):
        os.truncate(path, max(0, path.stat().st_size - _LOST_BYTES))
