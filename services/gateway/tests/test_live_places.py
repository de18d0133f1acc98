"""How many live sessions there may be, and how many Prometheus is told there are."""

from __future__ import annotations

from typing import Any, cast

import pytest
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.library import Credential, Identity
from immichvr_gateway.live.sessions import LiveSessions
from immichvr_gateway.settings import LiveSettings
from prometheus_client import REGISTRY
from pydantic import SecretStr


def person(name: str) -> Identity:
    return Identity(name, name, Credential("api_key", SecretStr(name)))


def test_a_person_has_two_places_all_together_three_and_each_is_told_until_it_is_left() -> None:
    def told() -> float:
        return REGISTRY.get_sample_value("immichvr_live_sessions") or 0.0

    before, unused = told(), cast(Any, None)
    live = LiveSessions(unused, unused, unused, unused, LiveSettings(sessions=3, per_user=2))
    with live.place(person("ada")), live.place(person("ada")):
        with pytest.raises(Problem, match="you have 2"), live.place(person("ada")):
            pass
        with live.place(person("bob")):
            with pytest.raises(Problem, match="3 live sessions are open"), live.place(person("eve")):
                pass
            assert told() == before + 3
    assert told() == before
