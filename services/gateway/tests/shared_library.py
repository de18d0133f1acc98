"""A library that several people share."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from immichvr_catalog import VIDEO
from immichvr_common.sources import Source
from immichvr_gateway.library import (
    Caller,
    Changes,
    Content,
    Credential,
    FolderLibrary,
    Identity,
    LibraryPhoto,
    PhotoNotFound,
    SignInFailed,
    Span,
)
from immichvr_gateway.library.folder.catalogue import Catalogue
from immichvr_gateway.library.folder.walking import MediaFile
from pydantic import SecretStr


class SharedLibrary(FolderLibrary):
    """A folder that people share as they would an Immich: Ann sees everything, Bob what `bob_sees` names, Cleo nothing.

    videos: those there are besides, by id, with who sees them; all are Ann's.
    """

    kind: Any = "immich"

    def __init__(self, root: Path, cache: Path, bob_sees: set[str]) -> None:
        super().__init__(root, cache)
        self.bob_sees = bob_sees
        self.videos: dict[str, set[str]] = {}
        self.signed_out: list[str] = []
        self.unknown_now: set[str] = set()

    async def sign_in(
        self,
        *,
        api_key: str | None = None,
        email: str | None = None,
        password: str | None = None,
        caller: Caller | None = None,
    ) -> Identity:
        name = (api_key or "").removesuffix("-key") if api_key else (email or "").partition("@")[0]
        if name not in ("ann", "bob", "cleo") or (email and password != "right"):
            raise SignInFailed("Immich does not know this key")
        return Identity(name, name.title(), Credential("bearer", SecretStr(f"{name}-token")))

    async def sign_out(self, who: Identity) -> None:
        self.signed_out.append(who.user_id)

    async def identity_of_service(self) -> Identity | None:
        return None

    async def confirm(self, who: Identity) -> None:
        if who.user_id in self.unknown_now:
            raise SignInFailed("Immich does not know this key any more")

    async def may_manage(self, who: Identity, *, fresh: bool = False) -> bool:
        await self.confirm(who)
        return who.user_id == "ann"

    def recall(self, who: Identity, item: Source) -> bool | None:
        return None  # nothing is remembered, so that what changes shows at once

    def seen_by(self, who: Identity, catalogue: Catalogue) -> Catalogue:
        return Catalogue([entry for entry in catalogue.entries if self._sees(who, entry.file)])

    async def item(self, who: Identity, item: Source, *, fresh: bool = False) -> LibraryPhoto:
        if item.kind == VIDEO and who.user_id in self.videos.get(item.id, ()):
            return LibraryPhoto(
                id=item.id, name="summer.mov", width=None, height=None, taken_at=None, source_version="v1",
                external_url=None, size=None, kind=VIDEO, media_type="video/quicktime",
            )  # fmt: skip
        found = await super().item(who, item, fresh=fresh)
        if not self._sees(who, found):
            raise PhotoNotFound(item.id)
        return found

    async def changes(self, who: Identity) -> AsyncGenerator[Changes]:
        async for change in super().changes(who):
            yield replace(change, there=tuple(one for one in change.there if self._sees(who, one)))

    async def owns(self, who: Identity, item: Source) -> bool:
        if not await self.visible(who, [item], singly=1):
            raise PhotoNotFound(item.id)
        return who.user_id == "ann"

    async def visible(self, who: Identity, items: Collection[Source], *, singly: int) -> set[Source]:
        seen = set()
        for one in items:
            with suppress(PhotoNotFound):
                await self.item(who, one)
                seen.add(one)
        return seen

    async def original(self, who: Identity, item: Source, span: Span | None = None) -> Content:
        await self.item(who, item)
        return await super().original(who, item, span)

    async def thumbnail(self, who: Identity, item: Source) -> Content:
        await self.item(who, item)
        return await super().thumbnail(who, item)

    async def preview(self, who: Identity, item: Source) -> Content:
        await self.item(who, item)
        return await super().preview(who, item)

    def _sees(self, who: Identity, photo: LibraryPhoto | MediaFile) -> bool:
        return who.user_id == "ann" or (who.user_id == "bob" and photo.name in self.bob_sees)
