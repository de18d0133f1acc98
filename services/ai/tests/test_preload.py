"""Models to preload are in memory before the first photo; what is not here stops nothing."""

from collections.abc import Callable

import pytest
from immichvr_ai.settings import AiSettings
from immichvr_inference.context import RunContext
from immichvr_inference.preloading import preload
from immichvr_models import Cache


def test_nothing_is_preloaded_by_default() -> None:
    assert AiSettings().models.preload == ()


def test_models_that_are_here_are_preloaded_and_others_passed_over(
    on: Callable[..., RunContext], stocked: Callable[..., Cache]
) -> None:
    context = on(stocked("da2-small"))
    preload(("da2-base", "sharp", "heuristic", "da2-small"), context)
    assert [one.key for one in context.runtime.loaded()] == ["da2-small"]


def test_what_the_first_task_used_stays_where_there_is_no_room_for_both(
    on: Callable[..., RunContext], stocked: Callable[..., Cache]
) -> None:
    context = on(stocked("da2-small", "da2-base"), free=500_000_000)  # less than da2-small needs
    context.run("da2-base", lambda *_: None)
    preload(("da2-small",), context)
    assert [one.key for one in context.runtime.loaded()] == ["da2-base"]


def test_the_environment_says_what_to_preload_and_what_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMMICHVR_AI_MODELS__PRELOAD", '["da2-small"]')
    monkeypatch.setenv("IMMICHVR_AI_MODELS__FALLBACK", '{"da2-large": ["da2-base", "da2-small"]}')
    monkeypatch.setenv("IMMICHVR_AI_MODELS__IDLE_S", "12")
    models = AiSettings().models
    assert models.preload == ("da2-small",)
    assert models.fallback == {"da2-large": ("da2-base", "da2-small")}
    assert models.idle_s == 12
