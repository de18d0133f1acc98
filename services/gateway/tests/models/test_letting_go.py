"""Models that leave the memory of one service leave that of the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from immichvr.events.v1.events_pb2 import ModelEvent
from immichvr_gateway.projections import Projections


@pytest.mark.parametrize("state", ["unloading", "absent"])
@pytest.mark.parametrize(("age_s", "announced"), [(1, 1), (3600, 0)])
async def test_that_a_model_goes_is_announced_while_it_is_news_alone(state: str, age_s: float, announced: int) -> None:
    said, taken = list[str](), list[str]()

    async def announce(subject: str, data: bytes) -> None:
        said.append(subject)

    async def on_event(event: ModelEvent) -> None:
        taken.append(event.state)

    bus, claims = SimpleNamespace(announce=announce), SimpleNamespace(model=lambda told, event: event)
    nobody: Any = None
    models: Any = SimpleNamespace(on_event=on_event)
    projections = Projections(bus, claims, nobody, nobody, models, nobody)  # type: ignore[arg-type]
    event = ModelEvent(key="da2-small", state=state)
    event.at.FromDatetime(datetime.now(UTC) - timedelta(seconds=age_s))
    await projections.on_model(nobody, event)
    assert said == ["control.model.da2-small"] * announced
    assert taken == [state]
