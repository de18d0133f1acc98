"""Splats that are drawn here for those who may see them, and only as long as they may."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from immichvr.ai.v1.ai_pb2 import RenderParams
from immichvr_catalog import SPLAT
from immichvr_common.errors import NotFound
from immichvr_common.logs import get_log
from immichvr_common.manifests import AssetFile, Manifest

from immichvr_gateway.assets.index import AssetEntry, AssetIndex, ManifestReader
from immichvr_gateway.http.problems import Problem, lost, not_found
from immichvr_gateway.jobs.records import RENDER
from immichvr_gateway.library import Identity, NotPermitted, SignInFailed
from immichvr_gateway.live.messages import WantedSplat
from immichvr_gateway.requests.conversion import best_input, find_file, reference
from immichvr_gateway.requests.spec import JobSpec
from immichvr_gateway.sources.visibility import Visibility

log = get_log(__name__)

_LOOK_S = 15.0
"""So often it is looked whether somebody may still see what is drawn for them."""
_UNSAID_S = 600.0
"""So long it goes on after the last time that they might, where nobody can say it."""


class Drawing:
    """What a session needs to draw a splat."""

    def __init__(self, visibility: Visibility, assets: AssetIndex, manifests: ManifestReader, bucket: str) -> None:
        self._visibility, self._assets, self._manifests, self._bucket = visibility, assets, manifests, bucket

    async def spec(self, who: Identity, wanted: WantedSplat) -> JobSpec:
        """The job that draws it. Raises Problem (404), Unavailable, library errors."""
        entry = await self._find(who, wanted)
        try:
            manifest = await self._manifests.read(entry.manifest_key)
        except NotFound as error:
            raise lost(entry.asset_key) from error
        return JobSpec(
            kind=RENDER, id="", params=RenderParams(), shown={"splat": entry.asset_key},
            inputs={SPLAT: reference(self._bucket, _drawn_from(manifest))},
        )  # fmt: skip

    async def watch(self, who: Identity, wanted: WantedSplat, end: Callable[[Problem], None]) -> None:
        """Tells when somebody may not see a source any more, until cancelled.

        While nobody can say it, it goes on for some minutes.
        """
        seen_at = time.monotonic()
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                if not await self._visibility.may_see(who, wanted.source):
                    return end(_hidden(wanted))
                seen_at = time.monotonic()
            except NotPermitted:
                return end(_hidden(wanted))
            except SignInFailed as refusal:
                return end(Problem(401, "unauthorized", f"your session has ended: {refusal.message}"))
            except Exception as error:  # whatever it is, the session must not go on unwatched
                log.warning("whether a session may go on cannot be said now", exc_info=error)
                if time.monotonic() - seen_at > _UNSAID_S:
                    return end(Problem(503, "unavailable", "nobody can say whether you may see this still"))

    async def _find(self, who: Identity, wanted: WantedSplat) -> AssetEntry:
        if not await self._visibility.may_see(who, wanted.source):
            raise _hidden(wanted)
        for entry in self._assets.of(wanted.source):
            if entry.kind == SPLAT and wanted.asset_key in ("", entry.asset_key):
                return entry
        named = f" {wanted.asset_key!r}" if wanted.asset_key else ""
        raise not_found(f"{wanted.source} has no splat{named}; make it first")


def _drawn_from(manifest: Manifest) -> AssetFile:
    """The file that is drawn: the SPZ, as the raw PLY is three times as large. Raises Problem where there is none.

    Of a splat in levels the middle one: more than its million Gaussians no picture shows, and a CPU draws half of them.
    """
    found = (find_file(manifest, "spz", variant) for variant in ("medium", "full", "light"))
    return next(filter(None, found), None) or best_input(manifest)


def _hidden(wanted: WantedSplat) -> Problem:
    return not_found(f"there is no {wanted.source.kind} {wanted.source.id!r}, or you may not see it")
