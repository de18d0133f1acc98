"""Fetching, deleting, loading and unloading models in children, from a hub on this machine that has tiny weights."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from immichvr.ai.v1 import ai_pb2, ai_pb2_grpc
from immichvr.events.v1.events_pb2 import ModelEvent
from immichvr_ai.model_jobs import ASIDE, tell_what_is_here
from immichvr_ai.service import RPC_NAMES, register
from immichvr_common.errors import TaskFailed
from immichvr_common.processes import ChildPool
from immichvr_common.rpc import RpcServer
from immichvr_common.rpc_settings import CallerSettings, RpcSettings
from immichvr_common.tasks import Task
from immichvr_common.telling import News, Residents, _Channel
from immichvr_models import Cache, registry
from immichvr_models.testing import Hub, drops_after, running_hub
from pydantic import SecretStr

PERFORM = "immichvr_ai.jobs:perform"
MODEL = "da2-base"


@pytest.fixture
def hub(tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with tiny weights for a model of which the registry knows no sizes; children download from it."""
    model = registry[MODEL]
    if any(file.size or file.sha256 for file in model.files):
        pytest.skip(f"the registry knows the real files of {MODEL}; choose one whose files are learned")
    with running_hub() as running:
        for file in model.files:
            running.add(model.url(file, ""), (tiny_weights / file.path).read_bytes())
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_HUB_OFFLINE", "")
        monkeypatch.setenv("IMMICHVR_MODELS_OFFLINE", "")
        monkeypatch.setenv("IMMICHVR_MODELS_DIR", str(tmp_path / "models"))
        yield running


class Children:
    """A pool of the service's children, and what they tell."""

    def __init__(self, folder: Path) -> None:
        self.pool, self.heard, self._folder = ChildPool(PERFORM, aside=ASIDE), list[News](), folder
        self.pool.listen(self.heard.append)

    async def do(self, kind: str, accepted: bool = True, key: str = MODEL) -> None:
        task = Task(kind, {"key": key, "accepted": [key] if accepted else []}, {}, self._folder)
        assert await self.pool.run(task, lambda *_: None, 60) == []

    def states(self) -> list[str]:
        told = [news.state for news in self.heard if isinstance(news, ModelEvent)]
        return [state for state, before in zip(told, ["", *told], strict=False) if state != before]


@pytest.fixture
def children(hub: Hub, tmp_path: Path) -> Iterator[Children]:
    children = Children(tmp_path)
    yield children
    children.pool.close()


async def test_a_model_is_fetched_loaded_and_leaves_memory_and_disk(children: Children, tmp_path: Path) -> None:
    await children.do("model-download")
    assert children.states() == ["downloading", "ready"]
    weights = tmp_path / "models" / MODEL / registry[MODEL].revision / "model.safetensors"
    assert weights.exists()
    await children.do("model-load")
    assert children.pool.residents == {MODEL}
    assert children.heard[-1] == Residents(frozenset({MODEL}))
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


def test_a_new_process_tells_what_is_on_disk(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[News] = []
    monkeypatch.setattr(_Channel, "send", heard.append)
    cache = Cache.from_env()
    tell_what_is_here(cache)
    assert heard == []
    cache.ensure(registry[MODEL], accepted=True)
    tell_what_is_here(cache)
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
