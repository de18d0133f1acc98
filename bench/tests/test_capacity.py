"""The simulation keeps the rules that it is quoted for."""

from __future__ import annotations

import pytest
from immichvr_bench.capacity import Pool, Wish, library, simulate

ONE = Pool(1, wake_s=60, sleeps_after_s=300)


def test_a_sleeping_pool_wakes_for_one_job_and_sleeps_again() -> None:
    outcome = simulate([Wish(1000, "ann", 10, True)], ONE)
    assert outcome.waits_s == [60]
    assert (outcome.busy_s, outcome.worker_s) == (10, 60 + 10 + 300)


def test_what_people_wait_for_overtakes_and_what_runs_is_not_stopped() -> None:
    wishes = [Wish(0, "ann", 10, False)] * 100 + [Wish(65, "bob", 1, True)]
    outcome = simulate(wishes, ONE)
    assert outcome.waits_s == [5]  # the one that began at 60 ends at 70
    assert outcome.jobs == 101


def test_people_take_turns_so_that_few_photos_do_not_wait_for_many() -> None:
    wishes = [Wish(0, "ann", 1, False)] * 1000 + [Wish(0, "eve", 1, False)] * 10
    outcome = simulate(wishes, ONE)
    assert outcome.ended_s["eve"] == pytest.approx(60 + 20, abs=1)
    assert outcome.ended_s["ann"] == 60 + 1010


def test_no_more_workers_wake_than_there_is_work_for_and_no_more_than_may() -> None:
    pool = Pool(4, wake_s=10, sleeps_after_s=0)
    assert simulate([Wish(0, "ann", 100, False)] * 2, pool).worker_s == 2 * 110
    assert simulate([Wish(0, "ann", 100, False)] * 8, pool).worker_s == 4 * 210


def test_a_library_is_done_whole_by_the_hours_it_takes() -> None:
    outcome = simulate(library({"ann": 2000, "eve": 500}, 2.0, 5, 3), Pool(2, 30, 300))
    assert outcome.jobs == 2500 + 5 * 2 * 3
    assert max(outcome.ended_s.values()) == pytest.approx(2500, rel=0.05)
    assert outcome.busy_s == pytest.approx(2530 * 2.0, rel=0.05)
