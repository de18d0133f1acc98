"""Photos of one place become a scene by a model from the cache, loaded and run by the runtime."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from immichvr_ai.scenes import SCENE_MODELS, make_scene
from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelUnavailable, UnknownModel
from immichvr_media import Photo
from immichvr_models import Cache, CacheSettings, registry
from immichvr_networks.depth_anything_3 import inputs, weights

pytest.importorskip("depth_anything_3", reason="depth-anything-3 is not installed: make setup")

MakePhoto = Callable[..., Photo]
On = Callable[..., RunContext]


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """A cache that has the weights of tiny networks, which look at photos of 56 pixels."""
    import torch
    from safetensors.torch import save_model

    monkeypatch.setattr(weights, "full", lambda key: weights.tiny(key, 99))
    monkeypatch.setattr(inputs, "LONGER_SIDE", 56)

    class Stored(Cache):
        def ensure(self, model: Any, *_: object, **__: object) -> Path:
            directory = tmp_path / model.key
            directory.mkdir(exist_ok=True)
            api = torch.nn.Module()
            api.model = weights.tiny(model.key, 1)
            save_model(api, str(directory / weights.WEIGHTS))
            return directory

    return Stored(tmp_path / "models", CacheSettings(), registry)


def test_photos_of_one_place_become_one_world(photo: MakePhoto, stored: Cache, on: On) -> None:
    photos = [photo(90, 120), photo(120, 90)]
    scene = make_scene(photos, "da3-giant", on(stored))
    assert [seen.depth.shape for seen in scene.views] == [(42, 56), (56, 42)]
    assert all(seen.camera is not None for seen in scene.views)
    assert scene.cloud is not None and np.isfinite(scene.cloud.means).all()


def test_gaussians_are_made_where_they_are_wanted(photo: MakePhoto, stored: Cache, on: On) -> None:
    assert make_scene([photo()], "da3-giant", on(stored), splat=False).cloud is None


def test_a_model_that_sees_one_photo_makes_no_scene(photo: MakePhoto, stored: Cache, on: On) -> None:
    with pytest.raises(UnknownModel, match="da3-small"):
        make_scene([photo()], "da3mono-large", on(stored))


def test_a_scene_of_nothing_is_refused(stored: Cache, on: On) -> None:
    with pytest.raises(ValueError, match="at least one photo"):
        make_scene([], "da3-small", on(stored))


def test_weights_of_another_network_are_told_as_such(photo: MakePhoto, stored: Cache, on: On) -> None:
    directory = stored.ensure(stored.registry["da3mono-large"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored, "ensure", lambda *_, **__: directory)
        with pytest.raises(ModelUnavailable, match="lacks") as caught:
            make_scene([photo()], "da3-small", on(stored))
    assert caught.value.code == "invalid_weights"


def test_every_network_that_gives_poses_makes_scenes() -> None:
    assert SCENE_MODELS == ("da3-small", "da3-base", "da3-large", "da3-giant", "da3nested-giant-large")
