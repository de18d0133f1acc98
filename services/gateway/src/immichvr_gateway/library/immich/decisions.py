"""Immich's word on what somebody may see and do, believed for a short while."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from immichvr_gateway.library.immich.answers import Asset
from immichvr_gateway.library.photos import Credential


class Decisions:
    """What Immich showed to whom, per credential: what one may see says nothing about another.

    Refusals are not kept, so that what is shared is seen at once.
    """

    def __init__(self, believed_s: float, at_most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._believed_s = believed_s
        self._at_most = at_most
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], tuple[float, Asset]] = OrderedDict()
        self._admins: OrderedDict[str, tuple[float, bool]] = OrderedDict()

    def keep(self, who: Credential, asset: Asset) -> None:
        """Notes that Immich showed this asset just now."""
        key = (who.fingerprint, asset.id)
        self._kept[key] = (self._clock() + self._believed_s, asset)
        self._kept.move_to_end(key)
        if len(self._kept) > self._at_most:
            self._kept.popitem(last=False)

    def recall(self, who: Credential, asset_id: str) -> Asset | None:
        """The asset, if Immich showed it to this credential lately."""
        until, asset = self._kept.get((who.fingerprint, asset_id), (0.0, None))
        return asset if asset is not None and self._clock() < until else None

    def keep_admin(self, who: Credential, is_admin: bool) -> None:
        """Notes whether this is an administrator's credential."""
        self._admins[who.fingerprint] = (self._clock() + self._believed_s, is_admin)
        self._admins.move_to_end(who.fingerprint)
        if len(self._admins) > self._at_most:
            self._admins.popitem(last=False)

    def recall_admin(self, who: Credential) -> bool | None:
        """Whether it is an administrator's, if Immich said so lately."""
        until, is_admin = self._admins.get(who.fingerprint, (0.0, False))
        return is_admin if self._clock() < until else None

    def forget(self, who: Credential, asset_id: str) -> None:
        """Has Immich asked again next time."""
        self._kept.pop((who.fingerprint, asset_id), None)
