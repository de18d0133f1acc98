"""When a batch may go on, and what is said where it may not."""

from datetime import UTC, datetime, timedelta

import pytest
from immichvr_gateway.batches.governor import is_within, reason_to_wait
from immichvr_gateway.batches.records import Batch, BatchFilter, BatchWanted, Estimate, Hours, Signal
from immichvr_gateway.batches.selecting import Stage, stages_of
from pydantic import ValidationError

NOW = datetime(2026, 11, 29, 21, 30, tzinfo=UTC)
NOTHING = Estimate(items=0, is_at_least=False, to_make=0, hours=None, gigabytes=None)


def a_batch(signal: Signal | None = None, **wanted) -> Batch:
    return Batch(
        id="b", user_id="ann", wanted=BatchWanted(**wanted), estimate=NOTHING, created_at=NOW, updated_at=NOW,
        signal=signal,
    )  # fmt: skip


def why(batch: Batch, is_short: bool = False, stored: int = 0, quota: int | None = None, now=NOW) -> str:
    return reason_to_wait(batch, now, is_short, stored, quota)


@pytest.mark.parametrize(
    ("begin", "end", "zone", "within"),
    [
        ("22:00", "06:00", "UTC", False),
        ("22:00", "06:00", "Europe/Vienna", True),
        ("21:30", "21:31", "UTC", True),
        ("20:00", "21:30", "UTC", False),
        ("09:00", "17:00", "America/Los_Angeles", True),
    ],
)
def test_hours_are_those_of_a_zone_and_go_over_midnight(begin: str, end: str, zone: str, within: bool) -> None:
    assert is_within(Hours(begin=begin, end=end, zone=zone), NOW) is within


def test_outside_of_its_hours_a_batch_says_when_it_works() -> None:
    assert why(a_batch(hours={"begin": "22:00", "end": "06:00"})) == "it works from 22:00 to 06:00 (UTC)"
    with pytest.raises(ValidationError, match="there is no time zone 'Mars/Base'"):
        Hours(zone="Mars/Base")


def test_a_signal_holds_until_its_time_is_over() -> None:
    stop, go = Signal(go=False, until=NOW + timedelta(minutes=5)), Signal(go=True, until=NOW + timedelta(minutes=5))
    assert why(a_batch(stop)) == "a signal said not now"
    assert why(a_batch(stop), now=NOW + timedelta(minutes=6)) == ""
    assert why(a_batch(waits_for_signal=True)) == "it waits for a signal that says now"
    assert why(a_batch(go, waits_for_signal=True)) == ""
    assert why(a_batch(go, waits_for_signal=True), now=NOW + timedelta(minutes=6)) != ""


def test_a_full_disk_and_a_used_up_share_of_it_are_said() -> None:
    assert why(a_batch(), is_short=True) == "there is no room on the disk"
    assert why(a_batch(), stored=10**9, quota=2 * 10**9) == ""
    said = why(a_batch(), stored=2 * 10**9, quota=2 * 10**9)
    assert said == "what was made for you takes 2.0 GB, of 2.0 GB that you may have"


def test_what_people_look_at_first_is_made_first() -> None:
    assert stages_of(BatchFilter()) == [Stage.MEMORIES, Stage.FAVOURITES, Stage.PEOPLE, Stage.NEWEST]
    assert stages_of(BatchFilter(album="x")) == [Stage.FAVOURITES, Stage.NEWEST]
    assert stages_of(BatchFilter(favourites=True)) == [Stage.NEWEST]


def test_a_range_of_time_takes_nothing_whose_time_nobody_knows() -> None:
    wanted = BatchFilter(taken_after=NOW, taken_before=NOW + timedelta(days=1))
    assert wanted.takes(NOW) and not wanted.takes(NOW + timedelta(days=1)) and not wanted.takes(None)
    assert BatchFilter().takes(None)
    for odd in ("2026-01-01T00:00:00", "2026-01-01", 1767225600):
        with pytest.raises(ValidationError, match="is no time with its zone"):
            BatchFilter.model_validate({"taken_after": odd})
