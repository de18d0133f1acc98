"""Clocks that differ: a signature on a request to S3 holds for some minutes around the time it names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from immichvr_common.errors import ClockSkew

_TOLERATED = timedelta(minutes=14)
"""S3 refuses requests whose time is more than 15 minutes from its own; an answer takes a moment to arrive."""
_TOO_SKEWED = "RequestTimeTooSkewed"


def skew_told(status: int, code: str, headers: Mapping[str, str], now: datetime) -> ClockSkew | None:
    """What a refusal says about clocks; None where they are not the reason.

    status, code: of the answer; HEAD's has no code of its own. headers: of the answer. now: this machine's time.
    """
    ahead = _ahead(headers, now)
    far = ahead is not None and abs(ahead) > _TOLERATED
    if status != 403 or not (code == _TOO_SKEWED or far):
        return None
    if ahead is None:
        return ClockSkew("this machine's clock and that of the storage differ by more than storage allows")
    minutes = round(abs(ahead).total_seconds() / 60)
    return ClockSkew(
        f"this machine's clock is {minutes} minutes {'ahead of' if ahead > timedelta() else 'behind'} that of the"
        " storage, which therefore refuses every request; set the clock right"
    )


def _ahead(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """By how much this clock is ahead of the one that wrote the answer (RFC 9110, 6.6.1)."""
    try:
        theirs = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return None
    return now - (theirs if theirs.tzinfo is not None else theirs.replace(tzinfo=UTC))
