"""Listens to assets, and tells those who asked for them over their sockets."""

from __future__ import annotations

from functools import partial

from immichvr_common.errors import NotFound
from immichvr_common.retrying import until_up
from immichvr_common.supervision import Supervisor

from immichvr_gateway.assets.index import AssetEntry, ManifestReader
from immichvr_gateway.events.sockets import ClientEvents
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.views import asset_view


class Notifier:
    """Knows sockets and views; who listens beside it, it does not."""

    def __init__(self, news: ClientEvents, jobs: JobIndex, manifests: ManifestReader, supervisor: Supervisor) -> None:
        self._news, self._jobs, self._manifests, self._supervisor = news, jobs, manifests, supervisor

    def on_asset(self, entry: AssetEntry) -> None:
        """An asset is new, or has changed."""
        self._supervisor.errand("news of an asset", self._tell(entry))

    def on_asset_gone(self, entry: AssetEntry) -> None:
        """An asset is there no more."""
        self._news.asset_deleted(entry.source, entry.asset_key, self._jobs.requesters_of(entry.source))

    async def _tell(self, entry: AssetEntry) -> None:
        read = partial(self._manifests.read, entry.manifest_key)
        try:
            manifest = await until_up(read, "news of an asset waits for storage", asset=entry.manifest_key)
        except NotFound:  # it went before its news did; that it is gone is told apart
            return
        job = self._jobs.get(manifest.job_id)
        source_name = job.job().source_name if job is not None else ""
        view = asset_view(manifest, outdated=False, source_name=source_name).model_dump(mode="json")
        self._news.asset_created(view, entry.source, self._jobs.requesters_of(entry.source))
