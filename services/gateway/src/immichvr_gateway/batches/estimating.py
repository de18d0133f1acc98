"""What a batch will take, before anything of it is begun."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from immichvr_catalog import KINDS
from immichvr_common.errors import ServiceError

from immichvr_gateway.assets.index import AssetEntry, AssetIndex, ManifestReader
from immichvr_gateway.batches.records import BatchWanted, Estimate
from immichvr_gateway.batches.selecting import Stage, look_through
from immichvr_gateway.library import Identity, Library

_MOST_PAGES = 50
_SAMPLED = 12
LIGHT = "light"


class Estimator:
    """Counts what there is, and takes time and room from what was made lately.

    pace: seconds that a job of a kind takes. at_once: how many jobs are done at once just now, at least one.
    """

    def __init__(
        self, library: Library, assets: AssetIndex, manifests: ManifestReader, pace: Callable[[], Mapping[str, float]],
        at_once: Callable[[], int],
    ) -> None:  # fmt: skip
        self._library, self._assets, self._manifests = library, assets, manifests
        self._pace, self._at_once = pace, at_once

    async def estimate(self, who: Identity, wanted: BatchWanted, today: date) -> Estimate:
        """What it takes. Raises library errors."""
        makes = KINDS[wanted.kind].asset
        items = missing = 0
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            some = await look_through(self._library, who, wanted.filter, Stage.NEWEST, cursor, today)
            items += len(some.items)
            missing += sum(not self._assets.badges(one.source).get(makes, False) for one in some.items)
            cursor = some.next_cursor
            if cursor is None:
                break
        seconds = self._pace().get(wanted.kind)
        size = await self._size_of_one(makes, wanted.preview_only)
        return Estimate(
            items=items, is_at_least=cursor is not None, to_make=missing,
            hours=None if seconds is None else round(missing * seconds / self._at_once() / 3600, 3),
            gigabytes=None if size is None else round(missing * size / 1e9, 3),
        )  # fmt: skip

    async def _size_of_one(self, makes: str, light_only: bool) -> float | None:
        """Bytes that one takes in storage, by the latest that were made; None where there is none."""
        entries = [entry for _, entries in self._assets for entry in entries if entry.kind == makes]
        sizes = [
            size for entry in sorted(entries, key=lambda one: one.made_at)[-_SAMPLED:]
            if (size := await self._size(entry, light_only)) is not None
        ]  # fmt: skip
        return sum(sizes) / len(sizes) if sizes else None

    async def _size(self, entry: AssetEntry, light_only: bool) -> int | None:
        try:
            manifest = await self._manifests.read(entry.manifest_key)
        except ServiceError:
            return None
        files = [file for file in manifest.files if not light_only or file.variant == LIGHT]
        return sum(file.size for file in files) if files else None
