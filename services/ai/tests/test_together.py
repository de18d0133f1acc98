"""Splat jobs that wait go through SHARP at once, and each is as it would be alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from immichvr_ai import jobs
from immichvr_ai.networks import NETWORKS
from immichvr_ai.networks.base import Compute, View
from immichvr_ai.runtime import RUNTIME
from immichvr_ai.together import batch_key
from immichvr_common.batches import Outcome, Together
from immichvr_common.tasks import Task
from immichvr_models import Cache, CacheSettings, Registry, registry
from immichvr_splats import GaussianCloud, read
from PIL import Image


class Sheets:
    """In SHARP's place: four Gaussians at the height of the photo's size, and notes of how many photos came at once."""

    metric = True
    bf16 = False

    def __init__(self, fault: type[Exception] | None = None) -> None:
        self.seen: list[int] = []
        self._fault = fault

    def load(self, directory: Path) -> torch.nn.Module:
        return torch.nn.Identity()

    def tiny(self, seed: int = 0) -> torch.nn.Module:
        return torch.nn.Identity()

    def splats(self, module: torch.nn.Module, views: Sequence[View], compute: Compute) -> list[GaussianCloud]:
        self.seen.append(len(views))
        if self._fault is not None and len(views) > 1:
            raise self._fault("too many")
        return [_cloud(view.rgb.shape[1]) for view in views]


def _cloud(width: int) -> GaussianCloud:
    means = np.full((4, 3), width / 100, np.float32)
    return GaussianCloud(means, np.zeros((4, 3)), np.tile([1.0, 0, 0, 0], (4, 1)), np.zeros(4), np.zeros((4, 1, 3)))


@pytest.fixture
def sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Sheets]:
    """Puts that network in SHARP's place, with a cache in which its weights lie."""

    def place(fault: type[Exception] | None = None) -> Sheets:
        network = Sheets(fault)
        folder = tmp_path / "local" / "sharp"
        folder.mkdir(parents=True)
        (folder / registry["sharp"].files[0].path).write_bytes(b"weights")
        files = tuple(file.model_copy(update={"size": None, "sha256": None}) for file in registry["sharp"].files)
        rows = [
            model.model_copy(update={"files": files, "memory_cpu_mb": 1}) if model.key == "sharp" else model
            for model in registry
        ]
        settings = CacheSettings(offline=True, local_directory=tmp_path / "local", keep_free=0)
        cache = Cache(tmp_path / "models", settings, Registry(tuple(rows)))
        monkeypatch.setitem(NETWORKS, "sharp", network)
        monkeypatch.setattr(jobs, "_models", lambda: cache)
        monkeypatch.setattr(Cache, "from_env", classmethod(lambda _: cache))
        monkeypatch.setattr("immichvr_ai.runtime.residency.registry", cache.registry)
        return network

    yield place
    RUNTIME.unload("sharp")


@pytest.fixture
def waiting(tmp_path: Path) -> Callable[..., Together]:
    """Makes jobs for photos of these widths; 0 for a file that is no photo."""

    def make(*widths: int, model: str = "sharp", accepted: tuple[str, ...] = ("sharp",)) -> Together:
        tasks = []
        for number, width in enumerate(widths):
            source, out = tmp_path / f"source-{number}", tmp_path / f"out-{number}"
            out.mkdir()
            if width:
                Image.new("RGB", (width, 60), "teal").save(source, "PNG")
            else:
                source.write_bytes(b"no photo")
            params = {"model": model, "accepted": list(accepted)}
            tasks.append(Task("splat", params, {"source": source}, out, photo_id=str(number)))
        return Together("together", {}, {}, tmp_path, tasks=tuple(tasks))

    return make


def perform(batch: Together) -> list[Outcome]:
    outcomes = jobs.perform(batch, lambda *_: None)
    assert all(isinstance(one, Outcome) for one in outcomes)
    return outcomes


def test_the_network_sees_all_photos_at_once_and_each_gets_its_own_cloud(sheets, waiting) -> None:
    network, batch = sheets(), waiting(100, 200, 300)
    outcomes = perform(batch)
    assert network.seen == [3]
    for task, outcome, metres in zip(batch.tasks, outcomes, (1.0, 2.0, 3.0), strict=True):
        [made] = outcome.made
        assert (made.kind, made.model_key, made.reason) == ("splat", "sharp", "")
        assert made.timings.keys() >= {"decoded", "inferred", "packed"}
        assert np.allclose(read(task.folder / "splat.spz").cloud.means, metres, atol=1e-3)


def test_a_file_that_is_no_photo_fails_alone(sheets, waiting) -> None:
    network = sheets()
    first, broken, last = perform(waiting(100, 0, 300))
    assert network.seen == [2]
    assert first.made and last.made and not broken.made
    assert broken.failure is not None and broken.failure[0] == "invalid_image"


def test_where_the_network_cannot_take_them_together_each_goes_alone(sheets, waiting) -> None:
    network = sheets(ValueError)
    outcomes = perform(waiting(100, 200))
    assert network.seen == [2, 1, 1]
    assert all(outcome.made for outcome in outcomes)


def test_weights_that_are_not_here_are_each_jobs_own_failure(sheets, waiting, tmp_path: Path) -> None:
    network = sheets()
    (tmp_path / "local" / "sharp" / registry["sharp"].files[0].path).unlink()
    outcomes = perform(waiting(100, 200))
    assert network.seen == []
    assert [outcome.failure[0] for outcome in outcomes if outcome.failure] == ["no_network"] * 2


def test_jobs_go_together_that_ask_for_the_same(sheets, waiting) -> None:
    sheets()

    def key(kind: str = "splat", **params: object) -> str:
        return batch_key(Task(kind, dict(params), {}, Path()))

    assert key(model="sharp") and key(model="sharp") == key(model="sharp", maxGaussians=5)
    assert key(model="sharp", accepted=["sharp"]) != key(model="sharp")
    assert key(model="auto", accepted=["sharp"])
    assert not key(model="auto"), "SHARP's licence is not accepted: something else will run"
    assert not key(model="lift-da2-small") and not key("depth", model="sharp") and not key("live")
