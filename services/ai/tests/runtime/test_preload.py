"""Models to preload are in memory before the first photo; what is not here stops nothing."""

from collections.abc import Callable

import pytest
from immichvr_ai.runtime import Runtime
from immichvr_ai.settings import AiSettings, ModelsSettings
from immichvr_ai.warming import preload
from immichvr_models import Cache, registry


def test_nothing_is_preloaded_by_default() -> None:
    assert AiSettings().models.preload == ()


def test_models_that_are_here_are_preloaded_and_others_passed_over(stocked: Callable[..., Cache]) -> None:
    runtime = Runtime(ModelsSettings(device="cpu"), free=lambda _: None)
    preload(("da2-base", "sharp", "heuristic", "da2-small"), stocked("da2-small"), runtime)
    assert [one.key for one in runtime.loaded()] == ["da2-small"]


def test_the_environment_says_what_to_preload_and_what_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMMICHVR_AI_MODELS__PRELOAD", '["da2-small"]')
    monkeypatch.setenv("IMMICHVR_AI_MODELS__FALLBACK", '{"da2-large": ["da2-base", "da2-small"]}')
    monkeypatch.setenv("IMMICHVR_AI_MODELS__IDLE_S", "12")
    models = AiSettings().models
    assert models.preload == ("da2-small",)
    assert models.fallback == {"da2-large": ("da2-base", "da2-small")}
    assert models.idle_s == 12


def test_chains_of_the_default_name_models_that_exist_and_end_without_weights() -> None:
    for key, chain in ModelsSettings().fallback.items():
        assert {one.removeprefix("lift-") for one in (key, *chain)} <= set(registry.keys())
        assert chain[-1].removeprefix("lift-") == "heuristic"
        assert key not in chain
