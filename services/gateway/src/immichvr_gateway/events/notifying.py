"""Listens to assets, and tells those who asked for them over their sockets."""

from __future__ import annotations

from immichvr_common.manifests import Manifest

from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.events.sockets import ClientEvents
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.views import asset_view


class Notifier:
    """Knows sockets and views; who listens beside it, it does not."""

    def __init__(self, news: ClientEvents, jobs: JobIndex) -> None:
        self._news, self._jobs = news, jobs

    def on_asset(self, manifest: Manifest) -> None:
        """An asset is new, or has changed."""
        job = self._jobs.get(manifest.job_id)
        source_name = job.job().source_name if job is not None else ""
        view = asset_view(manifest, outdated=False, source_name=source_name).model_dump(mode="json")
        self._news.asset_created(view, manifest.source, self._jobs.requesters_of(manifest.source))

    def on_asset_gone(self, entry: AssetEntry) -> None:
        """An asset is there no more."""
        self._news.asset_deleted(entry.source, entry.asset_key, self._jobs.requesters_of(entry.source))
