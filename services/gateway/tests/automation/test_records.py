"""What is kept of what somebody set up, by several writers of one gateway."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from immichvr_common.bus import Bus
from immichvr_common.bus.kv import Kept, KeyValueStore
from immichvr_gateway.automation.records import AutomationRecords, Integration


async def test_a_change_that_comes_while_another_is_thought_about_is_kept(
    empty_bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, now = AutomationRecords(empty_bus), datetime.now(UTC)
    await records.put_integration("ada", Integration(secret_hash="", since=now))
    await records.change_integration("ada", trouble="no way there")
    read, go_on, get = asyncio.Event(), asyncio.Event(), KeyValueStore.get

    async def hold(store: KeyValueStore, key: str) -> Kept:
        kept = await get(store, key)
        if not read.is_set():
            read.set()
            await go_on.wait()
        return kept

    monkeypatch.setattr(KeyValueStore, "get", hold)
    async with asyncio.TaskGroup() as changes:
        changes.create_task(records.change_integration("ada", tag_id="tag"))
        await read.wait()
        await records.change_integration("ada", last_call=now)
        go_on.set()
    kept = await records.integration("ada")
    assert kept is not None and (kept.last_call, kept.tag_id, kept.trouble) == (now, "tag", "no way there")
