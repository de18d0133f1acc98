"""News of assets: told by the manifest that proved them, so that storage that is away since holds none up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from immichvr_common.errors import Unavailable
from immichvr_common.manifests import Manifest
from immichvr_common.sources import Source
from immichvr_gateway.assets.index import AssetEntry, AssetIndex, entry_of
from immichvr_gateway.assets.store import AssetStore
from immichvr_gateway.events.notifying import Notifier
from immichvr_gateway.events.sockets import ClientEvents
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.loading import AssetKeeper
from structlog.testing import capture_logs

MADE = Manifest(
    kind="depth", photo_id="beach", source_version="v", model_key="heuristic", recipe="r", files=[], details={},
    job_id="j", run=1, attempt=1, requested_at=datetime.now(UTC),
)  # fmt: skip


class Keeper:
    """Writes entries; meanwhile something happens to them."""

    def __init__(self, meanwhile: Callable[[AssetEntry], object]) -> None:
        self._meanwhile = meanwhile

    async def write(self, entry: AssetEntry) -> None:
        self._meanwhile(entry)


class Blinking:
    """Writes nothing the first time, and what it is told from then on."""

    def __init__(self) -> None:
        self.written: list[AssetEntry] = []
        self._is_away = True

    async def write(self, entry: AssetEntry) -> None:
        if self._is_away:
            self._is_away = False
            raise Unavailable("NATS is away", down="nats")
        self.written.append(entry)


class Sockets:
    """Whoever listens."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Source]] = []

    def asset_created(self, asset: dict[str, Any], source: Source, user_ids: set[str]) -> None:
        self.told.append((asset["key"], source))


async def told_of_an_asset(index: AssetIndex, meanwhile: Callable[[AssetEntry], object]) -> list[tuple[str, Source]]:
    """What sockets, and those who want to hear of what is made anew, hear of an asset's event."""
    sockets, anew = Sockets(), list[str]()
    notifier = Notifier(cast(ClientEvents, sockets), JobIndex())
    store = AssetStore(index, cast(AssetKeeper, Keeper(meanwhile)), [notifier.on_asset])
    store.newcomers.append(lambda entry: anew.append(entry.asset_key))
    await store.on_event(MADE, datetime.now(UTC), seq=1)
    assert anew == [key for key, _ in sockets.told]
    return sockets.told


async def test_an_asset_is_told_of_by_the_manifest_that_proved_it() -> None:
    assert await told_of_an_asset(AssetIndex(), lambda _: None) == [("depth-heuristic", Source.photo("beach"))]


async def test_an_asset_that_goes_while_it_is_written_down_is_not_told_of() -> None:
    index = AssetIndex()
    assert await told_of_an_asset(index, lambda entry: index.remove(entry.source, entry.asset_key)) == []


@pytest.mark.parametrize("earlier_run", [None, 0])
async def test_an_asset_whose_writing_failed_is_anew_still_when_its_event_is_taken_again(
    earlier_run: int | None,
) -> None:
    index, keeper, told, anew = AssetIndex(), Blinking(), list[Manifest](), list[AssetEntry]()
    if earlier_run is not None:
        index.put(entry_of(MADE).model_copy(update={"run": earlier_run}))
    before = index.of(MADE.source)
    store = AssetStore(index, cast(AssetKeeper, keeper), [told.append])
    store.newcomers.append(anew.append)
    with pytest.raises(Unavailable):
        await store.on_event(MADE, datetime.now(UTC), seq=1)
    assert (index.of(MADE.source), told, anew) == (before, [], [])
    await store.on_event(MADE, datetime.now(UTC), seq=1)
    assert (index.of(MADE.source), told, anew) == (keeper.written, [MADE], keeper.written)
    assert len(anew) == 1


async def test_what_goes_while_its_writing_fails_does_not_come_back_with_that() -> None:
    index = AssetIndex()

    def fail(entry: AssetEntry) -> None:
        index.remove(entry.source, entry.asset_key)
        raise Unavailable("NATS is away", down="nats")

    index.put(entry_of(MADE))
    store = AssetStore(index, cast(AssetKeeper, Keeper(fail)))
    with pytest.raises(Unavailable):
        await store.on_event(MADE, datetime.now(UTC), seq=1)
    assert index.of(MADE.source) == []


async def test_a_view_that_fails_keeps_no_news_from_who_listens_after_it() -> None:
    told, anew = list[Manifest](), list[AssetEntry]()

    def fail(manifest: Manifest) -> None:
        raise ValueError("an odd view")

    store = AssetStore(AssetIndex(), cast(AssetKeeper, Keeper(lambda _: None)), [fail, told.append])
    store.newcomers.append(anew.append)
    with capture_logs() as logs:
        await store.on_event(MADE, datetime.now(UTC), seq=1)
    assert (told, [one.asset_key for one in anew]) == ([MADE], ["depth-heuristic"])
    [line] = logs
    assert (line["log_level"], str(line["exc_info"])) == ("error", "an odd view")
    assert line["listener"].endswith("fail")
