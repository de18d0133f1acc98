"""Whether a batch may go on just now, and why not. Pure: no clock, no I/O."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

from immichvr_gateway.batches.records import Batch, Hours


def reason_to_wait(batch: Batch, now: datetime, is_short: bool, stored: int, quota: int | None) -> str:
    """Why nothing more of a batch is begun, in words; empty where it goes on.

    is_short: whether there is no room on the disk. stored, quota: bytes that the person's things take and may take.
    """
    hours, signal = batch.wanted.hours, batch.signal
    if hours is not None and not is_within(hours, now):
        return f"it works from {hours.begin} to {hours.end} ({hours.zone})"
    if signal is not None and (signal.until is None or now < signal.until):
        if not signal.go:
            return "a signal said not now"
    elif batch.wanted.waits_for_signal:
        return "it waits for a signal that says now"
    if is_short:
        return "there is no room on the disk"
    if quota is not None and stored >= quota:
        return f"what was made for you takes {stored / 1e9:.1f} GB, of {quota / 1e9:.1f} GB that you may have"
    return ""


def is_within(hours: Hours, now: datetime) -> bool:
    """Whether it is within these hours of the day there."""
    clock = now.astimezone(ZoneInfo(hours.zone)).time()
    begin, end = time.fromisoformat(hours.begin), time.fromisoformat(hours.end)
    return begin <= clock < end if begin < end else clock >= begin or clock < end
