"""The manifest: the last object written for an asset, and the moment the asset exists.

Objects lie under {kind}s/{photo_id}_{model_key}/{recipe}/; the manifest names every file of the asset.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from immichvr_common.errors import Conflict, NotFound
from immichvr_common.storage import CorruptObject, ObjectStore

_JSON = "application/json"
ROOTS = {"splat": "splats", "depth": "depth"}
"""Top-level prefix of each kind of asset."""


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


class Manifest(BaseModel):
    """What an asset is, what made it and of which files it consists."""

    version: int = 1
    kind: str
    photo_id: str
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
    requested_at: datetime
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def asset_key(self) -> str:
        """The asset's name among those of its photo."""
        return f"{self.kind}-{self.model_key}"

    @property
    def key(self) -> str:
        """Where the manifest lies."""
        return manifest_key(self.kind, self.photo_id, self.model_key, self.recipe)

    def encode(self) -> bytes:
        """The manifest as it is stored."""
        return self.model_dump_json().encode()


def asset_prefix(kind: str, photo_id: str, model_key: str, recipe: str) -> str:
    """Where the objects of an asset lie."""
    return f"{ROOTS[kind]}/{photo_id}_{model_key}/{recipe}"


def manifest_key(kind: str, photo_id: str, model_key: str, recipe: str) -> str:
    """Where the manifest of an asset lies."""
    return f"{asset_prefix(kind, photo_id, model_key, recipe)}/manifest.json"


def parse_manifest(data: bytes, key: str) -> Manifest:
    """Reads a stored manifest. Raises CorruptObject."""
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        raise CorruptObject(f"{key} is not a manifest: {error.error_count()} fields are wrong") from error


async def read_manifest(store: ObjectStore, key: str) -> tuple[Manifest, str]:
    """A manifest and its ETag. Raises NotFound, CorruptObject, Unavailable."""
    stored = await store.get_bytes(key)
    return parse_manifest(stored.data, key), stored.etag


async def commit_manifest(store: ObjectStore, manifest: Manifest) -> Manifest:
    """Makes the asset exist, unless another attempt of the same run, or a run asked for later, already did.

    Returns the manifest that stands: ours, or the one that was first. Two attempts never mix.
    """
    # A first run most likely finds nothing there: writing at once spares a question. A later one asks first.
    hopeful = manifest.run == 1
    for _ in range(8):
        expected: str | None = None
        if not hopeful:
            with contextlib.suppress(NotFound):
                current, expected = await read_manifest(store, manifest.key)
                if current.requested_at >= manifest.requested_at:
                    return current
        with contextlib.suppress(Conflict):
            await store.put_if(manifest.key, manifest.encode(), _JSON, expected)
            return manifest
        hopeful = False
    raise Conflict(f"{manifest.key} is rewritten by others again and again")


async def add_files(store: ObjectStore, key: str, files: list[AssetFile], losses: list[str]) -> Manifest:
    """Adds files to an existing asset, replacing those of the same name. Raises NotFound, Conflict.

    Files that are there already, byte for byte, leave the manifest untouched.
    """
    names = {file.name for file in files}
    for attempt in range(8):
        manifest, etag = await read_manifest(store, key)
        if _contents(files) <= _contents(manifest.files):
            return manifest
        kept = [file for file in manifest.files if file.name not in names]
        merged = manifest.model_copy(update={"files": kept + files, "losses": sorted({*manifest.losses, *losses})})
        try:
            await store.put_if(key, merged.encode(), _JSON, etag)
        except Conflict:
            await asyncio.sleep(0.02 * attempt)
            continue
        return merged
    raise Conflict(f"{key} is rewritten by others again and again")


def _contents(files: list[AssetFile]) -> set[tuple[str, int, str]]:
    return {(file.name, file.size, file.sha256) for file in files}
