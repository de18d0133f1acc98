"""The pods of the chart as processes of this machine, with the commands and variables that it renders."""

from __future__ import annotations

import asyncio
import io
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import msgpack
import pytest
import skimage.data
from immichvr_helm_check.checking import START
from immichvr_helm_check.matrix import CHART
from immichvr_helm_check.processes import defaults_of_images, processes
from immichvr_helm_check.references import secrets
from immichvr_helm_check.rendering import render
from immichvr_helm_check.running import Release
from PIL import Image
from websockets.asyncio.client import connect

from .conftest import in_one_loop

ROOT = Path(__file__).resolve().parents[2]
VALUES = {"photos": {"existingClaim": "photos"}, "models": {"offline": True}, "publicUrl": "http://127.0.0.1"}


@in_one_loop
async def release() -> AsyncIterator[Release]:
    """A release over a folder with one photo, with the servers that the chart brings along."""
    objects = render(ROOT / CHART, VALUES)
    with tempfile.TemporaryDirectory(prefix="pods-") as folder:
        pods = Release(objects, processes(objects, {}), Path(folder), ROOT, defaults_of_images(ROOT / START))
        gateway = next(one for one in pods.processes if one.is_the_service and one.service == "gateway")
        photos = pods.folder(gateway) / "photos"
        photos.mkdir(parents=True)
        Image.fromarray(skimage.data.chelsea()).resize((300, 200)).save(photos / "cat.jpg")
        yield pods


def dialled(release: Release) -> httpx.AsyncClient:
    """A client of the release's gateway that shows the access token."""
    token = secrets(release.objects)["immichvr-secrets"]["access-token"]
    address = f"http://{release.address('immichvr-gateway', 2284)}"
    return httpx.AsyncClient(base_url=address, timeout=30, headers={"authorization": f"Bearer {token}"})


async def test_the_servers_and_the_gateway_of_the_chart_start_on_read_only_roots_and_helm_test_finds_them_well(
    release: Release,
) -> None:
    release.processes = [one for one in release.processes if one.service in ("", "gateway")]
    try:
        await release.start()
        await release.test()
        async with dialled(release) as api:
            assert [one["name"] for one in (await api.get("/api/photos")).json()["items"]] == ["cat.jpg"]
            del api.headers["authorization"]
            assert (await api.get("/api/photos")).status_code == 401
    finally:
        codes = await release.stop()
    assert set(codes.values()) <= {0, -signal.SIGTERM}


async def live_splats(api: httpx.AsyncClient) -> int:
    """How many Gaussians come back for a picture, by a session that a worker serves at a port of its own."""
    picture = io.BytesIO()
    Image.fromarray(skimage.data.chelsea()).resize((160, 120)).save(picture, "JPEG")
    hello = {"type": "hello", "version": 1, "model": "heuristic", "max_gaussians": 2000, "process_res": 160}
    frame = {"type": "frame", "seq": 1, "t": 0.0, "jpeg": picture.getvalue()}
    headers = {"authorization": api.headers["authorization"]}
    address = f"ws{str(api.base_url).removeprefix('http').rstrip('/')}/api/stream"
    async with connect(address, additional_headers=headers) as socket:
        for said, heard in ((hello, "ready"), (frame, "gaussians")):
            await socket.send(msgpack.packb(said))
            async with asyncio.timeout(120):
                answer: dict[str, Any] = msgpack.unpackb(await socket.recv())
            assert answer["type"] == heard, answer
    return int(answer["n"])


# In short, pods of servers and gateway start above; jobs and sessions are held by test_viewer.py and test_live.py,
# without pods.
@pytest.mark.long
@pytest.mark.timeout(600)
async def test_jobs_and_a_live_session_run_through_the_pods_of_the_chart(
    release: Release, ended: Callable[..., Any]
) -> None:
    try:
        await release.start()
        await release.test()
        async with dialled(release) as api:
            [photo] = (await api.get("/api/photos")).json()["items"]
            made = await api.post(f"/api/photos/{photo['id']}/splat", json={"model": "lift-heuristic"})
            assert (await ended(api, made.json()["job"], 240))["state"] == "succeeded"
            asked = await api.post(f"/api/photos/{photo['id']}/splat/convert", json={"format": "splat"})
            assert (await ended(api, asked.json()["job"], 240))["state"] == "succeeded"
            [splat] = [
                one
                for one in (await api.get(f"/api/photos/{photo['id']}/assets")).json()["assets"]
                if one["kind"] == "splat"
            ]
            file = next(one for one in splat["files"] if one["format"] == "splat")
            assert len((await api.get(file["url"])).content) == file["size"]
        assert await live_splats(api) > 0
    finally:
        codes = await release.stop()
    # uvicorn ends by the signal that it was sent, once it has ended.
    assert set(codes.values()) <= {0, -signal.SIGTERM}
    assert len(codes) >= 4
