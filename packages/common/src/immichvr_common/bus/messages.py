"""Messages as they are handed out: heard as they are told, read from a stream, or delivered to be acknowledged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from nats.aio.msg import Msg
from nats.js.api import RawStreamMsg

from immichvr_common.bus.faults import translated
from immichvr_common.bus.link import Link

_CONFIRMED_S = 5.0


@dataclass(frozen=True)
class BusMessage:
    """A message that somebody published."""

    subject: str
    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stored(BusMessage):
    """A message as it lies in a stream. seq: its place there; at: when it was stored, by the clock of NATS."""

    seq: int = 0
    at: datetime | None = None


def stored(found: RawStreamMsg) -> Stored:
    """What the client read from a stream."""
    at = datetime.fromisoformat(found.time) if isinstance(found.time, str) else found.time
    if at is not None and at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return Stored(found.subject or "", found.data or b"", found.headers or {}, found.seq or 0, at)


class Delivery:
    """A message that a consumer handed out, and what may be said about it. Calls raise Unavailable.

    seq: its place in the stream; count: how often it has been handed out; number: which delivery of its consumer
    this is; left: how many more messages wait; at: when it was stored.
    """

    def __init__(self, message: Msg, link: Link) -> None:
        """Raises nats.errors.NotJSMessageError where no consumer delivered it."""
        facts = message.metadata
        self._message, self._link = message, link
        self.subject, self.data = str(message.subject), bytes(message.data or b"")
        self.headers: Mapping[str, str] = message.headers or {}
        self.seq, self.number = int(facts.sequence.stream), int(facts.sequence.consumer)
        self.count, self.left = int(facts.num_delivered or 1), int(facts.num_pending or 0)
        self.at: datetime = facts.timestamp

    @property
    def link(self) -> Link:
        """The way to the server that delivered it."""
        return self._link

    async def renew(self) -> None:
        """Says that the work goes on."""
        with translated("the renewal of a lease"):
            await self._message.in_progress()

    async def acknowledge(self) -> None:
        """Says that the message is done with; returns when the server has taken note."""
        with translated("an acknowledgement"):
            await self._message.ack_sync(timeout=_CONFIRMED_S)

    async def hand_back(self, after_s: float = 0) -> None:
        """Has the server hand it out again, at once or after a while."""
        with translated("the return of a message"):
            await self._message.nak(delay=after_s or None)

    async def refuse(self) -> None:
        """Has the server never hand it out again."""
        with translated("the refusal of a message"):
            await self._message.term()
