"""The life of a job, row by row."""

import itertools

import pytest
from immichvr_gateway.jobs.machine import TRANSITIONS, Debt, Phase, Step, Trigger, step

Q, R, F = Phase.QUEUED, Phase.RUNNING, Phase.FOLLOWED
DONE, BAD, OFF, LOST = Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.LOST
T = Trigger
EXPECTED = {
    **{(phase, T.BEGUN): Step(R) for phase in (Q, R, LOST)},
    **{(phase, T.MADE): Step(DONE) for phase in (Q, R, LOST)},
    **{(phase, T.MADE_WITH_MORE): Step(F) for phase in (Q, R, LOST)},
    **{(phase, T.RETURNED): Step(Q, (Debt.QUEUE,), next_run=True) for phase in (Q, R, LOST)},
    **{(phase, T.CRASHED): Step(Q, (Debt.QUEUE,), next_run=True) for phase in (Q, R, LOST)},
    **{(phase, T.UNDECODED): Step(Q, (Debt.STAND_IN,), next_run=True) for phase in (Q, R, LOST)},
    **{(phase, T.BROKEN): Step(BAD, (Debt.BURY,)) for phase in (Q, R, LOST)},
    **{(phase, T.CLOSED): Step(BAD) for phase in (Q, R, LOST)},
    **{(phase, T.CANCELLED): Step(OFF) for phase in (Q, R, LOST, F)},
    (Q, T.REPORTED): Step(Q), (R, T.REPORTED): Step(R), (LOST, T.REPORTED): Step(R),
    (Q, T.MISSED): Step(LOST, (Debt.BURY,)), (R, T.MISSED): Step(LOST, (Debt.BURY,)),
    (Q, T.STOOD_IN): Step(Q, (Debt.QUEUE,)), (Q, T.NO_STAND_IN): Step(BAD, (Debt.BURY,)),
    (Q, T.UNQUEUABLE): Step(BAD),
    (F, T.FOLLOWED): Step(DONE), (F, T.FOLLOW_UP_FAILED): Step(BAD, (Debt.BURY,)),
    (F, T.FOLLOW_UP_CANCELLED): Step(OFF),
    **{(phase, T.ASKED_ANEW): Step(Q, next_run=True) for phase in (DONE, BAD, OFF, LOST)},
}  # fmt: skip


@pytest.mark.parametrize(("phase", "trigger"), [*itertools.product(Phase, Trigger)])
def test_what_comes_of_each_trigger_in_each_phase(phase: Phase, trigger: Trigger) -> None:
    assert step(phase, trigger) == EXPECTED.get((phase, trigger))


@pytest.mark.parametrize("phase", [DONE, BAD, OFF])
def test_an_end_absorbs_everything_but_being_asked_anew(phase: Phase) -> None:
    assert [trigger for trigger in Trigger if step(phase, trigger)] == [Trigger.ASKED_ANEW]


def test_nothing_leads_from_a_success_to_another_state_of_the_same_run() -> None:
    assert all(taken.next_run for (phase, _), taken in TRANSITIONS.items() if phase is DONE)


def test_what_is_owed_is_stored_in_the_words_that_the_release_before_knows() -> None:
    assert [debt.value for debt in Debt] == ["queue", "bury", "stand_in"]
