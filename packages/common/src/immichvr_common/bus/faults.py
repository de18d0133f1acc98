"""What the NATS client raises, in the few words that the rest of the house knows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import nats.errors
from nats.js.errors import (
    APIError,
    BadBucketError,
    BadRequestError,
    InvalidBucketNameError,
    InvalidKeyError,
    KeyWrongLastSequenceError,
    NotFoundError,
)

from immichvr_common.errors import Conflict, NotFound, ServiceError, StorageFull, Unavailable

# What is wrong with a call itself, however well the server is.
_BUGS = (
    nats.errors.BadSubjectError,
    nats.errors.BadSubscriptionError,
    nats.errors.BadHeaderError,
    nats.errors.BadTimeoutError,
    nats.errors.InvalidCallbackTypeError,
    nats.errors.JsonParseError,
    nats.errors.MaxPayloadError,
    nats.errors.MsgAlreadyAckdError,
    nats.errors.NotJSMessageError,
    InvalidBucketNameError,
    InvalidKeyError,
)
_NO_STREAM = 10059
# nats-server's JSStreamStoreFailedF, with which it refuses a second message on a subject that holds one; and any other
# that its store does not take.
_NOT_STORED = 10077
_ONE_PER_SUBJECT = "per subject"
# nats-server's refusals for want of resources: of an account, of the server, of memory, of storage.
_NO_RESOURCES = (10002, 10023, 10028, 10047)
_NO_ROOM = (
    "no space left",
    "disk quota exceeded",
    "maximum bytes exceeded",
    "maximum messages exceeded",
    "error creating store",
)


class BusFull(StorageFull, Unavailable):
    """NATS has no room. Whoever waits for NATS waits for this too: what was to be told is told later.

    is_stuck: it goes on refusing until it is started again, also where there is room by then.
    """

    def __init__(self, what: str, is_stuck: bool = False) -> None:
        super().__init__("nats", what)
        self.down, self.is_stuck = "nats", is_stuck


class Silence(Unavailable):
    """NATS did not answer in time; whether it did what it was asked is not known."""

    def __init__(self, message: str) -> None:
        super().__init__(message, down="nats")


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Has calls of the NATS client raise Unavailable, NotFound or Conflict; anything else is a bug and stays itself.

    what: what they are about, a noun for the errors' sentences. A cancel that came in the meantime stays one: before
    Python 3.12 `asyncio.wait_for`, which the client waits by, loses one that comes as what it waits for is done: an
    answer, or a refusal.
    """
    cancels = _cancels()
    try:
        try:
            yield
        finally:
            if _cancels() > cancels:
                raise asyncio.CancelledError
    except ServiceError:
        raise
    except KeyWrongLastSequenceError as error:
        raise Conflict(f"{what} was changed by somebody else") from error
    except NotFoundError as error:
        if error.err_code == _NO_STREAM:
            raise Unavailable(f"the stream is not there yet: {what}", down="nats") from error
        raise NotFound(f"NATS has no {what}", what) from error
    except APIError as error:
        if (refusal := _refusal(error, what)) is None:
            raise
        raise refusal from error
    except _BUGS:
        raise
    except TimeoutError as error:  # the client's own is one of these
        raise Silence(f"NATS did not answer: {what}") from error
    except (nats.errors.Error, OSError) as error:
        raise Unavailable(f"NATS is away: {what} ({str(error) or type(error).__name__})", down="nats") from error


def _cancels() -> int:
    """How many cancels of the task that runs were asked for and not taken back."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def _refusal(error: APIError, what: str) -> ServiceError | None:
    """What it means that JetStream answered and did not do it; None where the question was wrong."""
    described = error.description or "JetStream does not answer"
    lower = described.lower()
    if any(words in lower for words in _NO_ROOM):
        return BusFull(f"NATS cannot store anything ({described})", is_stuck="left" in lower)
    if error.err_code in _NO_RESOURCES:
        return BusFull(f"the store of NATS is full ({described})")
    if error.err_code == _NOT_STORED and _ONE_PER_SUBJECT in lower:
        return Conflict(f"{what} holds a message already")
    if isinstance(error, (BadRequestError, BadBucketError)):
        return None
    return Unavailable(f"NATS cannot do it just now: {what} ({described})", down="nats")
