"""Clips that were made here and put into Immich, which are nobody's live videos, and nothing to make more of."""

from __future__ import annotations

from collections import OrderedDict
from typing import Annotated

from immichvr_gateway.library.errors import NotPermitted, PhotoNotFound
from immichvr_gateway.library.immich.answers import Answer, Optional
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.immich.notes import is_made_here, note_on
from immichvr_gateway.library.photos import Credential

CLIP_SUFFIX = ".immichvr.mp4"
"""Clips made here are named so, and lists leave them out by that without a question for each."""
_REMEMBERED = 50_000


def is_named_as_ours(name: str) -> bool:
    """Whether a file has the name of a clip made here."""
    return name.lower().endswith(CLIP_SUFFIX)


class _File(Answer):
    """Of AssetResponseDto, what it is a file of."""

    original_mime_type: Annotated[str | None, Optional] = None


class Clips:
    """Which videos were made here; of each, Immich is asked once for each credential."""

    def __init__(self, client: ImmichClient) -> None:
        self._client = client
        self._known: OrderedDict[tuple[str, str], bool] = OrderedDict()
        self._types: OrderedDict[tuple[str, str], str | None] = OrderedDict()

    async def is_ours(self, who: Credential, clip_id: str) -> bool:
        """Whether a video was made here. Raises LibraryUnavailable, SignInFailed."""
        if who.is_share:  # a link does not tell
            return False
        key = (who.fingerprint, clip_id)
        if key not in self._known:
            try:
                self._known[key] = is_made_here(await note_on(self._client, who, clip_id))
            except PhotoNotFound:
                self._known[key] = False
            except NotPermitted:  # share links do not tell
                return False
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return self._known[key]

    async def media_type(self, who: Credential, clip_id: str) -> str | None:
        """What a live photo's film is; None where Immich does not tell. Raises LibraryUnavailable, SignInFailed."""
        key = (who.fingerprint, clip_id)
        if key not in self._types:
            try:
                self._types[key] = (await self._client.get(who, f"assets/{clip_id}", _File)).original_mime_type
            except (NotPermitted, Refused):
                return None
            if len(self._types) > _REMEMBERED:
                self._types.popitem(last=False)
        return self._types[key]

    def is_known(self, who: Credential, clip_id: str) -> bool:
        """Whether a video is known to have been made here, without asking."""
        return self._known.get((who.fingerprint, clip_id), False)
