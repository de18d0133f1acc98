"""One hierarchy of failures, each with a machine-readable code and a message a person can act on."""

from __future__ import annotations

import errno
from typing import ClassVar, Literal

from immichvr.common.v1.common_pb2 import Error


class ServiceError(Exception):
    """A failure with a code.

    message: what was wrong, where, and what would be right.
    retriable: whether the same request may succeed later.
    inputs: roles of the inputs that it is about; none where it is about all of them, or about something else.
    """

    code: ClassVar[str] = "internal"
    retriable: ClassVar[bool] = False
    inputs: tuple[str, ...] = ()

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidRequest(ServiceError):
    """What was asked for cannot be done, however often it is asked."""

    code = "invalid_request"


class TooLarge(ServiceError):
    """A file has more bytes than are taken."""

    code = "too_large"


class NotFound(ServiceError):
    """What was asked about is not there. key: what our own storage, or the bus, calls it, where it is theirs."""

    code = "not_found"

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class Conflict(ServiceError):
    """Somebody else changed it first."""

    code = "conflict"


class Contended(Conflict):
    """So many changed the same thing at the same moment that it could not be changed here, for a long while."""

    retriable = True


class SourceReplaced(ServiceError):
    """What the work was made of does not count any more; the same can be made of what replaced it."""

    code = "source_replaced"
    retriable = True


class Unavailable(ServiceError):
    """Something this process depends on does not answer: NATS, S3, another service."""

    code = "unavailable"
    retriable = True

    def __init__(self, message: str, down: str) -> None:
        super().__init__(message)
        self.down = down


class ClockSkew(ServiceError):
    """The clocks of this machine and of something it depends on differ too much to work together."""

    code = "clock_skew"
    retriable = True


Where = Literal["s3", "nats", "disk"]
_MAKE_ROOM: dict[Where, str] = {
    "s3": "make room in the object storage, or give it more",
    "nats": "make room on the disk of NATS, or give its store more",
    "disk": "make room on the disk",
}


class StorageFull(ServiceError):
    """Something has no room left to write in. No outage: it lasts until somebody makes room.

    where: what is full; what: the sentence about it, to which what to do is added.
    """

    code = "storage_full"
    retriable = True

    def __init__(self, where: Where, what: str) -> None:
        self.where = where
        ServiceError.__init__(self, f"{what}; {_MAKE_ROOM[where]}")


def full_elsewhere(message: str) -> StorageFull:
    """A StorageFull as it was told by its message."""
    where: Where = next((one for one, remedy in _MAKE_ROOM.items() if message.endswith(remedy)), "s3")
    return StorageFull(where, message.removesuffix(f"; {_MAKE_ROOM[where]}"))


class StorageRefused(ServiceError):
    """Storage answers and will not do it, however long one waits: rights or bucket. The message says which."""

    code = "storage_refused"
    retriable = True


class CorruptObject(ServiceError):
    """An object is not what its reference says, or cannot be read though storage is well. key: the object's."""

    code = "corrupt_object"

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class DeadlineExceeded(ServiceError):
    """The work took longer than it may."""

    code = "deadline_exceeded"
    retriable = True


class Cancelled(ServiceError):
    """Nobody wants the result any more."""

    code = "cancelled"


class WorkerCrashed(ServiceError):
    """The process that did the work died."""

    code = "worker_crashed"
    retriable = True


class Returned(ServiceError):
    """A worker that was told to stop gave its job back; no fault of the job's, and no try of it."""

    code = "returned"
    retriable = True


class OutOfMemory(ServiceError):
    """The work needs more memory than there is."""

    code = "out_of_memory"
    retriable = True


class TaskFailed(ServiceError):
    """The work itself reported a failure; the code is its own (`invalid_image`, …)."""

    def __init__(self, code: str, message: str, retriable: bool = False, inputs: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # an instance speaks for the domain it came from
        self.retriable = retriable  # type: ignore[misc]  # as above
        self.inputs = inputs


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def disk_full(error: BaseException) -> StorageFull | None:
    """What an error of the file system means where the disk, or somebody's share of it, is full; else None."""
    if not isinstance(error, OSError) or error.errno not in _NO_ROOM:
        return None
    place = f" of {error.filename}" if error.filename else ""
    return StorageFull("disk", f"the disk{place} is full ({error.strerror})")


def code_of(error: BaseException, otherwise: str) -> str:
    """The code that an error says for itself, whichever package it is of; another where it says none."""
    code = getattr(error, "code", None)
    return code if isinstance(code, str) else otherwise


def error_message(error: BaseException) -> Error:
    """The error as it travels in events and answers; an unforeseen one is `internal`."""
    error = disk_full(error) or error
    if isinstance(error, ServiceError):
        return Error(code=error.code, message=error.message, retriable=error.retriable, inputs=error.inputs)
    return Error(code="internal", message=f"{type(error).__name__}: {error}", retriable=False)
