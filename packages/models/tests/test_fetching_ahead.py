"""Models that whoever runs the server has fetched ahead of the first job."""

from __future__ import annotations

from pathlib import Path

import pytest
from immichvr_models import Cache, CacheSettings, DownloadError, Licence, Model, ModelFile, Registry, UnknownModel
from immichvr_models.__main__ import fetch_all, main
from immichvr_models.testing import Hub, weights_of

WEIGHTS = weights_of(b"weights" * 100)


def model(key: str, permissive: bool) -> Model:
    return Model(
        key=key,
        name=key,
        makes=("depth",),
        inputs="one photo",
        revision="abc",
        repo=f"someone/{key}",
        files=(ModelFile(path="w.safetensors", size=len(WEIGHTS)),),
        licence=Licence(name="Some licence", url="https://licence.test/1", permissive=permissive),
        commercial_use=permissive,
    )


FREE, STRICT = model("free", permissive=True), model("strict", permissive=False)


@pytest.fixture
def cache(hub: Hub, quick: CacheSettings, tmp_path: Path) -> Cache:
    for one in (FREE, STRICT):
        hub.add(f"/{one.repo}/resolve/abc/w.safetensors", WEIGHTS)
    # Nothing is small enough to be fetched without a word.
    return Cache(tmp_path, quick.model_copy(update={"auto_limit": 0}), Registry((FREE, STRICT)))


def test_what_is_named_is_fetched_whatever_its_size(cache: Cache) -> None:
    fetch_all(cache, ["free"], [])
    assert cache.state(FREE) == "ready"


def test_a_licence_that_asks_somebody_has_to_be_accepted_by_name(cache: Cache) -> None:
    with pytest.raises(DownloadError, match="Some licence"):
        fetch_all(cache, ["strict"], [])
    fetch_all(cache, ["strict"], ["strict"])
    assert cache.state(STRICT) == "ready"
    assert cache.accepted()["strict"].who == "the operator"


def test_a_name_that_is_none_fetches_nothing(cache: Cache) -> None:
    with pytest.raises(UnknownModel):
        fetch_all(cache, ["free", "fre"], [])
    assert cache.state(FREE) != "ready"


def test_the_command_ends_with_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IMMICHVR_MODELS_DIR", str(tmp_path))
    with pytest.raises(SystemExit, match="immichvr-models: there is no model 'midas'"):
        main(["midas"])
