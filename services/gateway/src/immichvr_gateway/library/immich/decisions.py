"""Immich's word on what somebody may see and do, believed for a short while."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from immichvr_common.sources import Source

from immichvr_gateway.library.errors import LibraryError
from immichvr_gateway.library.immich.answers import Asset
from immichvr_gateway.library.photos import Credential

Clock = Callable[[], float]

_WITH_ASSET = 10_000
"""Assets that are believed at once, each of some kilobytes; of more, that they were shown alone is known."""
_REMEMBERED = 10_000
"""Beyond so many, what is believed no more is not remembered either."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What Immich said about a photo or video; believed until `until`.

    kind: as which kind of source it was shown, None where it was not. asset: None too where only a timeline showed it.
    """

    until: float
    kind: str | None
    asset: Asset | None = None
    refusal: LibraryError | None = None

    def is_of(self, kind: str) -> bool | None:
        """Whether it was shown as a source of this kind; None where too little was told to say so."""
        if kind == self.kind or self.kind is None:
            return kind == self.kind
        return self.asset.is_shown_as(kind) if self.asset is not None else None

    @property
    def only_glimpsed(self) -> bool:
        """Whether it was shown without what there is to know of it."""
        return self.kind is not None and self.asset is None


class Decisions:
    """What Immich showed to whom, per credential: what one may see says nothing about another.

    Refusals are believed for a shorter while, so that what is shared is soon seen. What is believed no more is kept
    without the asset, which takes kilobytes: that it was shown once is all that is asked of it then.
    """

    def __init__(self, believed_s: float, refused_s: float, at_most: int, clock: Clock = time.monotonic) -> None:
        self._believed_s, self._refused_s = believed_s, refused_s
        self._at_most = at_most
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], Shown] = OrderedDict()
        self._with_asset: deque[tuple[tuple[str, str], Shown]] = deque()

    def now(self) -> float:
        """When a question is asked; its answer may be older than when it arrives."""
        return self._clock()

    def keep(self, who: Credential, asset: Asset, asked_at: float) -> None:
        """Notes that Immich showed this asset when it was asked."""
        self._put((who.fingerprint, asset.id), Shown(asked_at + self._believed_s, asset.shown_as, asset))

    def keep_glimpse(self, who: Credential, asset_id: str, kind: str, asked_at: float) -> None:
        """Notes that Immich showed that there is such a photo or video, where no more is known of it already."""
        known = self.recall(who, asset_id)
        if known is None or known.asset is None:
            self._put((who.fingerprint, asset_id), Shown(asked_at + self._believed_s, kind))

    def keep_refusal(self, who: Credential, asset_id: str, refusal: LibraryError, asked_at: float) -> None:
        """Notes that Immich did not show this asset when it was asked."""
        self._put((who.fingerprint, asset_id), Shown(asked_at + self._refused_s, None, refusal=refusal))

    def recall(self, who: Credential, asset_id: str) -> Shown | None:
        """What Immich said of this asset to this credential lately."""
        shown = self._kept.get((who.fingerprint, asset_id))
        return shown if shown is not None and self._clock() < shown.until else None

    def recall_kinds(self, who: Credential, items: Collection[Source]) -> list[bool | None]:
        """Of each of many whether it was shown lately as what it is taken for; None where nothing was said."""
        now = self._clock()
        told = {name: shown for (whose, name), shown in self._kept.items() if whose == who.fingerprint}
        good = {name: shown for name, shown in told.items() if now < shown.until}
        return [good[one.id].is_of(one.kind) if one.id in good else None for one in items]

    def last(self, who: Credential, asset_id: str) -> Shown | None:
        """What Immich said when it was last asked, however long ago, as far as it is remembered."""
        return self._kept.get((who.fingerprint, asset_id))

    def forget(self, who: Credential) -> None:
        """Has Immich asked again about everything, as after it refused the credential."""
        for key in [key for key in self._kept if key[0] == who.fingerprint]:
            del self._kept[key]

    def _put(self, key: tuple[str, str], shown: Shown) -> None:
        self._kept[key] = shown
        self._kept.move_to_end(key)
        if shown.asset is not None:
            self._with_asset.append((key, shown))
        self._drop_assets()
        self._drop_oldest()

    def _drop_assets(self) -> None:
        """Lets go of assets that are believed no more, and of those that were shown anew or are too many."""
        now = self._clock()
        while self._with_asset:
            key, shown = self._with_asset[0]
            is_current = self._kept.get(key) is shown
            if is_current and now < shown.until and len(self._with_asset) <= _WITH_ASSET:
                return
            self._with_asset.popleft()
            if is_current:
                self._kept[key] = replace(shown, asset=None)

    def _drop_oldest(self) -> None:
        """Forgets what is too much: of what is believed no more, all beyond what is remembered."""
        now = self._clock()
        while len(self._kept) > min(_REMEMBERED, self._at_most):
            key, oldest = next(iter(self._kept.items()))
            if len(self._kept) <= self._at_most and now < oldest.until:
                return
            del self._kept[key]
