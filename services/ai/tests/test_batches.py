"""Splat jobs that wait go through SHARP at once, and each is as it would be alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from immichvr_ai import jobs
from immichvr_ai.batch_keys import batch_key
from immichvr_common.sources import Source
from immichvr_common.tasks import Batch, Task, TaskResult
from immichvr_inference import Compute, View
from immichvr_inference.context import RunContext
from immichvr_models import Cache, CacheSettings, Registry, registry
from immichvr_networks import NETWORKS
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
def context(tmp_path: Path, on: Callable[..., RunContext]) -> Callable[[Sheets], RunContext]:
    """Makes a context with that network in SHARP's place, whose weights lie here."""

    def make(network: Sheets) -> RunContext:
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
        return on(cache, networks={**NETWORKS, "sharp": network})

    return make


@pytest.fixture
def waiting(tmp_path: Path) -> Callable[..., Batch]:
    """Makes jobs for photos of these widths; 0 for a file that is no photo."""

    def make(*widths: int, model: str = "sharp", accepted: tuple[str, ...] = ("sharp",)) -> Batch:
        tasks = []
        for number, width in enumerate(widths):
            source, out = tmp_path / f"source-{number}", tmp_path / f"out-{number}"
            out.mkdir()
            if width:
                Image.new("RGB", (width, 60), "teal").save(source, "PNG")
            else:
                source.write_bytes(b"no photo")
            params = {"model": model, "accepted": list(accepted)}
            tasks.append(Task("splat", params, {"source": source}, out, source=Source.photo(str(number))))
        return Batch(tuple(tasks))

    return make


def perform(context: RunContext, batch: Batch) -> list[TaskResult]:
    outcomes = jobs.perform(batch, lambda *_: None, context)
    assert all(isinstance(one, TaskResult) for one in outcomes)
    return outcomes


def test_the_network_sees_all_photos_at_once_and_each_gets_its_own_cloud(context, waiting) -> None:
    network, batch = Sheets(), waiting(100, 200, 300)
    outcomes = perform(context(network), batch)
    assert network.seen == [3]
    for task, outcome, metres in zip(batch.tasks, outcomes, (1.0, 2.0, 3.0), strict=True):
        [made] = outcome.made
        assert (made.kind, made.model_key, made.reason) == ("splat", "sharp", "")
        assert made.timings.keys() >= {"decoded", "inferred", "packed"}
        assert np.allclose(read(task.folder / "splat.spz").cloud.means, metres, atol=1e-3)


def test_a_file_that_is_no_photo_fails_alone(context, waiting) -> None:
    network = Sheets()
    first, broken, last = perform(context(network), waiting(100, 0, 300))
    assert network.seen == [2]
    assert first.made and last.made and not broken.made
    assert broken.failure is not None and broken.failure.code == "invalid_image"


def test_where_the_network_cannot_take_them_together_each_goes_alone(context, waiting) -> None:
    network = Sheets(ValueError)
    outcomes = perform(context(network), waiting(100, 200))
    assert network.seen == [2, 1, 1]
    assert all(outcome.made for outcome in outcomes)


def test_weights_that_are_not_here_are_each_jobs_own_failure(context, waiting, tmp_path: Path) -> None:
    network = Sheets()
    emptied = context(network)
    (tmp_path / "local" / "sharp" / registry["sharp"].files[0].path).unlink()
    outcomes = perform(emptied, waiting(100, 200))
    assert network.seen == []
    assert [outcome.failure.code for outcome in outcomes if outcome.failure] == ["no_network"] * 2


def test_jobs_go_together_that_ask_for_the_same(context) -> None:
    cache = context(Sheets()).cache

    def key(kind: str = "splat", **params: object) -> str:
        return batch_key(Task(kind, dict(params), {}, Path()), cache)

    assert key(model="sharp") and key(model="sharp") == key(model="sharp", maxGaussians=5)
    assert key(model="sharp", accepted=["sharp"]) != key(model="sharp")
    assert key(model="auto", accepted=["sharp"])
    assert not key(model="auto"), "SHARP's licence is not accepted: something else will run"
    assert not key(model="lift-da2-small") and not key("depth", model="sharp") and not key("live")
