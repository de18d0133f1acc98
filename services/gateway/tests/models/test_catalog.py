"""The list of models, with what the cache of this machine says, and through an outage of NATS."""

import fnmatch
from pathlib import Path

import pytest
from immichvr.events.v1.events_pb2 import ModelEvent
from immichvr_common.bus import Kept
from immichvr_common.errors import Unavailable
from immichvr_gateway.models.catalog import ModelCatalog
from immichvr_models import Cache, CacheSettings, Licence, Model, ModelFile, Registry


def a_model(key: str, permissive: bool = True) -> Model:
    return Model(
        key=key, name=key, makes=("depth",), inputs="one photo", revision="1", repo=f"owner/{key}",
        files=(ModelFile(path="weights.bin", size=4),), commercial_use=permissive,
        licence=Licence(name="Some", url=f"https://example.org/{key}", permissive=permissive),
    )  # fmt: skip


class Bucket:
    """A KV bucket that may be away."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.is_away = False

    async def get(self, key: str) -> Kept:
        if self.is_away:
            raise Unavailable("away", down="nats")
        return Kept(self.values.get(key), 1)

    async def keys(self, under: str) -> set[str]:
        if self.is_away:
            raise Unavailable("away", down="nats")
        return set(fnmatch.filter(self.values, under))

    async def put(self, key: str, value: bytes) -> None:
        if self.is_away:
            raise Unavailable("away", down="nats")
        self.values[key] = value


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    registry = Registry((a_model("free"), a_model("asking", permissive=False)))
    settings = CacheSettings(local_directory=tmp_path / "by-hand")
    return Cache(tmp_path / "models", settings, registry)


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
async def model_catalog(cache: Cache, bucket: Bucket) -> ModelCatalog:
    model_catalog = ModelCatalog(cache, lambda key, is_progress: None)
    await model_catalog.load(bucket)  # type: ignore[arg-type]  # all that it asks of one
    return model_catalog


async def test_what_lies_in_this_machines_cache_is_ready_and_says_since_when(
    model_catalog: ModelCatalog, tmp_path: Path
) -> None:
    (tmp_path / "by-hand" / "free").mkdir(parents=True)
    (tmp_path / "by-hand" / "free" / "weights.bin").write_bytes(b"1234")
    assert [found.state for found in await model_catalog.all()] == ["ready", "needs_licence"]
    assert (await model_catalog.find("free")).ready_since is not None
    assert (await model_catalog.find("asking")).ready_since is None


async def test_a_licence_accepted_on_the_command_line_of_this_machine_counts(
    model_catalog: ModelCatalog, cache: Cache
) -> None:
    cache.accept("asking", "Ann")
    found = await model_catalog.find("asking")
    assert (found.state, found.accepted.name if found.accepted else "") == ("downloadable", "Ann")
    assert await model_catalog.accepted() == ["asking"]


async def test_what_is_told_while_nats_is_away_is_known_at_once_and_written_down_later(
    model_catalog: ModelCatalog, bucket: Bucket, cache: Cache
) -> None:
    bucket.is_away = True
    await model_catalog.on_event(ModelEvent(key="free", state="ready"))
    assert (await model_catalog.find("free")).state == "ready"
    assert not model_catalog.all_written
    with pytest.raises(Unavailable):
        await model_catalog.accept(cache.registry["asking"], "ann", "Ann")
    bucket.is_away = False
    await model_catalog.write_missing()
    assert model_catalog.all_written
    again = ModelCatalog(cache, lambda key, is_progress: None)
    await again.load(bucket)  # type: ignore[arg-type]  # all that it asks of one
    assert [found.state for found in await again.all()] == ["ready", "needs_licence"]


async def test_what_is_told_of_a_model_that_nobody_knows_is_passed_over(
    model_catalog: ModelCatalog, bucket: Bucket
) -> None:
    await model_catalog.on_event(ModelEvent(key="of-a-later-version", state="ready"))
    assert bucket.values == {}


async def test_a_record_that_cannot_be_read_is_begun_anew(cache: Cache, bucket: Bucket) -> None:
    bucket.values = {"model.free": b"{", "licence.asking": b"[]"}
    model_catalog = ModelCatalog(cache, lambda key, is_progress: None)
    await model_catalog.load(bucket)  # type: ignore[arg-type]  # all that it asks of one
    assert [found.state for found in await model_catalog.all()] == ["downloadable", "needs_licence"]
