"""Fetching, deleting, loading and unloading models in children, from a hub on this machine that has tiny weights."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from immichvr.ai.v1 import ai_pb2, ai_pb2_grpc
from immichvr.events.v1.events_pb2 import ModelEvent
from immichvr_ai.service import RPC_NAMES, register
from immichvr_catalog import kinds_of
from immichvr_common.errors import TaskFailed
from immichvr_common.processes.pool import ChildPool
from immichvr_common.rpc import RpcServer
from immichvr_common.rpc_settings import CallerSettings, RpcSettings
from immichvr_common.tasks import Task
from immichvr_common.telling import ChildEvent, LoadedModels, tell_through
from immichvr_inference.model_jobs import tell_what_is_here
from immichvr_models import Cache, registry
from immichvr_models.testing import Hub, drops_after, running_hub
from pydantic import SecretStr

PERFORM = "immichvr_ai.jobs:perform"
MODEL = "da2-base"


# The children, which take seconds to begin, serve all tests.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def hub_and_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, Path]]:
    """A hub, and where children that are begun from now on keep what they download from it."""
    models = tmp_path_factory.mktemp("downloaded") / "models"
    with running_hub() as running, pytest.MonkeyPatch.context() as environment:
        environment.setenv("HF_ENDPOINT", running.url)
        environment.setenv("HF_HUB_OFFLINE", "")
        environment.setenv("IMMICHVR_MODELS_OFFLINE", "")
        environment.setenv("IMMICHVR_MODELS_DIR", str(models))
        yield running, models


@pytest.fixture
def hub(hub_and_disk: tuple[Hub, Path], tiny_weights: Path) -> Iterator[Hub]:
    """That hub with tiny weights for a model of which the registry knows no sizes, and nothing downloaded yet."""
    model = registry[MODEL]
    if any(file.size or file.sha256 for file in model.files):
        pytest.skip(f"the registry knows the real files of {MODEL}; choose one whose files are learned")
    running, models = hub_and_disk
    running.forget()
    for file in model.files:
        running.add(model.url(file, ""), (tiny_weights / file.path).read_bytes())
    yield running
    shutil.rmtree(models, ignore_errors=True)


class Children:
    """A pool of the service's children, and what they tell."""

    def __init__(self, pool: ChildPool, folder: Path) -> None:
        self.pool, self.heard, self._folder = pool, list[ChildEvent](), folder
        self.pool.listen(self.heard.append)

    async def do(self, kind: str, accepted: bool = True, key: str = MODEL) -> None:
        task = Task(kind, {"key": key, "accepted": [key] if accepted else []}, {}, self._folder)
        assert await self.pool.run(task, lambda *_: None, 60) == []

    def states(self) -> list[str]:
        told = [news.state for news in self.heard if isinstance(news, ModelEvent)]
        return [state for state, before in zip(told, ["", *told], strict=False) if state != before]


@pytest.fixture(scope="module")
def pool(hub_and_disk: tuple[Hub, Path]) -> Iterator[ChildPool]:
    pool = ChildPool(PERFORM, background=frozenset(kind.name for kind in kinds_of("ai") if kind.in_background))
    yield pool
    pool.close()


@pytest.fixture
def children(hub: Hub, pool: ChildPool, tmp_path: Path) -> Iterator[Children]:
    yield Children(pool, tmp_path)
    pool.let_go(MODEL)


async def test_a_model_is_fetched_loaded_and_leaves_memory_and_disk(
    children: Children, hub_and_disk: tuple[Hub, Path]
) -> None:
    await children.do("model-download")
    assert children.states() == ["downloading", "ready"]
    weights = hub_and_disk[1] / MODEL / registry[MODEL].revision / "model.safetensors"
    assert weights.exists()
    await children.do("model-load")
    assert children.pool.residents == {MODEL}
    assert children.heard[-1] == LoadedModels(frozenset({MODEL}))
    await children.do("model-unload")
    assert children.states()[-1] == "unloading"
    children.pool.let_go(MODEL)
    assert children.pool.residents == frozenset()
    await children.do("model-delete")
    assert children.states()[-1] == "absent"
    assert not weights.exists()


async def test_a_download_that_is_refused_or_breaks_is_told_with_what_to_do(children: Children, hub: Hub) -> None:
    with pytest.raises(TaskFailed, match="accept") as refused:
        await children.do("model-download", accepted=False)
    assert refused.value.code == "licence_required"
    hub.files.clear()
    with pytest.raises(TaskFailed) as missing:
        await children.do("model-download")
    assert missing.value.code == "not_found"
    last = [news for news in children.heard if isinstance(news, ModelEvent)][-1]
    assert (last.state, last.error.code) == ("failed", "not_found")


@pytest.fixture
def heard() -> Iterator[list[ChildEvent]]:
    """What this process tells."""
    heard: list[ChildEvent] = []
    tell_through(heard.append)
    yield heard
    tell_through(None)


async def test_a_new_process_tells_what_is_on_disk(hub: Hub, heard: list[ChildEvent]) -> None:
    cache = Cache.from_env()
    tell_what_is_here(cache, "ai")
    assert heard == []
    cache.ensure(registry[MODEL], accepted=True)
    tell_what_is_here(cache, "video-depth")
    assert heard == []
    tell_what_is_here(cache, "ai")
    assert heard == [ModelEvent(key=MODEL, state="ready")]


async def test_what_makes_no_sense_is_refused(children: Children) -> None:
    for kind, key, words in (
        ("model-load", MODEL, "download it first"),
        ("model-delete", "heuristic", "built in"),
        ("model-load", "nobody", "there are: embedded"),
    ):
        with pytest.raises(TaskFailed, match=words):
            await children.do(kind, key=key)


async def test_what_was_accepted_on_the_machine_counts_for_every_caller(children: Children, hub: Hub) -> None:
    Cache.from_env().accept(MODEL, "an operator")
    server = RpcServer(RpcSettings(), lambda one: register(one, children.pool, None), RPC_NAMES)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        request = ai_pb2.DownloadModelRequest(key=MODEL, accepted=True)
        answers = [answer async for answer in ai_pb2_grpc.AiServiceStub(channel).DownloadModel(request, timeout=60)]
    assert answers[-1].state == "ready"
    await server.stop(0)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


async def test_grpc_streams_a_downloads_progress_through_a_broken_connection(children: Children, hub: Hub) -> None:
    weights = next(path for path in hub.files if path.endswith("safetensors"))
    hub.planned[weights] = [drops_after(len(hub.files[weights]) // 2)]
    granted, other = "the operator's own token", "another caller's token"
    callers = {
        "operator": CallerSettings(token=SecretStr(granted), calls=("DownloadModel",), accepts_licences=True),
        "other": CallerSettings(token=SecretStr(other), calls=("DownloadModel",)),
    }
    server = RpcServer(RpcSettings(callers=callers), lambda one: register(one, children.pool, None), RPC_NAMES)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = ai_pb2_grpc.AiServiceStub(channel)
        request = ai_pb2.DownloadModelRequest(key=MODEL, accepted=True)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            _ = [answer async for answer in stub.DownloadModel(request, timeout=60, metadata=bearer(other))]
        assert refused.value.details().startswith("licence_required")
        assert not hub.requests, "nobody who may has accepted the licence"
        answers = [answer async for answer in stub.DownloadModel(request, timeout=60, metadata=bearer(granted))]
        assert [answers[0].state, answers[-1].state] == ["downloading", "ready"]
        done = [answer.done_bytes for answer in answers[:-1]]
        assert done == sorted(done)
        assert done[-1] == sum(len(body) for body in hub.files.values())
        request = ai_pb2.DownloadModelRequest(key="nobody")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            _ = [answer async for answer in stub.DownloadModel(request, timeout=60, metadata=bearer(granted))]
        assert "unknown_model" in refused.value.details()
    await server.stop(0)


# In short, what the jobs do is held above, and that calls do jobs about models by test_jobs.py.
@pytest.mark.long
async def test_a_call_fetches_loads_and_forgets_a_model_as_its_jobs_do(children: Children, hub: Hub) -> None:
    Cache.from_env().accept(MODEL, "an operator")
    server = RpcServer(RpcSettings(), lambda one: register(one, children.pool, None), RPC_NAMES)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = ai_pb2_grpc.AiServiceStub(channel)
        for kind in ("model-download", "model-load", "model-unload", "model-delete"):
            request = ai_pb2.RunModelRequest(kind=kind, params=ai_pb2.ModelParams(key=MODEL, accepted=[MODEL]))
            told = [one async for one in stub.RunModel(request, timeout=120)]
            assert told[-1].HasField("result"), kind
            if kind == "model-download":
                assert Cache.from_env().state(registry[MODEL]) == "ready"
                assert told[0].progress.stage == "downloading"
    assert Cache.from_env().state(registry[MODEL]) != "ready"
    await server.stop(0)
