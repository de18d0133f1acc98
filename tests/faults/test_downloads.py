"""Models fetched by workers from a hub on this machine: told live, resumed after a death, deleted again."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import socketio
from immichvr_models import Model, registry
from immichvr_models.testing import Hub, running_hub, throttled, weights_of

from .conftest import AI, PATIENCE_S

WEIGHTS = weights_of(random.Random(4).randbytes(600_000))
TOLD, KILLED = [
    model
    for model in registry
    if not model.licence.permissive and model.files and not any(file.size or file.sha256 for file in model.files)
][:2]
"""Models whose licence asks for a yes and whose files are learned at the first download: any bytes will do."""


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """A hub with all files of the two models."""
    with running_hub() as running:
        for model in (TOLD, KILLED):
            for file in model.files:
                running.add(model.url(file, ""), WEIGHTS if file.path.endswith("safetensors") else b"{}")
        yield running


@pytest.fixture(scope="module")
def online(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which downloads are allowed, into an empty cache that all workers share."""
    return {
        "HF_ENDPOINT": hub.url,
        "HF_HUB_OFFLINE": "",
        "IMMICHVR_MODELS_OFFLINE": "",
        "IMMICHVR_MODELS_DIR": str(tmp_path_factory.mktemp("fetched")),
    }


class Models:
    """What one asks of a gateway about models, and what it tells live."""

    def __init__(self, gateway: Any) -> None:
        self.gateway, self.heard, self._news = gateway, list[dict[str, Any]](), asyncio.Event()

    async def hear(self, news: dict[str, Any]) -> None:
        self.heard.append(news)
        self._news.set()

    async def ask(self, model: Model, deed: str, **body: str) -> httpx.Response:
        path = f"/api/models/{model.key}"
        if deed == "delete":
            return await asyncio.to_thread(self.gateway.client.delete, path)
        return await asyncio.to_thread(lambda: self.gateway.client.post(f"{path}/{deed}", json=body or None))

    async def state(self, model: Model) -> str:
        return str((await self.gateway.get(f"/api/models/{model.key}")).json()["state"])

    async def until(self, model: Model, wanted: Callable[[dict[str, Any]], bool], after: int = 0) -> dict[str, Any]:
        """The first news of a model that are wanted, of those heard after so many."""
        async with asyncio.timeout(60):
            while True:
                for news in self.heard[after:]:
                    if news["key"] == model.key and wanted(news):
                        return news
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def listening(gateway: Any) -> AsyncIterator[Models]:
    models, client = Models(gateway), socketio.AsyncClient(reconnection=False)
    client.on("model:progress", models.hear)
    await client.connect(gateway.url, transports=["websocket"], socketio_path="/api/socket.io")
    yield models
    await client.disconnect()


@pytest.fixture(scope="module")
def steady_gateway(start_gateway: Callable[..., Any], online: dict[str, str]) -> Iterator[Any]:
    """A gateway that lets models be downloaded."""
    steady = start_gateway(**online).wait_until_ready()
    yield steady
    steady.stop()


@pytest.fixture
async def models(gateway: Any) -> AsyncIterator[Models]:
    async with listening(gateway) as heard:
        yield heard


async def test_a_model_is_accepted_fetched_told_live_and_deleted(models, hub, start_worker, online) -> None:
    weights = next(path for path in hub.files if (TOLD.repo or "") in path and path.endswith("safetensors"))
    hub.planned[weights] = [throttled(400_000, 16_000)]
    assert await models.state(TOLD) == "needs_licence"
    assert (await models.ask(TOLD, "download")).json()["code"] == "licence_required"
    assert (await models.ask(TOLD, "accept", licence=TOLD.licence.name)).status_code == 200
    answer = await models.ask(TOLD, "download")
    assert answer.status_code == 202
    start_worker("fetches", AI, **online)
    half = await models.until(TOLD, lambda news: news["state"] == "downloading" and news["rate"] > 0)
    assert half["total"] == 0 or half["done"] <= half["total"]
    assert (await models.until(TOLD, lambda news: news["state"] == "ready"))["error"] is None
    done = [news["done"] for news in models.heard if news["state"] == "downloading"]
    assert done == sorted(done)
    assert len(done) > 3
    assert (await models.gateway.until(answer.json()["job"]["id"]))["state"] == "succeeded"
    [found] = Path(online["IMMICHVR_MODELS_DIR"], TOLD.key).rglob("*.safetensors")
    assert found.read_bytes() == WEIGHTS
    before = len(models.heard)
    answer = await models.ask(TOLD, "delete")
    assert (await models.gateway.until(answer.json()["job"]["id"]))["state"] == "succeeded"
    await models.until(TOLD, lambda news: news["state"] == "downloadable", before)
    assert not found.exists()


async def test_a_download_whose_worker_is_killed_while_it_warms_is_gone_on_with_by_another(
    models, hub, start_worker, online, tmp_path
) -> None:
    weights = next(path for path in hub.files if (KILLED.repo or "") in path and path.endswith("safetensors"))
    hub.planned[weights] = [hub.stalls_after(250_000)]
    await models.ask(KILLED, "accept", licence=KILLED.licence.name)
    job = (await models.ask(KILLED, "download")).json()["job"]
    # With no kernel compiled before: the service as people start it warms for longer than this takes.
    first = start_worker("first", "-m", "immichvr_ai", NUMBA_CACHE_DIR=str(tmp_path), **online)
    await models.until(KILLED, lambda news: news["state"] == "downloading" and news["done"] >= 200_000)
    # What has arrived is written down every two seconds; a process killed before that begins anew.
    await _appears(Path(online["IMMICHVR_MODELS_DIR"], KILLED.key), "*.part.json")
    await _appears(tmp_path, "*.nbc")
    _, *children = family = first.family()
    assert len(children) >= 2, "one warms, one fetches"
    first.kill()
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, PATIENCE_S)
    assert not alive
    start_worker("second", AI, **online)
    ended = await models.gateway.until(job["id"])
    assert (ended["state"], ended["run"], ended["attempts"]) == ("succeeded", 1, 2)
    assert await models.state(KILLED) == "ready"
    resumed = [headers.get("Range", "") for headers in hub.requests_of(weights)][-1]
    assert int(resumed.removeprefix("bytes=").split("-")[0]) >= 200_000
    [found] = Path(online["IMMICHVR_MODELS_DIR"], KILLED.key).rglob("*.safetensors")
    assert found.read_bytes() == WEIGHTS


async def _appears(folder: Path, name: str) -> None:
    """Waits for a file of that name somewhere below a folder: files tell nobody."""
    async with asyncio.timeout(PATIENCE_S):
        while not list(folder.rglob(name)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
