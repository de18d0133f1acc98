"""Models of videos are fetched, loaded, unloaded and deleted by this service, in children and in one process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from immichvr.events.v1.events_pb2 import ModelEvent
from immichvr_common.errors import TaskFailed
from immichvr_common.processes.pool import ChildPool
from immichvr_common.tasks import Task
from immichvr_common.telling import ChildEvent, LoadedModels, tell_through
from immichvr_inference.context import RunContext
from immichvr_inference.model_jobs import perform_model_job
from immichvr_inference.residency import Runtime
from immichvr_inference.settings import RuntimeSettings
from immichvr_models import Cache, CacheSettings, Registry, registry
from immichvr_models.testing import running_hub
from immichvr_video_depth.networks.video_depth_anything import VideoDepthAnythingFamily
from immichvr_video_depth.networks.video_depth_anything.shapes import TINY
from immichvr_video_depth.settings import CAPABILITY

MODEL = registry["vda-small"]


@pytest.fixture
def heard() -> Iterator[list[ChildEvent]]:
    """What this process tells."""
    heard: list[ChildEvent] = []
    tell_through(heard.append)
    yield heard
    tell_through(None)


def states(heard: list[ChildEvent]) -> list[str]:
    told = [news.state if isinstance(news, ModelEvent) else f"holds {sorted(news.keys)}" for news in heard
            if isinstance(news, ModelEvent | LoadedModels)]  # fmt: skip
    return [state for state, before in zip(told, ["", *told], strict=False) if state != before]


def test_a_model_is_fetched_loaded_and_leaves_memory_and_disk(heard: list[ChildEvent], tmp_path: Path) -> None:
    family = VideoDepthAnythingFamily(TINY)
    torch.save(family.tiny(3).state_dict(), tmp_path / "tiny.pth")
    body = (tmp_path / "tiny.pth").read_bytes()
    file = MODEL.files[0].model_copy(update={"size": len(body), "sha256": hashlib.sha256(body).hexdigest()})
    rows = tuple(one.model_copy(update={"files": (file,)}) if one.key == MODEL.key else one for one in registry)
    with running_hub() as hub:
        hub.add(MODEL.url(file, ""), body)
        cache = Cache(tmp_path / "models", CacheSettings(endpoint=hub.url, keep_free=0), Registry(rows))
        context = RunContext(cache, Runtime({MODEL.key: family}, RuntimeSettings(device="cpu")))
        for kind in ("model-download", "model-load", "model-unload"):
            perform_model_job(Task(kind, {"key": MODEL.key}, {}, tmp_path), lambda *_: None, context)
        context.runtime.unload(MODEL.key)
        perform_model_job(Task("model-delete", {"key": MODEL.key}, {}, tmp_path), lambda *_: None, context)
    assert states(heard) == [
        "downloading", "ready", "loading", f"holds ['{MODEL.key}']", "unloading", "holds []", "absent",
    ]  # fmt: skip
    assert cache.state(cache.registry[MODEL.key]) == "downloadable"


async def test_a_child_fetches_what_the_registry_says_and_believes_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_hub() as hub:
        for name, value in (
            ("HF_ENDPOINT", hub.url), ("HF_HUB_OFFLINE", ""), ("IMMICHVR_MODELS_OFFLINE", ""),
            ("IMMICHVR_MODELS_DIR", str(tmp_path / "models")),
        ):  # fmt: skip
            monkeypatch.setenv(name, value)
        hub.add(MODEL.url(MODEL.files[0], ""), b"other weights")
        pool = ChildPool(CAPABILITY)
        told: list[ChildEvent] = []
        pool.listen(told.append)
        try:
            with pytest.raises(TaskFailed) as refused:
                await pool.run(Task("model-download", {"key": MODEL.key}, {}, tmp_path), lambda *_: None, 60)
        finally:
            pool.close()
    assert refused.value.code == "bad_checksum"
    assert [news.error.code for news in told if isinstance(news, ModelEvent) and news.state == "failed"] == [
        "bad_checksum"
    ]
