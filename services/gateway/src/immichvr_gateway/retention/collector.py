"""Goes through storage a page at a time and carries out what `decisions` says.

Safe against everything that happens meanwhile: it lists, then asks what is under way, then reads the manifests. A job
that ended before it was asked has its manifest written by then; one that begins later writes under keys that did not
exist when it listed. A manifest is only ever changed over the very one that was judged.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from immichvr_catalog import KINDS
from immichvr_common.errors import Conflict, ServiceError, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.manifests import change_manifest, parse_manifest
from immichvr_common.storage import Listed, ObjectStore
from immichvr_common.storage_rights import PARTS

from immichvr_gateway.assets.index import AssetIndex, ManifestReader, entry_of
from immichvr_gateway.retention.decisions import (
    Change,
    Found,
    Group,
    Rules,
    Verdict,
    Why,
    judge,
    judge_part,
    judge_source,
    missing_files,
)
from immichvr_gateway.retention.forgetting import AssetBook
from immichvr_gateway.retention.groups import grouped, whole_groups

log = get_log(__name__)

SOURCES = "sources"
_MANIFEST = "manifest.json"
_SETTLED = 100_000
"""Assets of which is remembered that nothing of them goes yet."""

Busy = Callable[[], Awaitable[set[str]]]


@dataclass
class Tally:
    """Objects and their bytes."""

    objects: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        """Counts one more."""
        self.objects += 1
        self.bytes += size


@dataclass
class Report:
    """What a pass found and did.

    kept: by top-level prefix; of: the same by the id of the source. gone: by why; what would go, where nothing may be
    done.
    """

    kept: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    of: dict[str, dict[str, Tally]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Tally)))
    gone: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    requests: int = 0

    def keep(self, root: str, source_id: str, size: int) -> None:
        """Counts an object that stays."""
        self.kept[root].add(size)
        self.of[source_id][root].add(size)


class Collector:
    """Tidies up storage.

    busy: the ids of the sources that have a job queued or running, asked anew each time. dry_run: nothing is removed,
    and nothing written, of assets that were lost or not known either.
    """

    def __init__(
        self, store: ObjectStore, index: AssetIndex, manifests: ManifestReader, book: AssetBook, busy: Busy,
        rules: Rules, dry_run: bool = False,
    ) -> None:  # fmt: skip
        self._store, self._index, self._manifests, self._book, self._busy = store, index, manifests, book, busy
        self._rules, self._dry_run = rules, dry_run
        self._settled: dict[str, tuple[bytes, datetime | None]] = {}
        self.gone: set[str] = set()

    async def walk(self, report: Report, root: str, after: str = "") -> AsyncIterator[str]:
        """Goes through one top-level prefix, and gives after each page the key after which it would go on.

        Raises Unavailable; what was done until then stays done.
        """
        async for listed in whole_groups(self._store, root, after):
            report.requests += 1
            await self._treat(report, root, listed)
            if listed:
                yield listed[-1].key

    async def _treat(self, report: Report, root: str, listed: list[Listed]) -> None:
        if not listed:
            return
        now, busy = await self._store.clock(), await self._busy()
        if root in (SOURCES, PARTS):
            await self._treat_singly(report, root, listed, busy, now)
            return
        for prefix, objects in grouped(listed).items():
            await self._treat_asset(report, prefix, objects, busy, now)

    async def _treat_singly(
        self, report: Report, root: str, listed: list[Listed], busy: set[str], now: datetime
    ) -> None:
        """Copies of originals, and what jobs keep: neither is any asset's."""
        judged, of = (judge_source, _second) if root == SOURCES else (judge_part, source_of_part)
        for one in listed:
            source_id = of(one.key)
            removal = None if source_id in busy else judged(one, now, self._rules)
            if removal is None and source_id not in self.gone - busy:
                report.keep(root, source_id, one.size)
            else:
                await self._remove(report, one, removal.why if removal else Why.DELETED)

    async def _treat_asset(
        self, report: Report, prefix: str, listed: list[Listed], busy: set[str], now: datetime
    ) -> None:
        root, _, asset = prefix.partition("/")
        source_id = asset.partition("_")[0]
        entry = self._index.at(prefix)
        shown = entry.recipe if entry is not None else None
        is_gone = source_id in self.gone
        fingerprint = _fingerprint(listed, shown, is_gone)
        known, due = self._settled.get(prefix, (b"", None))
        if source_id in busy or (known == fingerprint and (due is None or due > now)):
            for one in listed:
                report.keep(root, source_id, one.size)
            return
        group = await self._read(report, prefix, listed)
        if not self._dry_run:
            await self._agree(group, shown)
        verdict = judge(group, shown, is_gone, now, self._rules)
        await self._carry_out(report, root, listed, verdict)
        if not verdict.changes and all(found.manifest is not None for found in group.manifests.values()):
            self._remember(prefix, fingerprint, verdict)

    async def _read(self, report: Report, prefix: str, listed: list[Listed]) -> Group:
        objects: dict[str, list[Listed]] = defaultdict(list)
        manifests: dict[str, Found] = {}
        for one in listed:
            recipe, _, rest = one.key.split("/", 2)[2].partition("/")
            if rest == _MANIFEST:
                manifests[recipe] = await self._found(report, one)
            elif rest:
                objects[recipe].append(one)
        for recipe in set(objects) - set(manifests):
            # It may have been written since the listing, by a job that has ended since.
            key = f"{prefix}/{recipe}/{_MANIFEST}"
            if await self._exists(report, key):
                manifests[recipe] = Found(None, objects[recipe][0])
        return Group(prefix, objects, manifests)

    async def _found(self, report: Report, listed: Listed) -> Found:
        """A manifest, if it is still the one that was listed."""
        report.requests += 1
        try:
            stored = await self._store.get_bytes(listed.key)
            manifest = parse_manifest(stored.data, listed.key)
        except Unavailable:
            raise
        except ServiceError as error:
            log.warning("a manifest cannot be read; everything of its asset stays", key=listed.key, error=error.message)
            return Found(None, listed)
        is_same = stored.etag == listed.etag and manifest.key == listed.key
        return Found(manifest if is_same else None, listed)

    async def _exists(self, report: Report, key: str) -> bool:
        report.requests += 1
        return await self._store.exists(key)

    async def _agree(self, group: Group, shown: str | None) -> None:
        """Makes the index agree with what was found: an asset that nobody knew of, one that is not there any more."""
        entry = self._index.at(group.prefix)
        if entry is not None:
            found = group.manifests.get(entry.recipe)
            manifest = found.manifest if found is not None else None
            there = {one.key for one in group.objects.get(entry.recipe, [])}
            if found is None or (manifest is not None and (manifest.removed or missing_files(manifest, there))):
                await self._book.look(entry)
        elif shown is None:
            for found in group.manifests.values():
                if found.manifest is not None and not found.manifest.removed:
                    await self._book.add(entry_of(found.manifest))

    async def _carry_out(self, report: Report, root: str, listed: list[Listed], verdict: Verdict) -> None:
        going = {removal.listed.key for removal in verdict.removals}
        for one in listed:
            if one.key not in going:
                report.keep(root, _source_in(one.key), one.size)
        for removal in verdict.removals:
            await self._remove(report, removal.listed, removal.why)
        for change in verdict.changes:
            await self._change(report, change)

    async def _remove(self, report: Report, listed: Listed, why: Why) -> None:
        report.gone[why].add(listed.size)
        if not self._dry_run:
            report.requests += 1
            await self._store.delete(listed.key)

    async def _change(self, report: Report, change: Change) -> None:
        manifest = change.found.manifest
        assert manifest is not None  # noqa: S101  # only what was read is judged
        leaving = [file for file in manifest.files if not change.names or file.name in change.names]
        for file in leaving:
            report.gone[f"{change.why}-soon"].add(file.size)
        if self._dry_run or manifest.source.id in await self._busy():
            return
        report.requests += 1
        note = "ply: the raw PLY is not kept any longer; asking for it makes the splat anew"
        changed = manifest.without(change.names, note) if change.names else manifest.buried(change.why)
        try:
            await change_manifest(self._store, changed, change.found.listed.etag)
        except Conflict:
            return  # it is another one by now, and is judged next time
        self._manifests.forget(manifest.key)
        entry = self._index.get(manifest.source, manifest.asset_key)
        if not change.names and entry is not None and entry.manifest_key == manifest.key:
            await self._book.forget(entry)

    def _remember(self, prefix: str, fingerprint: bytes, verdict: Verdict) -> None:
        if len(self._settled) >= _SETTLED:
            self._settled.clear()
        if verdict.removals:
            self._settled.pop(prefix, None)
        else:
            self._settled[prefix] = (fingerprint, verdict.later)


def source_of_part(key: str) -> str:
    """The id of the source whose job keeps a part: parts/<kind>-<id>-<hash>/…."""
    kind = next((name for name in KINDS if _second(key).startswith(f"{name}-")), "")
    return _second(key).removeprefix(f"{kind}-").rpartition("-")[0]


def _second(key: str) -> str:
    return key.split("/")[1]


def _source_in(key: str) -> str:
    return key.split("/")[1].partition("_")[0]


def _fingerprint(listed: list[Listed], shown: str | None, is_gone: bool) -> bytes:
    digest = hashlib.sha256(f"{shown}\n{is_gone}".encode())
    for one in listed:
        digest.update(f"\n{one.key} {one.etag}".encode())
    return digest.digest()[:16]
