"""Links that people shared in Immich: whether one is good still, and what it shows."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from pydantic import SecretStr

from immichvr_gateway.library.errors import LibraryUnavailable, NotPermitted, PasswordRequired, SignInFailed
from immichvr_gateway.library.immich.answers import SharedAsset, SharedLink
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.immich.decisions import Clock
from immichvr_gateway.library.immich.listed import Columns, Months, Row
from immichvr_gateway.library.immich.shared_calls import SharedCalls
from immichvr_gateway.library.photos import Caller, Credential, Identity

_KEY = re.compile(r"[A-Za-z0-9_-]{67}|[0-9a-f]{100}")
"""What Immich calls a link that nobody gave a name: 50 bytes."""
Listed = SharedAsset | Row
"""What a link shows in lists: of an album little."""
_REMEMBERED = 4096
_MONTHS_OF_A_PAGE = 24
_LOCKED = "Password required"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def visitor_with(link: str, unlocked: SecretStr | None = None) -> Identity:
    """Whoever follows a link, named as in its address: by its key, or by the name its owner gave it."""
    kind = "share_key" if _KEY.fullmatch(link) else "share_slug"
    credential = Credential(kind, SecretStr(link), unlocked or SecretStr(""))  # type: ignore[arg-type]  # one of the two
    return Identity(f"share-{credential.fingerprint[:32]}", "", credential)


class SharedLinks:
    """What Immich says of links, kept for `believed_s` seconds each."""

    def __init__(self, client: ImmichClient, believed_s: float, clock: Clock = time.monotonic) -> None:
        self._client, self._believed_s, self._clock = client, believed_s, clock
        self._known: OrderedDict[str, tuple[float, SharedLink]] = OrderedDict()
        self._calls = SharedCalls()

    async def link(self, credential: Credential) -> SharedLink:
        """What a link shows. Raises PasswordRequired; SignInFailed where there is none such (any more)."""
        until, known = self._known.get(credential.fingerprint, (0.0, None))
        if known is not None and self._clock() < until:
            return known
        return await self._calls.ask(credential.fingerprint, lambda: self._ask(credential))

    async def open(self, link: str, password: str, caller: Caller | None = None) -> Identity:
        """A visitor who has given the link's password. Raises SignInFailed, LibraryUnavailable."""
        locked = visitor_with(link)
        try:
            opened = await self._client.open_link(locked.credential, password, caller)
        except (NotPermitted, Refused) as error:
            raise SignInFailed("this link, or its password, is not right") from error
        who = visitor_with(link, SecretStr(opened))
        await self.link(who.credential)
        return who

    def forget(self, credential: Credential) -> None:
        """Has Immich asked again, as after it refused the link."""
        self._known.pop(credential.fingerprint, None)

    async def page(self, credential: Credential, kind: str, start: int, size: int) -> tuple[list[Listed], int | None]:
        """What a link shows of one kind, newest first, from place `start` on; and the place where the next page begins.

        Places count photos and videos alike. A page that comes upon few of its kind may be short.
        """
        link = await self.link(credential)
        if link.album is not None:
            return await self._page_of_album(credential, link.album.id, kind, start, size)
        ordered = sorted(link.assets, key=lambda one: one.taken_at or _LONG_AGO, reverse=True)
        found, end = _taken(ordered[start:], kind, size)
        return found, start + end if start + end < len(ordered) else None

    async def _page_of_album(
        self, credential: Credential, album_id: str, kind: str, start: int, size: int
    ) -> tuple[list[Listed], int | None]:
        of_album = urlencode({"albumId": album_id})
        try:
            months = (await self._client.get(credential, f"timeline/buckets?{of_album}", Months)).root
            found: list[Listed] = []
            place = looked_at = 0
            for month in months:
                first, place = place, place + month.count
                if start >= place:
                    continue
                if len(found) >= size or looked_at >= _MONTHS_OF_A_PAGE:
                    return found, max(first, start)
                query = urlencode({"albumId": album_id, "timeBucket": f"{month.time_bucket:%Y-%m-%d}"})
                rows = (await self._client.get(credential, f"timeline/bucket?{query}", Columns)).rows()
                looked_at += 1
                skipped = max(0, start - first)
                some, end = _taken(rows[skipped:], kind, size - len(found))
                found += some
                if skipped + end < len(rows):
                    return found, first + skipped + end
        except Refused as error:
            raise LibraryUnavailable(f"Immich does not list this album: {error}", down="immich") from error
        return found, None

    async def _ask(self, credential: Credential) -> SharedLink:
        began = self._clock()
        try:
            link = await self._client.get(credential, "shared-links/me", SharedLink)
        except SignInFailed as refusal:
            self.forget(credential)
            if _LOCKED in refusal.message:
                raise PasswordRequired from refusal
            raise SignInFailed(
                "this link leads nowhere: it has expired, was taken back, or was never there"
            ) from refusal
        except (NotPermitted, Refused) as error:
            self.forget(credential)
            raise SignInFailed("this link leads nowhere") from error
        self._known[credential.fingerprint] = (began + self._believed_s, link)
        self._known.move_to_end(credential.fingerprint)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return link


def _taken(rows: Sequence[Listed], kind: str, size: int) -> tuple[list[Listed], int]:
    """The first `size` of a kind, and how many rows were looked at for them."""
    found: list[Listed] = []
    for looked_at, row in enumerate(rows):
        if len(found) == size:
            return found, looked_at
        if row.shown_as == kind:
            found.append(row)
    return found, len(rows)
