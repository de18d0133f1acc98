"""Whatever happens at the same moment, no file goes that a manifest names.

Jobs, two collectors that may be killed anywhere, and a storage whose clock jumps, in an order drawn by chance.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from immichvr_common.errors import Conflict, NotFound, SourceReplaced
from immichvr_common.manifests import (
    AssetFile,
    Manifest,
    add_files,
    asset_prefix,
    bury_asset,
    commit_manifest,
    parse_manifest,
)
from immichvr_common.sources import Source
from immichvr_common.storage import Listed, ObjectStore, Stored
from immichvr_gateway.assets.index import AssetEntry, AssetIndex, ManifestReader, entry_of
from immichvr_gateway.retention.collector import Collector, Report
from immichvr_gateway.retention.decisions import Rules
from immichvr_gateway.retention.forgetting import AssetBook

RULES = Rules(ply=timedelta(days=3), source=timedelta(hours=36), grace=timedelta(hours=24))


class Memory:
    """Storage in memory, of the surface that retention uses; every call takes a while, by chance."""

    def __init__(self, chance: random.Random) -> None:
        self.objects: dict[str, tuple[bytes, datetime]] = {}
        self._chance, self._now = chance, datetime(2026, 1, 1, tzinfo=UTC)

    async def _a_while(self) -> None:
        for _ in range(self._chance.randrange(4)):
            await asyncio.sleep(0)
        self._now += timedelta(hours=self._chance.choice([0, 0, 0, 0, 1, 30, 100]))

    async def walk(self, prefix: str, after: str = "") -> AsyncIterator[list[Listed]]:
        while page := [key for key in sorted(self.objects) if key.startswith(prefix) and key > after][:7]:
            after = page[-1]
            yield [Listed(key, len(self.objects[key][0]), self._etag(key), self.objects[key][1]) for key in page]
            await self._a_while()

    async def clock(self) -> datetime:
        await self._a_while()
        return self._now

    async def get_bytes(self, key: str) -> Stored:
        await self._a_while()
        if key not in self.objects:
            raise NotFound(f"no object {key}")
        return Stored(self.objects[key][0], self._etag(key))

    async def exists(self, key: str) -> bool:
        await self._a_while()
        return key in self.objects

    async def put(self, key: str) -> None:
        await self._a_while()
        assert key not in self.objects, "no key is ever written twice, but for manifests"
        self.objects[key] = (key.encode(), self._now)

    async def put_if(self, key: str, data: bytes, media_type: str, etag: str | None) -> str:
        await self._a_while()
        if (self._etag(key) if key in self.objects else None) != etag:
            raise Conflict("another was first")
        self.objects[key] = (data, self._now)
        return self._etag(key)

    async def delete(self, key: str) -> None:
        await self._a_while()
        self.objects.pop(key, None)

    def _etag(self, key: str) -> str:
        return hashlib.md5(self.objects[key][0], usedforsecurity=False).hexdigest()


class NoRecords:
    """Records that nobody reads."""

    async def write(self, entry: AssetEntry) -> None: ...

    async def forget(self, entry: AssetEntry) -> None: ...


class World:
    """Photos, jobs about them, and two gateways that tidy up."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.memory = Memory(self.chance)
        self.store = cast(ObjectStore, self.memory)
        self.busy: list[str] = []
        self._count = itertools.count(1)
        self.indexes = [AssetIndex(), AssetIndex()]

    async def job(self) -> None:
        """A job that stores its files, and makes an asset of them or dies; a conversion; a deletion."""
        photo, recipe, number = Source.photo(self.chance.choice("ab")), self.chance.choice("xy"), next(self._count)
        prefix = asset_prefix("splat", photo, "m", recipe)
        what = self.chance.choice(["make", "make", "make", "die", "convert", "delete"])
        key = f"{prefix}/manifest.json"
        if what == "delete":
            with suppress(NotFound):
                await bury_asset(self.store, key, "deleted")
            return
        self.busy.append(photo.id)
        try:
            names = ["splat.ksplat"] if what == "convert" else ["splat.spz", "splat.ply"]
            files = [
                AssetFile(
                    name=name, role="splat", format=name.partition(".")[2], key=f"{prefix}/job-{number}/{name}",
                    size=1, sha256=f"{number:064x}", media_type="x/y",
                )
                for name in names
            ]  # fmt: skip
            for file in files:
                await self.memory.put(file.key)
            if what == "convert":
                with suppress(NotFound, SourceReplaced):
                    await add_files(self.store, key, files, [])
            elif what == "make":
                made = Manifest(
                    kind="splat", source=photo, source_version="v", model_key="m", recipe=recipe,
                    files=files, job_id=f"job-{recipe}", run=number, attempt=1, requested_at=datetime.now(UTC),
                )  # fmt: skip
                stands = await commit_manifest(self.store, made)
                # Each gateway hears of it when it does; one may never have.
                for index in self.chance.sample(self.indexes, self.chance.randrange(1, 3)):
                    index.put(entry_of(stands))
        finally:
            self.busy.remove(photo.id)

    async def tidy(self, index: AssetIndex) -> None:
        """One look of one gateway."""
        manifests = ManifestReader(self.store)
        book = AssetBook(cast(Any, None), self.store, index, manifests, cast(Any, NoRecords()), lambda _: None)

        async def busy() -> set[str]:
            return set(self.busy)

        collector = Collector(self.store, index, manifests, book, busy, RULES)
        report = Report()
        async for _ in collector.walk(report, "splats"):
            self.check()

    def check(self) -> None:
        """Every file that a manifest names is there."""
        for key, (data, _) in self.memory.objects.items():
            if key.endswith("/manifest.json"):
                for file in parse_manifest(data, key).files:
                    assert file.key in self.memory.objects, f"{file.key} is named by {key} and gone"


@pytest.mark.parametrize("seed", range(40))
async def test_no_file_goes_that_a_manifest_names(seed: int) -> None:
    world = World(seed)
    for _ in range(12):
        looks = [asyncio.create_task(world.tidy(index)) for index in world.indexes]
        jobs = [asyncio.create_task(world.job()) for _ in range(world.chance.randrange(1, 6))]
        if world.chance.random() < 0.4:
            for _ in range(world.chance.randrange(40)):
                await asyncio.sleep(0)
            world.chance.choice(looks).cancel()
        for ended in await asyncio.gather(*looks, *jobs, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
        world.check()


async def test_once_all_is_quiet_nothing_is_left_but_what_manifests_name() -> None:
    world = World(7)
    await asyncio.gather(*(world.job() for _ in range(60)))
    for _ in range(4):
        world.memory._now += timedelta(hours=25)
        await world.tidy(world.indexes[0])
    manifests = {key: parse_manifest(data, key) for key, (data, _) in world.memory.objects.items() if "manifest" in key}
    named = {file.key for one in manifests.values() for file in one.files}
    assert set(world.memory.objects) == named | set(manifests)


async def test_what_is_made_anew_while_it_is_forgotten_is_written_down_in_the_end() -> None:
    index, chance = AssetIndex(), random.Random(0)
    old, new = (
        AssetEntry(
            source=Source.photo("a"), kind="depth", model_key="m", recipe=recipe,
            manifest_key=f"depth/a_m/{recipe}/manifest.json", made_at=datetime(2026, 1, 1, tzinfo=UTC), seq=seq,
        )
        for seq, recipe in enumerate("xy", start=1)
    )  # fmt: skip
    written: dict[str, AssetEntry] = {}

    class Records(NoRecords):
        async def write(self, entry: AssetEntry) -> None:
            written[entry.kv_key] = entry

        async def forget(self, entry: AssetEntry) -> None:
            index.put(new)
            await self.write(new)
            del written[entry.kv_key]

    index.put(old)
    store = cast(ObjectStore, Memory(chance))
    book = AssetBook(cast(Any, None), store, index, ManifestReader(store), cast(Any, Records()), lambda _: None)
    await book.forget(old)
    assert list(written.values()) == [new]
