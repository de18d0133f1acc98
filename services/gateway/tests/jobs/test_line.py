"""Whose turn it is among those who wait, and how long it may take."""

from datetime import UTC, datetime, timedelta

import pytest
from immichvr_gateway.jobs.line import places, round_robin, seconds_by_kind
from immichvr_gateway.jobs.records import JobRecord, JobStep, State

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


def job(name: str, *who: str, waits: bool = True, job_class: str = "interactive", **more) -> JobRecord:
    """A job, asked for in the order of the digits in its name."""
    at = BEGAN + timedelta(seconds=int("".join(filter(str.isdigit, name))))
    return JobRecord(
        id=name, kind="depth", requesters=list(who), subject=f"jobs.ai.cpu.{job_class}.depth.{name}", created_at=at,
        updated_at=at, in_line=at if waits else None, **more,
    )  # fmt: skip


def names(waiting: list[JobRecord], served: dict[str, int] | None = None) -> list[str]:
    return [record.id for _, record in round_robin(waiting, served or {})]


def test_each_person_has_a_turn_before_anybody_has_two() -> None:
    ann = [job(f"a{n}", "ann") for n in range(4)]
    assert names([*ann, job("b7", "bob"), job("b8", "bob"), job("c9", "cleo")]) == [
        "a0", "b7", "c9", "a1", "b8", "a2", "a3",
    ]  # fmt: skip


def test_who_was_served_longest_ago_is_first() -> None:
    assert names([job("a1", "ann"), job("b2", "bob")], {"ann": 5, "bob": 4}) == ["b2", "a1"]


def test_a_job_of_two_people_goes_once_when_the_first_of_them_has_a_turn() -> None:
    assert names([job("a1", "ann"), job("a2", "ann", "bob"), job("b3", "bob")]) == ["a1", "a2", "b3"]


def test_what_somebody_put_first_goes_before_their_own_and_takes_nobodys_turn() -> None:
    def first(name: str, who: str, since: int, *others: str) -> JobRecord:
        return job(name, who, *others, first_for={who: BEGAN + timedelta(hours=since)})

    ann = [job("a1", "ann"), first("a2", "ann", 1), job("a3", "ann"), first("a4", "ann", 2)]
    assert names([*ann, job("b0", "bob"), job("b5", "bob")]) == ["b0", "a4", "b5", "a2", "a1", "a3"]
    shared = first("a9", "ann", 1, "bob")
    assert names([job("b2", "bob"), job("b3", "bob"), shared], {"ann": 1}) == ["b2", "a9", "b3"]


def test_what_people_wait_for_stands_before_what_nobody_waits_for() -> None:
    under_way = [
        job("t1", "ann", job_class="batch"), job("a5", "ann", waits=False), job("b6", "bob"),
        job("r0", "bob", waits=False, state=State.RUNNING), job("r2", "bob", waits=False, state=State.RUNNING),
    ]  # fmt: skip
    found = places(under_way, {}, {"depth": 4.0})
    assert {name: (one.ahead, one.starts_in_s) for name, one in found.items()} == {
        "a5": (0, 0.0), "b6": (1, 2.0), "t1": (2, 4.0),
    }  # fmt: skip


@pytest.mark.parametrize(("state", "seconds"), [(State.QUEUED, {"depth": 4.0}), (State.RUNNING, {})])
def test_when_it_starts_is_not_told_where_nobody_works_or_nothing_like_it_was_done(state: State, seconds) -> None:
    found = places([job("a1", "ann", waits=False, state=state), job("b2", "bob"), job("b3", "bob")], {}, seconds)
    assert found["b3"].starts_in_s is None


def test_how_long_a_job_takes_is_what_the_middle_of_the_latest_took_without_its_wait() -> None:
    def done(name: str, seconds: float) -> JobRecord:
        steps = [JobStep(stage="queued", at=BEGAN, seconds=900), JobStep(stage="stored", at=BEGAN, seconds=seconds)]
        return job(name, "ann", state=State.SUCCEEDED, timeline=steps)

    assert seconds_by_kind([done("a1", 1), done("a2", 2), done("a3", 60), job("a4", "ann")]) == {"depth": 2}
