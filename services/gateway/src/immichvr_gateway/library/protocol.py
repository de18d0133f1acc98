"""The surface that every library has."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, Protocol

from immichvr_gateway.library.content import Content
from immichvr_gateway.library.photos import Caller, Identity, LibraryPhoto, PhotoPage, Span, Trace


class Library(Protocol):
    """A source of photos. What may be seen is decided anew, or at most a minute ago, for each person.

    Every method may raise LibraryUnavailable, SignInFailed (the credential is no longer good) or NotPermitted.
    """

    @property
    def kind(self) -> Literal["folder", "immich"]:
        """Which library this is."""
        ...

    @property
    def cursor_pattern(self) -> str:
        """What every cursor of this library looks like, and nothing that it refuses: a regular expression."""
        ...

    async def photos(self, who: Identity, cursor: str | None, limit: int) -> PhotoPage:
        """A page of photos, newest first; InvalidCursor for a cursor of no page."""
        ...

    async def photo(self, who: Identity, photo_id: str, *, fresh: bool = False) -> LibraryPhoto:
        """One photo; `fresh` asks anew, as before work on it begins. PhotoNotFound."""
        ...

    async def owns(self, who: Identity, photo_id: str) -> bool:
        """Whether a photo that this person sees is theirs, asked anew. PhotoNotFound."""
        ...

    async def trace(self, who: Identity, photo_id: str) -> Trace:
        """What `is_gone` needs to know of a photo. PhotoNotFound."""
        ...

    async def is_gone(self, who: Identity, photo_id: str, mark: str) -> bool:
        """Whether a photo was deleted for good, asked as its owner; False wherever that cannot be told for sure."""
        ...

    async def original(self, who: Identity, photo_id: str, span: Span | None = None) -> Content:
        """The file as it is, or that part of it, where the library gives parts. PhotoNotFound, PhotoTooLarge."""
        ...

    async def source(self, who: Identity, photo_id: str) -> Content:
        """What depth and splats are made from: the picture a person sees, in a format that is decoded."""
        ...

    async def rendition(self, who: Identity, photo_id: str, *, small: bool) -> Content | None:
        """The largest picture that the library itself made of a photo, for one whose source cannot be decoded.

        small: the largest is too large, too. None where the library makes no pictures of its own. PhotoNotFound,
        NotReady.
        """
        ...

    async def thumbnail(self, who: Identity, photo_id: str) -> Content:
        """A small upright picture that browsers show. PhotoNotFound, PhotoUnreadable, NotReady."""
        ...

    async def preview(self, who: Identity, photo_id: str) -> Content:
        """A screen-sized upright picture that browsers show. PhotoNotFound, PhotoUnreadable, NotReady."""
        ...

    async def visible(self, who: Identity, photo_ids: Collection[str], *, singly: int) -> set[str]:
        """Those of many photos that this person sees, at few requests to the library.

        singly: how many that it does not list for them, and that they have not opened before, are asked about.
        """
        ...

    def recall(self, who: Identity, photo_id: str) -> bool | None:
        """Whether this person sees a photo, if that was decided lately; None where the library has to be asked."""
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

    async def identity_of_service(self) -> Identity | None:
        """Who the gateway itself is to the library, where it has a key of its own."""
        ...

    async def check(self) -> list[str]:
        """What is wrong with the library or its settings, in words; nothing where all is well."""
        ...

    async def answers(self) -> bool:
        """Whether the library can be reached, as of half a minute ago at most."""
        ...

    async def close(self) -> None:
        """Gives back connections and threads."""
        ...
