"""The surface that every library has."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from typing import Literal, Protocol

from immichvr_common.sources import Source

from immichvr_gateway.library.browsing import Browsing
from immichvr_gateway.library.changes import Changes
from immichvr_gateway.library.content import Content
from immichvr_gateway.library.photos import Caller, Identity, LibraryPhoto, PhotoPage, Span, Trace


class Library(Protocol):
    """A source of photos and videos. What may be seen is decided anew, or at most a minute ago, for each person.

    Every method may raise LibraryUnavailable, SignInFailed (the credential is no longer good) or NotPermitted.
    """

    @property
    def kind(self) -> Literal["folder", "immich"]:
        """Which library this is."""
        ...

    @property
    def remembers(self) -> bool:
        """Whether what it said lately of a photo or video holds for a while, see `recall`, also for a scene of it."""
        ...

    @property
    def cursor_pattern(self) -> str:
        """What every cursor of this library looks like, and nothing that it refuses: a regular expression."""
        ...

    @property
    def browsing(self) -> Browsing:
        """Its lists by time, album, person, place, tag, memory and words."""
        ...

    async def items(self, kind: str, who: Identity, cursor: str | None, limit: int) -> PhotoPage:
        """A page of photos, or of videos, newest first; InvalidCursor for a cursor of no page.

        kind: of sources; of kinds that libraries do not hold there are none.
        """
        ...

    def changes(self, who: Identity) -> AsyncGenerator[Changes]:
        """What comes, changes and goes from now on among what this person sees, until it is closed.

        Costs the library little while nothing happens. Raises while it goes on what other methods do.
        """
        ...

    async def item(self, who: Identity, item: Source, *, fresh: bool = False) -> LibraryPhoto:
        """One photo or video; `fresh` asks anew, as before work on it begins. PhotoNotFound."""
        ...

    async def owns(self, who: Identity, item: Source) -> bool:
        """Whether a photo or video that this person sees is theirs, asked anew. PhotoNotFound."""
        ...

    async def trace(self, who: Identity, item: Source) -> Trace:
        """What `is_gone` needs to know of a photo or video. PhotoNotFound."""
        ...

    async def is_gone(self, who: Identity, item: Source, mark: str) -> bool:
        """Whether a photo or video was deleted for good, asked as its owner; False where that is not sure."""
        ...

    async def set_favorite(self, who: Identity, item: Source, favorite: bool) -> LibraryPhoto:
        """Marks a photo or video, or takes the mark away; it as it is then.

        PhotoNotFound; NotPermitted, naming the permission that the credential lacks, or where it is not theirs.
        """
        ...

    async def original(self, who: Identity, item: Source, span: Span | None = None) -> Content:
        """The file as it is, or that part of it, where the library gives parts.

        PhotoNotFound, PhotoTooLarge, NoSuchRange.
        """
        ...

    async def playback(self, who: Identity, item: Source, span: Span | None = None) -> Content:
        """What browsers play of a video, or the clip of a live photo, whole or in part.

        PhotoNotFound, also of a photo that has none; PhotoTooLarge, NotReady, NoSuchRange.
        """
        ...

    async def source(self, who: Identity, item: Source) -> Content:
        """What is worked on: of a photo the picture that a person sees, in a format that is decoded; a video's file.

        PhotoNotFound, PhotoTooLarge.
        """
        ...

    async def rendition(self, who: Identity, photo_id: str, *, small: bool) -> Content | None:
        """The largest picture that the library itself made of a photo, for one whose source cannot be decoded.

        small: the largest is too large, too. None where the library makes no pictures of its own. PhotoNotFound,
        NotReady.
        """
        ...

    async def thumbnail(self, who: Identity, item: Source) -> Content:
        """A small upright picture that browsers show. PhotoNotFound, PhotoUnreadable, NotReady."""
        ...

    async def preview(self, who: Identity, item: Source) -> Content:
        """A screen-sized upright picture that browsers show. PhotoNotFound, PhotoUnreadable, NotReady."""
        ...

    async def visible(self, who: Identity, items: Collection[Source], *, singly: int) -> set[Source]:
        """Those of many photos and videos that this person sees, at few requests to the library.

        singly: how many that it does not list for them, and that they have not opened before, are asked about.
        """
        ...

    def recall(self, who: Identity, item: Source) -> bool | None:
        """Whether this person sees a photo or video, if that was decided lately; None where it has to be asked."""
        ...

    async def sign_in(
        self,
        *,
        api_key: str | None = None,
        email: str | None = None,
        password: str | None = None,
        caller: Caller | None = None,
    ) -> Identity:
        """Who this is. SignInFailed with the reason in words."""
        ...

    async def confirm(self, who: Identity) -> None:
        """Returns if the credential is good still, as the library said less than a minute ago; else SignInFailed.

        LibraryUnavailable says nothing about the credential.
        """
        ...

    async def sign_out(self, who: Identity) -> None:
        """Ends what `sign_in` began in the library itself, such as a session there."""
        ...

    async def may_manage(self, who: Identity, *, fresh: bool = False) -> bool:
        """Whether this credential decides for everybody, such as on licences; `fresh` asks anew."""
        ...

    async def may_save(self, who: Identity) -> bool:
        """Whether this one may save pictures as files; a visitor may where the owner of the link lets them.

        SignInFailed.
        """
        ...

    async def identity_of_service(self) -> Identity | None:
        """Who the gateway itself is to the library, where it has a key of its own."""
        ...

    async def check(self) -> list[str]:
        """What is wrong with the library or its settings, in words; nothing where all is well."""
        ...

    async def remarks(self) -> list[str]:
        """What is good to know and keeps nothing from working, in words; nothing where all is as it should be."""
        ...

    async def answers(self) -> bool:
        """Whether the library can be reached, as of half a minute ago at most."""
        ...

    async def close(self) -> None:
        """Gives back connections and threads."""
        ...
