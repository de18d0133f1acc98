"""A licence that was accepted is on record, and the record is about that licence and no other."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from immichvr_models import Cache, CacheSettings, DownloadError, Licence, Model, ModelFile, Registry, UnknownModel
from immichvr_models.records import read_record
from immichvr_models.testing import Hub, weights_of

WEIGHTS = weights_of(b"weights" * 100)
PATH = "/someone/Strict-hf/resolve/abc/w.safetensors"


def strict(url: str = "https://licence.test/1", size: int | None = None) -> Model:
    return Model(
        key="strict",
        name="Strict",
        makes=("depth",),
        inputs="one photo",
        revision="abc",
        repo="someone/Strict-hf",
        files=(ModelFile(path="w.safetensors", size=size or len(WEIGHTS)),),
        licence=Licence(name="Research only", url=url, permissive=False),
        commercial_use=False,
    )


def cache_of(root: Path, settings: CacheSettings, model: Model) -> Cache:
    return Cache(root, settings, Registry((model,)))


def test_an_acceptance_says_who_when_and_which_licence(quick: CacheSettings, tmp_path: Path) -> None:
    cache = cache_of(tmp_path, quick, strict())
    assert cache.accepted() == {}
    cache.accept("strict", "ada")
    found = cache_of(tmp_path, quick, strict()).accepted()["strict"]
    assert (found.who, found.licence, found.url) == ("ada", "Research only", "https://licence.test/1")
    assert timedelta(0) <= datetime.now(UTC) - found.at < timedelta(minutes=1)


def test_an_accepted_model_is_fetched_and_stays_accepted_when_it_is_removed(
    hub: Hub, quick: CacheSettings, tmp_path: Path
) -> None:
    hub.add(PATH, WEIGHTS)
    model = strict()
    cache = cache_of(tmp_path, quick, model)
    assert cache.state(model) == "needs_licence"
    cache.accept("strict", "ada")
    assert cache.state(model) == "downloadable"
    cache.ensure(model)
    cache.remove(model)
    assert cache.state(model) == "downloadable"
    assert "strict" in cache.accepted()


@pytest.mark.parametrize("change", [{"name": "Research only 2"}, {"url": "https://licence.test/2"}])
def test_another_licence_asks_anew(quick: CacheSettings, tmp_path: Path, change: dict[str, str]) -> None:
    cache_of(tmp_path, quick, strict()).accept("strict", "ada")
    changed = strict().model_copy(update={"licence": strict().licence.model_copy(update=change)})
    cache = cache_of(tmp_path, quick, changed)
    assert cache.state(changed) == "needs_licence"
    assert cache.accepted() == {}
    with pytest.raises(DownloadError, match="Research only"):
        cache.ensure(changed)


def test_accepting_a_licence_is_not_ordering_a_large_download(quick: CacheSettings, tmp_path: Path) -> None:
    model = strict(size=5_000_000_000)
    cache = cache_of(tmp_path, quick, model)
    cache.accept("strict", "ada")
    with pytest.raises(DownloadError) as caught:
        cache.ensure(model)
    assert caught.value.code == "consent_required"


def test_a_record_that_is_damaged_or_of_another_model_accepts_nothing(quick: CacheSettings, tmp_path: Path) -> None:
    cache = cache_of(tmp_path, quick, strict())
    cache.accept("strict", "ada")
    (record,) = (tmp_path / ".accepted").iterdir()
    content = json.loads(record.read_text())
    for damaged in (json.dumps({**content, "key": "other"}), json.dumps(content)[:-9], "[]"):
        record.write_text(damaged)
        assert cache.accepted() == {}


def test_an_unknown_model_cannot_be_accepted(quick: CacheSettings, tmp_path: Path) -> None:
    with pytest.raises(UnknownModel):
        cache_of(tmp_path, quick, strict()).accept("other", "ada")


def test_a_record_is_read_again_when_it_has_changed_and_only_then(
    quick: CacheSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, reads = cache_of(tmp_path, quick, strict()), list[Path]()

    def reading(path: Path) -> dict[str, object]:
        reads.append(path)
        return read_record(path)

    monkeypatch.setattr("immichvr_models.acceptance.read_record", reading)
    assert (cache.accepted(), cache.state(strict())) == ({}, "needs_licence")
    cache_of(tmp_path, quick, strict()).accept("strict", "ada")
    for _ in range(3):
        assert (cache.accepted()["strict"].who, cache.is_licensed(strict())) == ("ada", True)
    assert len(reads) == 1
    cache_of(tmp_path, quick, strict()).accept("strict", "bob")
    assert [cache.accepted()["strict"].who for _ in range(2)] == ["bob", "bob"]
    assert len(reads) == 2
    reads[0].unlink()
    assert cache.accepted() == {}
