"""The first of several models that can run makes it, and says why it was not an earlier one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from immichvr_inference.errors import ModelUnavailable, NotEnoughMemory
from immichvr_inference.fallback import first_that_runs


@dataclass(frozen=True)
class Thing:
    made_by: str
    reason: str = ""

    def with_reason(self, reason: str) -> Thing:
        return replace(self, reason=reason)


def make(key: str) -> Thing:
    if key == "crowded":
        raise NotEnoughMemory(key, "it is too large")
    if key == "absent":
        raise ModelUnavailable(key, "no_network", "no network", "connect the machine")
    return Thing(key, "it ran a second time" if key == "tired" else "")


def test_the_first_choice_needs_no_reason() -> None:
    assert first_that_runs(["good", "better"], make) == Thing("good")


def test_every_one_that_could_not_run_is_named_and_then_the_one_that_did() -> None:
    made = first_that_runs(["absent", "crowded", "good"], make)
    assert made.reason == "absent: no network; crowded: it is too large; good was used"


def test_what_was_made_keeps_the_reason_of_its_own() -> None:
    assert first_that_runs(["crowded", "tired"], make).reason == "crowded: it is too large; it ran a second time"


def test_only_what_may_decline_is_passed_over_and_the_last_error_is_the_callers() -> None:
    with pytest.raises(ModelUnavailable) as stopped:
        first_that_runs(["absent", "good"], make, NotEnoughMemory)
    assert stopped.value.advice == "absent: no network; connect the machine"
    with pytest.raises(NotEnoughMemory):
        first_that_runs(["crowded", "crowded"], make)
