"""Nothing that belongs to a running stack answers to somebody without a credential."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import os
import sys
import threading
import time
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import httpx
import psutil
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from immichvr_common.embedded import binary
from immichvr_common.settings import S3Settings
from immichvr_common.storage import ObjectStore
from immichvr_local.testing.listening import Door, doors_of
from immichvr_local.testing.stranger import as_another_user, can_connect, hear
from playwright.async_api import Browser

from .conftest import in_one_loop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux who listens where")
ENDS = ("succeeded", "failed", "cancelled")
CALLS = (
    "/master_pb.Seaweed/VolumeList",
    "/filer_pb.SeaweedFiler/GetFilerConfiguration",
    "/filer_pb.SeaweedFiler/ListEntries",
    "/filer_pb.SeaweedIdentityAccessManagement/GetConfiguration",
    "/iam_pb.SeaweedIdentityAccessManagement/GetConfiguration",
    "/volume_server_pb.VolumeServer/VolumeServerStatus",
    "/immichvr.ai.v1.AiService/ListModels",
    "/immichvr.ai.v1.AiService/DownloadModel",
    "/immichvr.converter.v1.ConverterService/Convert",
    "/immichvr.converter.v1.ConverterService/ListFormats",
)


@pytest.fixture(scope="module")
def supervisor(stack: Any) -> psutil.Process:
    """The process of `immichvr up`."""
    return psutil.Process(int((stack.data / "lock").read_text()))


@pytest.fixture(scope="module")
def doors(stack: Any, supervisor: psutil.Process) -> list[Door]:
    """Everything that the stack's processes listen on, once all of them are up."""
    deadline = time.monotonic() + 90
    while "running" not in (stack.data / "up.log").read_text():
        assert time.monotonic() < deadline, (stack.data / "up.log").read_text()
        time.sleep(0.1)
    return doors_of(supervisor.pid)


@pytest.fixture(scope="module")
def inner(stack: Any, doors: list[Door]) -> list[Door]:
    """The TCP doors that are not the gallery's own."""
    return [door for door in doors if door.port and door.port != urlsplit(stack.address).port]


@in_one_loop
async def kept(stack: Any, api: httpx.AsyncClient) -> AsyncIterator[list[bytes]]:
    """What must not be said: every secret, and names of what is stored. Nothing of what is stored may change.

    A photo is in the store, and a splat that was made of it.
    """
    photo_id = stack.photo_id("cat.jpg")
    answer = await api.post(f"/api/photos/{photo_id}/splat", json={"model": "lift-heuristic"})
    assert answer.status_code in (200, 202), answer.text
    if job := answer.json().get("job"):
        async with asyncio.timeout(120):
            while job["state"] not in ENDS:
                await asyncio.sleep(0.1)
                job = (await api.get(f"/api/jobs/{job['id']}")).json()
        assert job["state"] == "succeeded", job
    secrets = {path.name: path.read_text().strip() for path in (stack.data / "secrets").iterdir()}
    store = ObjectStore(
        S3Settings(
            endpoint=endpoint_of_s3(stack.data),
            access_key=secrets["s3-gateway-access-key"],
            secret_key=secrets["s3-gateway-secret-key"],
        )
    )
    before = await contents(store)
    assert f"sources/{photo_id}" in " ".join(before)
    words = [*secrets.values(), photo_id, "cat.jpg", "immichvr_jobs", "sources/", "manifest.json", str(stack.data)]
    yield [word.encode() for word in words]
    assert await contents(store) == before
    store.close()


def endpoint_of_s3(data: Path) -> str:
    return f"http://127.0.0.1:{json.loads((data / 'state.json').read_text())['ports']['seaweedfs-s3']}"


async def contents(store: ObjectStore) -> dict[str, int]:
    """Every object and its size."""
    return {key: await store.size(key) for key in await store.list_keys("")}


def said_of(words: list[bytes], said: bytes) -> list[bytes]:
    return [word for word in words if word in said]


def test_every_port_is_on_loopback(doors: list[Door]) -> None:
    assert len({door.process for door in doors}) >= 5, doors
    assert not [door for door in doors if door.port and not ipaddress.ip_address(door.host).is_loopback]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_no_socket_file_lets_another_user_in(doors: list[Door]) -> None:
    files = [door.path for door in doors if door.path]
    assert files
    assert not [path for path in files if as_another_user(can_connect, path)]


async def test_another_user_reads_nothing_at_any_port(inner: list[Door], kept: list[bytes]) -> None:
    assert len(inner) >= 12, inner
    heard = await asyncio.gather(*(asyncio.to_thread(as_another_user, hear, door.host, door.port) for door in inner))
    assert {door: said_of(kept, said) for door, said in zip(inner, heard, strict=True) if said_of(kept, said)} == {}


async def test_what_answers_is_heard(foreign_page: str) -> None:
    """Without this the tests above would also pass for a stranger who is deaf."""
    address = urlsplit(foreign_page)
    heard = await asyncio.to_thread(as_another_user, hear, address.hostname, address.port)
    assert b"<title>elsewhere</title>" in heard


def test_nothing_in_the_data_directory_is_for_other_users(stack: Any) -> None:
    ours = [path for path in stack.data.iterdir() if path.name != "up.log"]
    assert {path.name for path in ours} >= {"logs", "nats", "s3", "secrets", "state.json", "work"}
    assert [path for path in ours if path.stat().st_mode & 0o077] == []


async def test_grpc_tells_and_does_nothing_without_a_credential(inner: list[Door]) -> None:
    async def answers(door: Door, call: Callable[[grpc.aio.Channel], Any]) -> bool:
        async with grpc.aio.insecure_channel(f"{door.host}:{door.port}") as channel:
            try:
                await asyncio.wait_for(call(channel), 5)
            except (grpc.aio.AioRpcError, TimeoutError):
                return False
        return True

    async def reflect(channel: grpc.aio.Channel) -> None:
        request = reflection_pb2.ServerReflectionRequest(list_services="*")
        async for _ in reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request])):
            return
        raise TimeoutError

    def calling(method: str) -> Callable[[grpc.aio.Channel], Any]:
        async def call(channel: grpc.aio.Channel) -> None:
            await channel.unary_unary(method, request_serializer=bytes)(b"")

        return call

    for call in (reflect, *(calling(method) for method in CALLS)):
        assert not any(await asyncio.gather(*(answers(door, call) for door in inner)))


async def test_weed_shell_learns_nothing(supervisor: psutil.Process, kept: list[bytes], tmp_path: Path) -> None:
    weed = next(part for part in supervisor.children() if "weed" in part.name())
    ports = dict(one.lstrip("-").split("=", 1) for one in weed.cmdline() if "port" in one and "=" in one)
    master, filer = (f"127.0.0.1:{ports[f'{role}.port']}.{ports[f'{role}.port.grpc']}" for role in ("master", "filer"))
    shell = [binary("weed", "WEED"), "shell", f"-master={master}", f"-filer={filer}"]
    process = await asyncio.create_subprocess_exec(*shell, cwd=tmp_path, stdin=PIPE, stdout=PIPE, stderr=STDOUT)
    # It asks for the master again and again, for ever.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(4):
            assert process.stdin is not None
            process.stdin.write(b"s3.configure\nfs.ls /buckets/immichvr\nvolume.list\n")
            process.stdin.write_eof()
            await process.wait()
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    said, _ = await process.communicate()
    assert said_of(kept, said) == []


@pytest.fixture
def foreign_page() -> Iterator[str]:
    """The address of a page of another origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the base class's spelling
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>elsewhere</title>")

        def log_message(self, format: str, *args: object) -> None:
            """Keeps the test's output to itself."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


TRY_ALL = """async ({ports, paths, photo}) => {
  const limit = () => ({signal: AbortSignal.timeout(4000), cache: 'no-store'});
  const heard = [];
  const hear = async (port, url, options) => {
    try {
      const answer = await fetch(url, {...limit(), ...options});
      if (answer.type === 'opaque') return;
      heard.push([port, url, answer.status, (await answer.text()).slice(0, 100000)]);
    } catch { /* refused, as it should be */ }
  };
  const socket = (port, path) => new Promise(done => {
    const one = new WebSocket(`ws://127.0.0.1:${port}${path}`);
    const end = () => { one.close(); done(); };
    one.onopen = () => { heard.push([port, path, 101, 'a socket was opened']); end(); };
    one.onmessage = event => heard.push([port, path, 101, String(event.data)]);
    one.onerror = end;
    setTimeout(end, 2000);
  });
  await Promise.all(ports.map(async port => {
    const at = `http://127.0.0.1:${port}`;
    for (const path of paths) {
      await hear(port, at + path, {});
      await hear(port, at + path, {credentials: 'include'});
      await hear(port, at + path, {method: 'POST', mode: 'no-cors', body: '{"model":"heuristic","force":true}'});
      await hear(port, at + path, {method: 'DELETE'});
      await hear(port, at + path, {method: 'PUT', body: 'evil'});
    }
    await hear(port, `${at}/api/photos/${photo}/splat`, {method: 'POST', mode: 'no-cors', body: '{"force":true}'});
    await hear(port, `${at}/api/photos/${photo}/splat`, {
      method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{"force":true}'});
    const polling = '?EIO=4&transport=websocket';
    const listening = ['/', '/api/stream', '/api/socket.io/' + polling];
    for (const path of listening) await socket(port, path);
    const form = document.createElement('form');
    const frame = Object.assign(document.createElement('iframe'), {name: `frame-${port}`});
    Object.assign(form, {method: 'post', enctype: 'multipart/form-data', target: frame.name,
      action: `${at}/buckets/immichvr/uploads/`});
    form.append(Object.assign(document.createElement('textarea'), {name: 'file', value: 'evil'}));
    document.body.append(frame, form);
    const loaded = new Promise(done => { frame.onload = done; setTimeout(done, 1500); });
    form.submit();
    await loaded;
  }));
  return heard;
}"""


async def test_a_page_of_another_origin_reads_and_changes_nothing(
    stack: Any, doors: list[Door], kept: list[bytes], browser: Browser, foreign_page: str, api: httpx.AsyncClient
) -> None:
    photo_id = stack.photo_id("cat.jpg")
    paths = ["/", "/buckets/immichvr/?pretty=y", "/immichvr/?list-type=2", "/dir/status", "/status", "/metrics",
             "/api/photos", "/api/jobs", "/api/session", f"/api/photos/{photo_id}/original"]  # fmt: skip
    jobs = (await api.get("/api/jobs")).json()
    ports = sorted({door.port for door in doors if door.port})
    async with await browser.new_page() as page:
        await page.goto(foreign_page)
        heard = await page.evaluate(TRY_ALL, {"ports": ports, "paths": paths, "photo": photo_id})
    assert [one for one in heard if said_of(kept, one[3].encode())] == []
    assert [one for one in heard if one[2] < 300 and one[3]] == []
    assert (await api.get("/api/jobs")).json() == jobs
