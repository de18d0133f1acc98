"""Whoever asks for a model gets checked files or an error in words, and never pays twice."""

import hashlib
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from immichvr_models import (
    Cache,
    CacheSettings,
    DownloadError,
    Licence,
    Model,
    ModelFile,
    Offline,
    Progress,
    Registry,
    registry,
)
from immichvr_models.settings import default_root, settings_from_env
from immichvr_models.testing import Behaviour, Hub, Request, honest, sends, status, weights_of

WEIGHTS = weights_of(bytes(range(256)) * 2000)
CONFIG = b'{"hidden_size": 8}'
CONFIG_PATH = "/someone/Tiny-hf/resolve/abc123/config.json"
WEIGHTS_PATH = "/someone/Tiny-hf/resolve/abc123/model.safetensors"


def tiny(*, pinned: bool = True, permissive: bool = True, size: int | None = None) -> Model:
    """A model of two files; without `pinned` the registry knows no checksums."""

    def file(path: str, body: bytes) -> ModelFile:
        digest = hashlib.sha256(body).hexdigest() if pinned else None
        return ModelFile(path=path, size=size or len(body), sha256=digest)

    return Model(
        key="tiny",
        name="Tiny",
        makes=("depth",),
        inputs="one photo",
        revision="abc123",
        repo="someone/Tiny-hf",
        files=(file("config.json", CONFIG), file("model.safetensors", WEIGHTS)),
        licence=Licence(
            name="Apache-2.0" if permissive else "Research only",
            url="http://licence.test",
            permissive=permissive,
        ),
        commercial_use=permissive,
    )


def serve(hub: Hub, *behaviours: Behaviour, weights: bytes = WEIGHTS) -> None:
    """Put the tiny model on the hub; the behaviours are those of its weights."""
    hub.add(CONFIG_PATH, CONFIG)
    hub.add(WEIGHTS_PATH, weights, *behaviours)


def failure(cache: Cache, model: Model, **consent: bool) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        cache.ensure(model, **consent)
    return caught.value


def test_a_model_is_fetched_once_and_then_found(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    serve(hub)
    cache, model = Cache(tmp_path, quick), tiny()
    assert cache.state(model) == "downloadable"
    told: list[Progress] = []
    directory = cache.ensure(model, told.append)
    assert directory == cache.path(model)
    assert (directory / "model.safetensors").read_bytes() == WEIGHTS
    assert (directory / "config.json").read_bytes() == CONFIG
    assert cache.state(model) == "ready"
    assert told[0].received == 0
    assert told[-1].fraction == 1.0
    assert told[-1].total == len(WEIGHTS) + len(CONFIG)
    Cache(tmp_path, quick).ensure(model)
    assert len(hub.requests) == 2


def test_a_built_in_model_is_always_ready(tmp_path: Path) -> None:
    cache = Cache(tmp_path, CacheSettings(offline=True))
    assert cache.state(registry["heuristic"]) == "ready"
    cache.ensure(registry["heuristic"])


def test_a_file_that_was_damaged_on_disk_is_fetched_again(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    serve(hub)
    cache, model = Cache(tmp_path, quick), tiny()
    weights = cache.ensure(model) / "model.safetensors"
    weights.write_bytes(b"x" * len(WEIGHTS))
    assert cache.state(model) == "downloadable"
    cache.ensure(model)
    assert weights.read_bytes() == WEIGHTS
    assert len(hub.requests_of(CONFIG_PATH)) == 1


def test_a_checksum_the_registry_lacks_is_pinned_at_the_first_download(
    hub: Hub, quick: CacheSettings, tmp_path: Path
) -> None:
    serve(hub)
    cache, model = Cache(tmp_path, quick), tiny(pinned=False)
    cache.ensure(model)
    cache.remove(model)
    serve(hub, weights=weights_of(b"y" * 512_000))
    error = failure(cache, model)
    assert error.code == "bad_checksum"
    assert "immichvr models forget-pin tiny" in error.remedy
    serve(hub)
    cache.ensure(model, retry=True)
    assert cache.state(model) == "ready"


def test_files_without_a_known_checksum_are_not_trusted_unless_fetched(
    hub: Hub, quick: CacheSettings, tmp_path: Path
) -> None:
    serve(hub)
    cache, model = Cache(tmp_path, quick), tiny(pinned=False)
    cache.path(model).mkdir(parents=True)
    (cache.path(model) / "model.safetensors").write_bytes(b"planted")
    cache.ensure(model)
    assert (cache.path(model) / "model.safetensors").read_bytes() == WEIGHTS


def test_removing_frees_the_files_and_says_how_much(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    serve(hub)
    cache, model = Cache(tmp_path, quick), tiny()
    cache.ensure(model)
    assert cache.remove(model) == len(WEIGHTS) + len(CONFIG)
    assert cache.state(model) == "downloadable"
    assert cache.remove(model) == 0


def test_offline_fails_in_words_and_asks_nobody(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    serve(hub)
    cache = Cache(tmp_path, quick.model_copy(update={"offline": True}))
    error = failure(cache, tiny())
    assert isinstance(error, Offline)
    assert error.code == "no_network"
    assert cache.state(tiny()) == "unavailable"
    assert hub.requests == []


def test_a_licence_has_to_be_accepted_before_anything_is_fetched(
    hub: Hub, quick: CacheSettings, tmp_path: Path
) -> None:
    serve(hub)
    cache, model = Cache(tmp_path, quick), tiny(permissive=False)
    assert cache.state(model) == "needs_licence"
    error = failure(cache, model)
    assert error.code == "licence_required"
    assert "http://licence.test" in str(error)
    assert hub.requests == []
    cache.ensure(model, accepted=True)
    assert cache.state(model) == "ready"


def test_an_accepted_licence_may_stand_in_the_settings(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    serve(hub)
    cache = Cache(tmp_path, quick.model_copy(update={"accepted": frozenset({"tiny"})}))
    cache.ensure(tiny(permissive=False))


@pytest.mark.parametrize("change", [{"auto_download": False}, {"auto_limit": 1000}])
def test_large_models_and_switched_off_downloads_need_a_yes(
    hub: Hub, quick: CacheSettings, tmp_path: Path, change: dict[str, object]
) -> None:
    serve(hub)
    cache = Cache(tmp_path, quick.model_copy(update=change))
    assert failure(cache, tiny()).code == "consent_required"
    assert hub.requests == []
    cache.ensure(tiny(), accepted=True)


@pytest.mark.alone
def test_no_network_is_remembered_for_a_while_by_every_process(quick: CacheSettings, tmp_path: Path) -> None:
    cache, model = Cache(tmp_path, quick.model_copy(update={"endpoint": "http://127.0.0.1:1"})), tiny()
    first = failure(cache, model)
    assert first.code == "no_network"
    assert cache.state(model) == "unavailable"
    start = time.perf_counter()
    again = failure(Cache(tmp_path, cache.settings), model)
    assert time.perf_counter() - start < 0.05
    assert str(again) == str(first)


def test_a_remembered_failure_can_be_overruled_and_passes(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    serve(hub, status(404), status(404))
    cache, model = Cache(tmp_path, quick), tiny()
    assert failure(cache, model).code == "not_found"
    assert failure(cache, model).code == "not_found"
    assert len(hub.requests_of(WEIGHTS_PATH)) == 1
    assert failure(cache, model, retry=True).code == "not_found"
    assert cache.ensure(model, retry=True)
    forgetful = Cache(tmp_path / "other", quick.model_copy(update={"failure_memory": 0.0}))
    serve(hub, status(404))
    assert failure(forgetful, model).code == "not_found"
    assert forgetful.ensure(model)


def test_wrong_bytes_are_not_fetched_for_every_photo(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    serve(hub, *[sends(b"z" * len(WEIGHTS))] * 5)
    cache = Cache(tmp_path, quick)
    assert [failure(cache, tiny()).code for _ in range(3)] == ["bad_checksum"] * 3
    assert len(hub.requests_of(WEIGHTS_PATH)) == 1


@pytest.mark.parametrize("name", ["tiny", "someone/Tiny-hf", "Tiny-hf"])
def test_a_local_directory_is_used_in_place(tmp_path: Path, name: str) -> None:
    local = tmp_path / "local" / name
    local.mkdir(parents=True)
    (local / "config.json").write_bytes(CONFIG)
    (local / "model.safetensors").write_bytes(WEIGHTS)
    settings = CacheSettings(offline=True, local_directory=tmp_path / "local")
    for model in (tiny(), tiny(pinned=False)):
        cache = Cache(tmp_path / "cache", settings)
        assert cache.state(model) == "ready"
        assert cache.ensure(model) == local


def test_a_local_directory_with_wrong_files_is_an_error_not_a_download(
    hub: Hub, quick: CacheSettings, tmp_path: Path
) -> None:
    serve(hub)
    local = tmp_path / "local" / "tiny"
    local.mkdir(parents=True)
    (local / "config.json").write_bytes(CONFIG)
    (local / "model.safetensors").write_bytes(b"something else")
    cache = Cache(tmp_path / "cache", quick.model_copy(update={"local_directory": tmp_path / "local"}))
    assert cache.state(tiny()) == "unavailable"
    error = failure(cache, tiny())
    assert error.code == "bad_checksum"
    assert str(local) in str(error)
    assert hub.requests == []


def test_a_cache_that_cannot_be_written_is_said(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    serve(hub)
    (tmp_path / "file").write_bytes(b"")
    assert failure(Cache(tmp_path / "file" / "cache", quick), tiny()).code == "not_writable"


def test_damaged_records_are_as_good_as_none(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    serve(hub, status(404))
    cache, model = Cache(tmp_path, quick), tiny()
    failure(cache, model)
    for record in tmp_path.rglob(".state/**/*.json"):
        record.write_text('{"at": "yesterday", "code": ')
    cache.ensure(model)
    assert cache.state(model) == "ready"


def test_a_download_that_was_stopped_goes_on_later(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    class Cancelled(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.file == "model.safetensors":
            raise Cancelled

    serve(hub, hub.trickles)
    cache, model = Cache(tmp_path, quick), tiny()
    with pytest.raises(Cancelled):
        cache.ensure(model, stop)
    assert cache.state(model) == "downloadable"
    cache.ensure(model)
    assert hub.requests_of(WEIGHTS_PATH)[-1]["Range"].startswith("bytes=")


ASK = """
import sys
from pathlib import Path
from immichvr_models import Cache, CacheSettings, Registry
cache = Cache(Path(sys.argv[1]), CacheSettings(endpoint=sys.argv[2], keep_free=0), Registry.load(Path(sys.argv[3])))
said = []
def tell(progress):
    if not said:
        said.append(True)
        print("under way", flush=True)
print(cache.ensure(cache.registry["tiny"], tell), flush=True)
"""


def test_many_processes_that_ask_cause_one_download(hub: Hub, quick: CacheSettings, tmp_path: Path) -> None:
    all_wait = threading.Event()

    def gated(request: Request, body: bytes) -> None:
        all_wait.wait(60)
        honest(request, body)

    serve(hub, gated)
    rows = tmp_path / "registry.json"
    rows.write_text(json.dumps([tiny().model_dump(mode="json")]))
    arguments = [sys.executable, "-c", ASK, str(tmp_path / "cache"), hub.url, str(rows)]
    asking = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for process in asking:
        assert process.stdout
        assert process.stdout.readline() == "under way\n"
    cache = Cache(tmp_path / "cache", quick, Registry.load(rows))
    assert cache.state(tiny()) == "downloading"
    all_wait.set()
    answers = {process.communicate()[0].strip() for process in asking}
    assert answers == {str(cache.path(tiny()))}
    assert len(hub.requests_of(WEIGHTS_PATH)) == 1
    assert cache.state(tiny()) == "ready"


def test_the_environment_is_read_as_documented(tmp_path: Path) -> None:
    env = {
        "HF_ENDPOINT": "https://mirror.test",
        "HF_HUB_OFFLINE": "1",
        "IMMICHVR_MODELS_DIR": str(tmp_path),
        "IMMICHVR_MODELS_LOCAL": "/models",
        "IMMICHVR_MODELS_AUTO_DOWNLOAD": "false",
    }
    settings = settings_from_env(env)
    assert (settings.endpoint, settings.offline) == ("https://mirror.test", True)
    assert (settings.local_directory, settings.auto_download) == (Path("/models"), False)
    assert default_root(env) == tmp_path
    assert settings_from_env({}) == CacheSettings()
    assert default_root({}) == Path.home() / ".cache" / "immichvr" / "models"
