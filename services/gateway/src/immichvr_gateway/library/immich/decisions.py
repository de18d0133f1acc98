"""Immich's word on what somebody may see and do, believed for a short while."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from immichvr_gateway.library.errors import LibraryError
from immichvr_gateway.library.immich.answers import Asset
from immichvr_gateway.library.photos import Credential

Clock = Callable[[], float]


@dataclass(frozen=True)
class Shown:
    """What Immich said about a photo: the asset, or why it is not shown; believed until `until`."""

    until: float
    asset: Asset | None
    refusal: LibraryError | None = None


class Decisions:
    """What Immich showed to whom, per credential: what one may see says nothing about another.

    Refusals are believed for a shorter while, so that what is shared is soon seen.
    """

    def __init__(self, believed_s: float, refused_s: float, at_most: int, clock: Clock = time.monotonic) -> None:
        self._believed_s, self._refused_s = believed_s, refused_s
        self._at_most = at_most
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], Shown] = OrderedDict()

    def now(self) -> float:
        """When a question is asked; its answer may be older than when it arrives."""
        return self._clock()

    def keep(self, who: Credential, asset: Asset, asked_at: float) -> None:
        """Notes that Immich showed this asset when it was asked."""
        self._put((who.fingerprint, asset.id), Shown(asked_at + self._believed_s, asset))

    def keep_refusal(self, who: Credential, asset_id: str, refusal: LibraryError, asked_at: float) -> None:
        """Notes that Immich did not show this asset when it was asked."""
        self._put((who.fingerprint, asset_id), Shown(asked_at + self._refused_s, None, refusal))

    def recall(self, who: Credential, asset_id: str) -> Shown | None:
        """What Immich said of this asset to this credential lately."""
        shown = self._kept.get((who.fingerprint, asset_id))
        return shown if shown is not None and self._clock() < shown.until else None

    def last(self, who: Credential, asset_id: str) -> Shown | None:
        """What Immich said when it was last asked, however long ago, as far as it is remembered."""
        return self._kept.get((who.fingerprint, asset_id))

    def _put(self, key: tuple[str, str], shown: Shown) -> None:
        self._kept[key] = shown
        self._kept.move_to_end(key)
        if len(self._kept) > self._at_most:
            self._kept.popitem(last=False)
