"""Models of which the registry knows neither size nor checksum: nothing wrong is believed, nothing right refused."""

import json
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from immichvr_models import Cache, CacheSettings, DownloadError, Licence, Model, ModelFile, Registry, disk
from immichvr_models.testing import Behaviour, Hub, endless, redirects_at_length, weights_of

CONFIG = b'{"model_type": "tiny"}'
WEIGHTS, OTHERS = weights_of(bytes(300_000)), weights_of(b"y" * 300_000)
PAGE = b"<!doctype html><title>Sign in</title>" + b" " * 300_000
HERE = "/someone/Tiny/resolve/abc123/"
MODEL = Model(
    key="tiny",
    name="Tiny",
    makes=("depth",),
    inputs="one photo",
    revision="abc123",
    repo="someone/Tiny",
    files=(ModelFile(path="config.json"), ModelFile(path="model.safetensors")),
    licence=Licence(name="Apache-2.0", url="http://licence.test", permissive=True),
    commercial_use=True,
    parameters_m=0.5,
)


@pytest.fixture
def cache(quick: CacheSettings, tmp_path: Path) -> Cache:
    return Cache(tmp_path / "models", quick, Registry((MODEL,)))


def serve(hub: Hub, *behaviours: Behaviour, config: bytes = CONFIG, weights: bytes = WEIGHTS) -> None:
    hub.add(HERE + "config.json", config)
    hub.add(HERE + "model.safetensors", weights, *behaviours)


def fetched(cache: Cache) -> bytes:
    return (cache.ensure(MODEL, accepted=True, retry=True) / "model.safetensors").read_bytes()


def failure(cache: Cache, model: Model = MODEL) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        cache.ensure(model, accepted=True, retry=True)
    assert not list(cache.root.rglob("*.part")), "what was refused takes no space"
    assert cache.state(model) != "ready"
    return caught.value


@pytest.mark.parametrize("wrong", [{"config": PAGE}, {"weights": PAGE}, {"config": PAGE, "weights": PAGE}])
def test_a_login_page_is_neither_taken_for_weights_nor_remembered(
    hub: Hub, cache: Cache, wrong: dict[str, bytes]
) -> None:
    serve(hub, **wrong)
    error = failure(cache)
    assert error.code == "bad_checksum"
    assert "a web page ('Sign in')" in str(error)
    serve(hub)
    assert fetched(cache) == WEIGHTS


def test_what_an_earlier_version_took_for_weights_is_fetched_anew(hub: Hub, cache: Cache) -> None:
    """It pinned whatever came; a pin of its that is right still counts."""
    serve(hub)
    cache.ensure(MODEL, accepted=True)
    folder = cache.path(MODEL)
    (folder / "model.safetensors").write_bytes(PAGE)
    stamp = (folder / "model.safetensors").stat()
    pins = cache.root / ".pins" / "tiny@abc123.json"
    [verified] = (cache.root / ".state" / "verified").iterdir()
    kept = json.loads(pins.read_text())
    pins.write_text(json.dumps({"config.json": kept["config.json"], "model.safetensors": "0" * 64}))
    notes = {"model.safetensors": {"sha256": "0" * 64, "stamp": [stamp.st_size, stamp.st_mtime_ns]}}
    verified.write_text(json.dumps(notes))
    assert cache.state(MODEL) == "downloadable"
    assert fetched(cache) == WEIGHTS
    cache.remove(MODEL)
    assert fetched(cache) == WEIGHTS, "the pin of the login page binds nobody"


def test_another_file_than_the_first_is_refused_until_the_first_is_forgotten(hub: Hub, cache: Cache) -> None:
    serve(hub)
    assert fetched(cache) == WEIGHTS
    cache.remove(MODEL)
    serve(hub, weights=OTHERS)
    assert "immichvr models forget-pin tiny" in failure(cache).remedy
    assert cache.forget_pins(MODEL)
    assert fetched(cache) == OTHERS
    cache.remove(MODEL)
    serve(hub)
    assert failure(cache).code == "bad_checksum", "the new one is remembered as the first one was"


def test_a_file_without_end_is_given_up_at_what_such_a_model_can_have(hub: Hub, cache: Cache) -> None:
    serve(hub, endless)
    error = failure(cache)
    assert (error.code, "longer than 2500000 bytes" in str(error)) == ("bad_checksum", True)
    hub.add(HERE + "config.json", CONFIG, endless)
    cache.remove(MODEL)
    assert "longer than 1000000 bytes" in str(failure(cache))


def test_a_length_that_cannot_be_is_refused_before_the_transfer(hub: Hub, cache: Cache) -> None:
    serve(hub, weights=bytes(2_500_001))
    assert "of at most 2500000" in str(failure(cache))


def test_while_a_file_of_unknown_length_comes_the_disk_keeps_what_is_to_be_kept_free(
    hub: Hub, quick: CacheSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = MODEL.model_copy(update={"parameters_m": 100.0})
    settings = quick.model_copy(update={"keep_free": 100_000_000})
    cache = Cache(tmp_path / "models", settings, Registry((large,)))
    serve(hub, endless)

    def shrinking(_: object) -> SimpleNamespace:
        used = sum(part.stat().st_size for part in cache.root.rglob("*.part"))
        return SimpleNamespace(free=130_000_000 - used)

    monkeypatch.setattr(disk, "disk_usage", shrinking)
    assert failure(cache, large).code == "no_space"


def test_a_trickle_does_not_hold_its_place_for_ever(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    settings = quick.model_copy(update={"longest": 0.5, "min_rate": 0.0})
    cache = Cache(tmp_path / "models", settings, Registry((MODEL,)))
    serve(hub, hub.trickles)
    began = time.monotonic()
    with pytest.raises(DownloadError, match=r"took longer than 0\.5 s"):
        cache.ensure(MODEL, accepted=True)
    assert time.monotonic() - began < 10


def test_the_body_of_a_redirect_is_not_read(hub: Hub, cache: Cache) -> None:
    hub.add("/elsewhere", WEIGHTS)
    serve(hub, redirects_at_length("/elsewhere"))
    before = psutil.Process().memory_info().rss
    assert fetched(cache) == WEIGHTS
    assert psutil.Process().memory_info().rss - before < 50_000_000


def test_redirects_in_a_circle_end(hub: Hub, cache: Cache) -> None:
    def again(request, body) -> None:  # type: ignore[no-untyped-def]
        request.head(302, Location=request.path, Content_Length=0)

    serve(hub, *[again] * 1000)
    with pytest.raises(DownloadError, match="more than 10 redirects"):
        cache.ensure(MODEL, accepted=True)
    assert len(hub.requests_of(HERE + "model.safetensors")) <= 11 * 6


def test_files_put_there_by_hand_are_judged_too(quick: CacheSettings, tmp_path: Path) -> None:
    local = tmp_path / "local" / "tiny"
    local.mkdir(parents=True)
    (local / "config.json").write_bytes(CONFIG)
    (local / "model.safetensors").write_bytes(PAGE)
    settings = quick.model_copy(update={"local_directory": tmp_path / "local"})
    assert Cache(tmp_path / "models", settings, Registry((MODEL,))).state(MODEL) == "unavailable"
    (local / "model.safetensors").write_bytes(WEIGHTS)
    assert Cache(tmp_path / "models", settings, Registry((MODEL,))).state(MODEL) == "ready"
