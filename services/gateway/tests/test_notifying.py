"""News of assets: none is lost because storage is away when it comes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from immichvr_common.errors import NotFound, Unavailable
from immichvr_common.manifests import Manifest
from immichvr_common.sources import Source
from immichvr_common.supervision import Supervisor
from immichvr_gateway.assets.index import ManifestReader, entry_of
from immichvr_gateway.events.notifying import Notifier
from immichvr_gateway.events.sockets import ClientEvents
from immichvr_gateway.jobs.index import JobIndex

MADE = Manifest(
    kind="depth", photo_id="beach", source_version="v", model_key="heuristic", recipe="r", files=[], details={},
    job_id="j", run=1, attempt=1, requested_at=datetime.now(UTC),
)  # fmt: skip


class Storage:
    """Reads a manifest once it has been away so many times; `gone`: it is removed meanwhile."""

    def __init__(self, outages: int, gone: bool = False) -> None:
        self.left, self._gone = outages, gone

    async def read(self, key: str) -> Manifest:
        if self.left:
            self.left -= 1
            raise Unavailable("S3 is away", "s3")
        if self._gone:
            raise NotFound("it was removed")
        return MADE


class Sockets:
    """Whoever listens."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Source]] = []

    def asset_created(self, asset: dict[str, Any], source: Source, user_ids: set[str]) -> None:
        self.told.append((asset["key"], source))


async def told_of_an_asset(storage: Storage) -> list[tuple[str, Source]]:
    """What sockets hear once everything was done that is done of an asset's event."""
    sockets, supervisor = Sockets(), Supervisor()
    manifests = cast(ManifestReader, storage)
    before = asyncio.all_tasks()
    Notifier(cast(ClientEvents, sockets), JobIndex(), manifests, supervisor).on_asset(entry_of(MADE))
    [errand] = asyncio.all_tasks() - before
    await errand
    return sockets.told


@pytest.mark.usefixtures("timeless")
async def test_news_of_an_asset_wait_for_storage_however_long_it_is_away_and_the_log_says_so_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert await told_of_an_asset(Storage(outages=200)) == [("depth-heuristic", Source.photo("beach"))]
    [warning] = [line for line in "".join(capsys.readouterr()).splitlines() if "warning" in line]
    assert "news of an asset waits for storage" in warning and MADE.key in warning


@pytest.mark.usefixtures("timeless")
async def test_an_asset_that_goes_while_its_news_wait_is_not_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert await told_of_an_asset(Storage(outages=2, gone=True)) == []
    assert "an errand failed" not in "".join(capsys.readouterr())
