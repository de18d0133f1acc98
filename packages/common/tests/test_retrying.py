"""What is away is waited for, and said once each time it goes away."""

from __future__ import annotations

import pytest
from immichvr_common import retrying
from immichvr_common.errors import Unavailable
from immichvr_common.retrying import until_up


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [0.0]
    monkeypatch.setattr(retrying.time, "monotonic", lambda: clock[0])
    return clock


class Log:
    """Notes at which level something is said."""

    def __init__(self, said: list[str]) -> None:
        self._said = said

    def warning(self, words: str, **facts: object) -> None:
        self._said.append("warning")

    def debug(self, words: str, **facts: object) -> None:
        self._said.append("debug")


async def test_each_outage_is_said_once_and_waited_out_from_short_to_long(
    now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(retrying, "log", Log(said))
    waits: list[float] = []
    worked_s = iter([0.0, 0.0, 0.0, 3600.0, 0.0])

    async def work() -> str:
        try:
            now[0] += next(worked_s)
        except StopIteration:
            return "done"
        raise Unavailable("the bus is away", "nats")

    async def pause(delay: float) -> None:
        waits.append(delay)

    assert await until_up(work, "waiting for the bus", pause=pause) == "done"
    assert said == ["warning", "debug", "debug", "warning", "debug"]
    assert waits[0] < waits[1] < waits[2]
    assert waits[3:] == waits[:2]
