"""Models to preload are in memory before the first photo; what is not here stops nothing."""

from collections.abc import Callable

from immichvr_ai.runtime import Runtime
from immichvr_ai.settings import AiSettings, ModelsSettings
from immichvr_ai.warming import preload
from immichvr_models import Cache


def test_nothing_is_preloaded_by_default() -> None:
    assert AiSettings().models.preload == ()


def test_models_that_are_here_are_preloaded_and_others_passed_over(stocked: Callable[..., Cache]) -> None:
    runtime = Runtime(ModelsSettings(device="cpu"), free=lambda _: None)
    preload(("da2-base", "sharp", "heuristic", "da2-small"), stocked("da2-small"), runtime)
    assert [one.key for one in runtime.loaded()] == ["da2-small"]
