"""A disk that is full is said to be full: before the transfer where that is known, in the middle where it is not."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from immichvr_models import Cache, CacheSettings, DownloadError, Licence, Model, ModelFile, Progress, Registry, disk
from immichvr_models.testing import Hub, Request, head_of_part

WEIGHTS = bytes(range(256)) * 8000
PATH = "/someone/Big-hf/resolve/abc/w.safetensors"
CAPACITY = 1_000_000


def big(size: int | None = len(WEIGHTS)) -> Model:
    return Model(
        key="big",
        name="Big",
        makes=("depth",),
        inputs="one photo",
        revision="abc",
        repo="someone/Big-hf",
        files=(ModelFile(path="w.safetensors", size=size, sha256=hashlib.sha256(WEIGHTS).hexdigest()),),
        licence=Licence(name="MIT", url="http://licence.test", permissive=True),
        commercial_use=True,
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 1 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={CAPACITY}", "tmpfs", str(disk)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if done.returncode != 0:
        pytest.skip(f"a file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def failure(cache: Cache, model: Model) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        cache.ensure(model, accepted=True, retry=True)
    return caught.value


def test_too_small_a_disk_is_said_before_anybody_is_asked(hub: Hub, quick: CacheSettings, small_disk: Path) -> None:
    hub.add(PATH, WEIGHTS)
    error = failure(Cache(small_disk / "models", quick, Registry((big(),))), big())
    assert error.code == "no_space"
    assert "MB are free" in str(error)
    assert "IMMICHVR_MODELS_DIR" in error.remedy
    assert hub.requests == []


@pytest.mark.parametrize("connections", [1, 4])
def test_a_disk_that_fills_up_meanwhile_stops_the_download_and_a_later_one_goes_on(
    hub: Hub, quick: CacheSettings, small_disk: Path, connections: int
) -> None:
    other, size = small_disk / "other", CAPACITY // 2
    weights = WEIGHTS[:size]

    def fills(request: Request, body: bytes) -> None:
        rest = head_of_part(request, body)
        request.wfile.write(rest[: len(rest) // 2])
        request.wfile.flush()
        free = os.statvfs(small_disk)
        other.write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - 20_000))
        request.wfile.write(rest[len(rest) // 2 :])

    hub.add(PATH, weights, fills)
    file = ModelFile(path="w.safetensors", size=size, sha256=hashlib.sha256(weights).hexdigest())
    model = big().model_copy(update={"files": (file,)})
    settings = quick.model_copy(update={"connections": connections, "part_size": 100_000})
    cache = Cache(small_disk / "models", settings, Registry((model,)))
    assert failure(cache, model).code == "no_space"
    assert not (cache.path(model) / "w.safetensors").exists()
    other.unlink()
    told: list[Progress] = []
    cache.ensure(model, told.append, accepted=True, retry=True)
    assert (cache.path(model) / "w.safetensors").read_bytes() == weights


def test_space_that_is_to_be_kept_free_counts(
    hub: Hub, quick: CacheSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(PATH, WEIGHTS)
    monkeypatch.setattr(disk, "disk_usage", lambda _: SimpleNamespace(free=len(WEIGHTS) + 1000))
    generous = Cache(tmp_path, quick.model_copy(update={"keep_free": 1001}), Registry((big(),)))
    assert failure(generous, big()).code == "no_space"
    assert hub.requests == []
    Cache(tmp_path, quick.model_copy(update={"keep_free": 1000}), Registry((big(),))).ensure(big())


def test_a_file_of_unknown_size_is_held_against_the_disk_when_the_server_tells(
    hub: Hub, quick: CacheSettings, small_disk: Path
) -> None:
    hub.add(PATH, WEIGHTS)
    model = big(size=None)
    assert failure(Cache(small_disk / "models", quick, Registry((model,))), model).code == "no_space"
    assert len(hub.requests) == 1
