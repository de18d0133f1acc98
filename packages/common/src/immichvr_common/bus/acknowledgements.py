"""What is said of messages that a consumer has handed out, for whoever listens to it.

Its subject is `$JS.ACK.<stream>.<consumer>.<how often delivered>.<sequence in the stream>.…`, its text `+WPI` while the
work goes on (nats-server, consumer.go).
"""

from __future__ import annotations

from dataclasses import dataclass

from immichvr_common.bus.messages import BusMessage

_SEQUENCE = 5
_GOES_ON = b"+WPI"


@dataclass(frozen=True)
class Acknowledgement:
    """Of the message at `seq` in its stream: that the work on it goes on, or that it is over, in whatever way."""

    seq: int
    goes_on: bool


def acknowledgements_of(stream: str, consumer: str) -> str:
    """Under which subjects they are sent."""
    return f"$JS.ACK.{stream}.{consumer}.>"


def read_acknowledgement(message: BusMessage) -> Acknowledgement | None:
    """What was said; None where this is no acknowledgement."""
    tokens = message.subject.split(".")
    if len(tokens) <= _SEQUENCE or not tokens[_SEQUENCE].isdecimal():
        return None
    return Acknowledgement(int(tokens[_SEQUENCE]), message.data.startswith(_GOES_ON))
