"""Records have a version: older ones are brought to this release's, later ones are left alone or refused."""

from __future__ import annotations

import json

import pytest
from immichvr_gateway.upkeep.version import OURS, Version, VersionUnreadable, WrittenByLater, agree_on_version


async def there(bus) -> dict[str, int] | None:
    kept = await bus.kv("state").get("records.version")
    return json.loads(kept.value) if kept.value else None


async def test_a_gateway_that_starts_writes_its_version_down(gateway, empty_bus) -> None:
    assert await there(empty_bus) == OURS.model_dump()


async def test_older_records_are_brought_on_a_step_at_a_time_and_go_on_where_that_was_interrupted(empty_bus) -> None:
    steps: list[int] = []

    async def first(_) -> None:
        steps.append(1)

    async def second(_) -> None:
        steps.append(2)
        if steps.count(2) == 1:
            raise ConnectionError("the power fails")

    await agree_on_version(empty_bus)
    third = Version(version=3, read_since=2)
    with pytest.raises(ConnectionError):
        await agree_on_version(empty_bus, third, {1: first, 2: second})
    assert await there(empty_bus) == {"version": 2, "read_since": 2}
    assert await agree_on_version(empty_bus, third, {1: first, 2: second}) == third
    assert steps == [1, 2, 2]
    assert await agree_on_version(empty_bus, third, {}) == third


async def test_a_release_before_goes_on_with_what_it_reads_and_leaves_the_version(empty_bus) -> None:
    later = Version(version=5, read_since=4)

    async def nothing(_) -> None:
        pass

    await agree_on_version(empty_bus, later, dict.fromkeys(range(1, 5), nothing))
    assert await agree_on_version(empty_bus, Version(version=4, read_since=1), {}) == later
    assert await there(empty_bus) == later.model_dump()
    with pytest.raises(WrittenByLater, match="run the later release, or restore a backup"):
        await agree_on_version(empty_bus)
    assert await there(empty_bus) == later.model_dump()


async def test_records_without_a_version_are_the_first_releases(empty_bus) -> None:
    steps: list[int] = []

    async def first(_) -> None:
        steps.append(1)

    await agree_on_version(empty_bus, Version(version=2, read_since=1), {1: first})
    assert steps == [1]


async def test_a_version_that_cannot_be_read_is_nobodys_to_guess(empty_bus) -> None:
    await empty_bus.kv("state").put("records.version", b'{"version":')
    with pytest.raises(VersionUnreadable, match="cannot be read"):
        await agree_on_version(empty_bus)
    assert (await empty_bus.kv("state").get("records.version")).value == b'{"version":'
