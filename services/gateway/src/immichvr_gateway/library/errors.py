"""What can go wrong between the gateway and a library, by the code the API answers with."""

from __future__ import annotations

from typing import ClassVar

from immichvr_common.errors import ServiceError


class LibraryError(ServiceError):
    """A library did not give what was asked of it."""


class PhotoNotFound(LibraryError):
    """There is no such photo, or none that the asking person may see; which of the two is not told.

    what: it is in words, where it is no photo.
    """

    code = "not_found"

    def __init__(self, named: str, what: str = "photo") -> None:
        super().__init__(f"there is no {what} {named!r}, or you may not see it")


class InvalidCursor(LibraryError, ValueError):
    """A cursor that no page of this library gave out."""

    code = "invalid_cursor"

    def __init__(self) -> None:
        super().__init__("this cursor is not one that a page of photos gave; leave it out to start at the newest")


class LibraryUnavailable(LibraryError):
    """The library does not answer, or not in a way that can be understood.

    down: what does not answer, `immich` or `folder`; retry_after_s: when asking again makes sense, if known.
    """

    code = "unavailable"
    retriable: ClassVar[bool] = True

    def __init__(self, message: str, down: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.down = down
        self.retry_after_s = retry_after_s


class NotReady(LibraryUnavailable):
    """The library has not made this rendition yet."""

    code = "not_ready"


class SignInFailed(LibraryError):
    """The library does not accept this key, token or password (any more)."""

    code = "unauthorized"


class PasswordRequired(SignInFailed):
    """A share link that shows nothing before its password is given."""

    code = "password_required"

    def __init__(self) -> None:
        super().__init__("this link asks for a password")


class NotPermitted(LibraryError):
    """The credential is good, and does not reach that far.

    permissions: the names of what is missing, where the library says so.
    """

    code = "forbidden"

    def __init__(self, message: str, permissions: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.permissions = permissions


class SearchUnavailable(LibraryError):
    """This library, as it is set up, cannot look for that."""

    code = "search_unavailable"


class NoSuchRange(LibraryError):
    """Bytes were asked for that a file has not. size: how many it has."""

    code = "range_not_satisfiable"

    def __init__(self, size: int) -> None:
        super().__init__(f"the file has {size} bytes; the range is outside of it")
        self.size = size


class PhotoTooLarge(LibraryError):
    """A file above the limit of bytes."""

    code = "image_too_large"

    def __init__(self, name: str, limit: int) -> None:
        super().__init__(f"{name} is larger than the limit of {limit} bytes")


class PhotoUnreadable(LibraryError):
    """A photo that cannot be shown; the code is the decoder's (`invalid_image`, `image_too_large`, …)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # an instance speaks for the decoder
