"""The manifest: the last object written for an asset, and the moment the asset exists.

Objects lie under {root of its kind}/{id of its source}_{model_key}/{recipe}/; the manifest names every file of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import Any

from immichvr_catalog import ASSETS
from pydantic import BaseModel, Field, ValidationError

from immichvr_common.errors import Conflict, Contended, CorruptObject, NotFound, SourceReplaced
from immichvr_common.sourced import OfSource, StoredSource
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore

_JSON = "application/json"
_PATIENCE_S = 60.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 1.0


class AssetFile(BaseModel):
    """One file of an asset."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    role: str
    format: str
    variant: str = "full"
    key: str
    size: int = Field(ge=0)
    sha256: str
    media_type: str


class Manifest(OfSource, BaseModel):  # named again, so that ruff knows the defaults below are copied
    """What an asset is, what made it and of which files it consists.

    job_id, run, attempt: what made it. earlier: the last runs of other jobs that made it before. revision: one more
    with each change; 0 in those of before it was counted. removed: why there is nothing here any more, in one word;
    such a manifest stays, so that nothing that was told before brings the asset back.
    """

    version: int = 1
    kind: str
    source: StoredSource
    source_version: str
    model_key: str
    model_revision: str = ""
    requested_model: str = ""
    reason: str = ""
    recipe: str
    params: dict[str, Any] = {}
    details: dict[str, Any] = {}
    files: list[AssetFile]
    losses: list[str] = []
    timings: dict[str, float] = {}
    job_id: str
    run: int
    attempt: int
    earlier: dict[str, int] = {}
    revision: int = Field(0, ge=0)
    removed: str = ""
    requested_at: datetime
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def asset_key(self) -> str:
        """The asset's name among those of its source."""
        return f"{self.kind}-{self.model_key}"

    @property
    def key(self) -> str:
        """Where the manifest lies."""
        return manifest_key(self.kind, self.source, self.model_key, self.recipe)

    def covers(self, other: Manifest) -> bool:
        """Whether the run that made `other` has had its say here already: nothing it says is news.

        Runs of one job are counted; the time of the request decides only where the count began anew, since who
        counts had forgotten the job.
        """
        last_run = {**self.earlier, self.job_id: self.run}.get(other.job_id, 0)
        return other.run <= last_run and other.requested_at <= self.requested_at

    def after(self, before: Manifest) -> Manifest:
        """This manifest as what replaces `before`."""
        earlier = {**before.earlier, before.job_id: before.run}
        earlier.pop(self.job_id, None)
        return self.model_copy(update={"earlier": earlier, "revision": before.revision + 1})

    def without(self, names: Collection[str], note: str) -> Manifest:
        """This manifest without some of its files; `note` tells of it among the losses."""
        formats = {file.format for file in self.files if file.name in names}
        told = [loss for loss in self.losses if loss.partition(":")[0] not in {*names, *formats}]
        files = [file for file in self.files if file.name not in names]
        return self.model_copy(update={"files": files, "losses": [*told, note], "revision": self.revision + 1})

    def buried(self, why: str) -> Manifest:
        """What stands in place of an asset that is gone."""
        return self.model_copy(
            update={"files": [], "losses": [], "details": {}, "removed": why, "revision": self.revision + 1}
        )

    def encode(self) -> bytes:
        """The manifest as it is stored."""
        return self.model_dump_json().encode()


def asset_prefix(kind: str, source: Source, model_key: str, recipe: str) -> str:
    """Where the objects of an asset lie. Raises UnknownName for a kind that there is not."""
    return f"{ASSETS[kind].root}/{source.id}_{model_key}/{recipe}"


def manifest_key(kind: str, source: Source, model_key: str, recipe: str) -> str:
    """Where the manifest of an asset lies."""
    return f"{asset_prefix(kind, source, model_key, recipe)}/manifest.json"


def parse_manifest(data: bytes, key: str) -> Manifest:
    """Reads a stored manifest. Raises CorruptObject."""
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        raise CorruptObject(f"{key} is not a manifest: {error.error_count()} fields are wrong", key) from error
    if manifest.kind not in ASSETS:
        raise CorruptObject(f"{key} is of kind {manifest.kind[:50]!r}; there are: {', '.join(ASSETS)}", key)
    return manifest


async def read_manifest(store: ObjectStore, key: str) -> tuple[Manifest, str]:
    """A manifest and its ETag. Raises NotFound, CorruptObject, Unavailable."""
    stored = await store.get_bytes(key)
    return parse_manifest(stored.data, key), stored.etag


async def commit_manifest(store: ObjectStore, manifest: Manifest) -> Manifest:
    """Makes the asset exist, unless this run, or a later one of its job, already did.

    Returns the manifest that stands: ours, or the one that was first. Two attempts never mix. Raises Contended.
    """
    # A first run most likely finds nothing there: writing at once spares a question. A later one asks first.
    hopeful = manifest.run == 1

    async def once() -> Manifest:
        nonlocal hopeful
        ours, expected = manifest.model_copy(update={"revision": 1}), None
        if not hopeful:
            with contextlib.suppress(NotFound):
                current, expected = await read_manifest(store, manifest.key)
                if current.covers(manifest):
                    return current
                ours = manifest.after(current)
        hopeful = False
        await store.put_if(manifest.key, ours.encode(), _JSON, expected)
        return ours

    return await _until_undisturbed(once)


async def add_files(
    store: ObjectStore, key: str, files: list[AssetFile], losses: list[str], made_of: Collection[str] = ()
) -> Manifest:
    """Adds files to an existing asset, replacing those of the same name.

    made_of: sha256 of what the files were made of; the asset must still name one of them. Files that are there
    already, byte for byte, leave the manifest untouched. Raises NotFound, SourceReplaced, Contended.
    """
    names = {file.name for file in files}

    async def once() -> Manifest:
        manifest, etag = await read_manifest(store, key)
        if manifest.removed:
            raise NotFound("the asset was deleted while files were made of it")
        if made_of and not any(file.sha256 in made_of for file in manifest.files):
            raise SourceReplaced(f"the {manifest.kind} was replaced by a newer one while files were made of it")
        if _contents(files) <= _contents(manifest.files):
            return manifest
        kept = [file for file in manifest.files if file.name not in names]
        merged = manifest.model_copy(
            update={
                "files": kept + files,
                "losses": sorted({*manifest.losses, *losses}),
                "revision": manifest.revision + 1,
            }
        )
        await store.put_if(key, merged.encode(), _JSON, etag)
        return merged

    return await _until_undisturbed(once)


async def change_manifest(store: ObjectStore, manifest: Manifest, etag: str) -> None:
    """Writes a manifest over the one that had `etag` when it was read. Raises Conflict where it has another now."""
    await store.put_if(manifest.key, manifest.encode(), _JSON, etag)


async def bury_asset(store: ObjectStore, key: str, why: str) -> None:
    """Ends an asset, whatever is being added to it at the same moment. Raises NotFound, Contended, Unavailable."""

    async def once() -> Manifest:
        manifest, etag = await read_manifest(store, key)
        if manifest.removed:
            return manifest
        await change_manifest(store, manifest.buried(why), etag)
        return manifest

    await _until_undisturbed(once)


async def _until_undisturbed(change: Callable[[], Awaitable[Manifest]]) -> Manifest:
    """Makes a conditional change again and again, until nobody else makes one at the same moment."""
    end = time.monotonic() + _PATIENCE_S
    longest = _FIRST_PAUSE_S
    while True:
        with contextlib.suppress(Conflict):
            return await change()
        if time.monotonic() > end:
            raise Contended("others changed the asset again and again at the same moment; try again")
        # Waits of random length let as many as there are through, one after the other.
        await asyncio.sleep(random.uniform(0, longest))  # noqa: S311  # no secret is made of it
        longest = min(longest * 2, _LONGEST_PAUSE_S)


def _contents(files: list[AssetFile]) -> set[tuple[str, int, str]]:
    return {(file.name, file.size, file.sha256) for file in files}
