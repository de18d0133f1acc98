"""What is known of assets: in memory, in KV, and told to whoever listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from immichvr_common.errors import Unavailable
from immichvr_common.manifests import Manifest

from immichvr_gateway.assets.index import AssetEntry, AssetIndex, entry_of
from immichvr_gateway.listening import tell_each
from immichvr_gateway.loading import AssetKeeper

Listener = Callable[[AssetEntry], None]
ManifestListener = Callable[[Manifest], None]


class AssetStore:
    """Every asset, kept up to date by what is told of it.

    listeners: each is told of every asset that is new or has changed, as its manifest has it; newcomers: of those alone
    that were made anew.
    """

    def __init__(self, index: AssetIndex, keeper: AssetKeeper, listeners: Sequence[ManifestListener] = ()) -> None:
        self.index, self.keeper, self.listeners = index, keeper, list(listeners)
        self.newcomers: list[Listener] = []

    async def on_event(self, manifest: Manifest, at: datetime, seq: int) -> None:
        """Takes in that an asset was told of. at: by the clock of who told it; seq: the event's place in the stream.

        Raises Unavailable.
        """
        made_at = min(at.astimezone(UTC), datetime.now(UTC))
        entry = entry_of(manifest).model_copy(update={"made_at": made_at, "seq": seq})
        known = self.index.get(entry.source, entry.asset_key)
        if not self.index.put(entry):
            return
        try:
            await self.keeper.write(entry)
        except Unavailable:
            # The event is taken again, and the asset is as new then as it is now.
            self._put_back(entry, known)
            raise
        if self.index.get(entry.source, entry.asset_key) is None:
            return  # it went before its news did; that it is gone is told apart
        tell_each(self.listeners, manifest)
        if known is None or _making(known) != _making(entry):
            tell_each(self.newcomers, entry)

    def _put_back(self, entry: AssetEntry, known: AssetEntry | None) -> None:
        """Knows what was known before an entry, unless something else has come of it since."""
        if self.index.get(entry.source, entry.asset_key) is not entry:
            return
        if known is None:
            self.index.remove(entry.source, entry.asset_key)
        else:
            self.index.replace(known)


def _making(entry: AssetEntry) -> tuple[str, str, int]:
    """What a file that is added to an asset leaves as it was."""
    return entry.recipe, entry.job_id, entry.run
