"""Every snippet of docs/deployment/reverse-proxies.md, run by the proxy it is for, in front of a real gateway."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import socketio
import uvicorn
from immichvr_common.embedded import NatsServer, SeaweedServer, free_ports
from immichvr_gateway.app import create_app
from immichvr_gateway.serving import server_config
from immichvr_gateway.settings import GatewaySettings, ImmichSettings
from PIL import Image

from .conftest import ROOT

PAGE = ROOT / "docs/deployment/reverse-proxies.md"
_SNIPPET = re.compile(r"```\w+\n# (\w+): (\w+)\n(.*?)```", re.DOTALL)
SNIPPETS = {(proxy, way): text for proxy, way, text in _SNIPPET.findall(PAGE.read_text("utf-8"))}
_UPSTREAM = "127.0.0.1:2284"


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, f"the snippet has no {old!r}"
        text = text.replace(old, new)
    return text


def nginx(way: str, port: int, folder: Path) -> list[str]:
    text, name = SNIPPETS["nginx", way], SNIPPETS["nginx", "name"]
    if way == "name":
        server = re.sub(r" *ssl_\w+ .*\n", "", replaced(text, ("listen 443 ssl;", f"listen 127.0.0.1:{port};")))
    else:
        server = f"{name.partition('server {')[0]}\nserver {{ listen 127.0.0.1:{port};\n{text}}}"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    config = (
        f"daemon off; pid {folder}/pid; error_log stderr;\nevents {{}}\nhttp {{ access_log off;\n{temporary}{server}}}"
    )
    (folder / "nginx.conf").write_text(config, "utf-8")
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]


def caddy(way: str, port: int, folder: Path) -> list[str]:
    site = "3d.example {" if way == "name" else "home.example {"
    text = replaced(SNIPPETS["caddy", way], (site, f"http://127.0.0.1:{port} {{"))
    (folder / "Caddyfile").write_text("{\n admin off\n auto_https off\n}\n" + text, "utf-8")
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def traefik(way: str, port: int, folder: Path) -> list[str]:
    host = "3d.example" if way == "name" else "home.example"
    text = replaced(SNIPPETS["traefik", way], (host, "127.0.0.1"), ("      tls: {}\n", ""))
    (folder / "dynamic.yaml").write_text(text, "utf-8")
    entry = f"--entryPoints.websecure.address=127.0.0.1:{port}"
    return ["traefik", entry, f"--providers.file.filename={folder / 'dynamic.yaml'}", "--log.level=ERROR"]


PROXIES = {"nginx": nginx, "caddy": caddy, "traefik": traefik}


@asynccontextmanager
async def in_front_of(gateway: str, proxy: str, way: str, folder: Path) -> AsyncIterator[str]:
    """The proxy as its snippet says; gives the address of the gallery behind it."""
    if shutil.which(proxy) is None:
        pytest.skip(f"{proxy} is not installed")
    [port] = free_ports(1)
    command = PROXIES[proxy](way, port, folder)
    for path in (path for path in folder.iterdir() if path.is_file()):
        path.write_text(replaced(path.read_text("utf-8"), (_UPSTREAM, gateway)), "utf-8")
    home = {"HOME": str(folder), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin"}
    program = shutil.which(command[0])
    assert program is not None
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *command[1:]], env=home, stdout=log, stderr=log)  # noqa: ASYNC220  # at once
    try:
        base = f"http://127.0.0.1:{port}" + ("/3d" if way == "path" else "")
        async with httpx.AsyncClient() as client, asyncio.timeout(30):
            while not await answers(client, f"{base}/api/health"):
                assert process.poll() is None, (folder / "log").read_text("utf-8")
                await asyncio.sleep(0.05)
        yield base
    finally:
        process.terminate()
        process.wait(10)


async def answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.effect_noise((1400, 1400), 90).convert("RGB").save(folder / "noise.png")
    assert (folder / "noise.png").stat().st_size > 2_000_000
    return folder


@asynccontextmanager
async def gateway_of(photos: Path, folder: Path, nats: NatsServer, weed: SeaweedServer) -> AsyncIterator[str]:
    """A gateway that trusts proxies of this machine; gives its host and port."""
    (folder / "web").mkdir()
    (folder / "web/index.html").write_text("<!doctype html><title>the viewer</title>", "utf-8")
    settings = GatewaySettings.model_validate(
        {
            "host": "0.0.0.0",  # noqa: S104  # so that it asks who is there
            "photos": photos, "cache": folder / "cache", "web": folder / "web",
            "access_token": "the access token", "trusted_proxies": "127.0.0.1", "immich": ImmichSettings(url=""),
            "nats": nats.settings("gateway"), "s3": weed.settings(),
        }
    )  # fmt: skip
    config = server_config(create_app(settings), settings)
    config.host, config.port, config.timeout_graceful_shutdown = "127.0.0.1", 0, 1
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn tells nobody
        await asyncio.sleep(0.01)
    address = f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    async with httpx.AsyncClient(base_url=f"http://{address}") as client, asyncio.timeout(60):
        while (await client.get("/api/ready")).status_code != 200:  # noqa: ASYNC110  # it tells by answering
            await asyncio.sleep(0.05)
    try:
        yield address
    finally:
        server.should_exit = True
        await task


def test_there_is_a_snippet_for_each_proxy_and_way() -> None:
    assert set(SNIPPETS) == {(proxy, way) for proxy in PROXIES for way in ("name", "path")}


async def test_pages_sign_in_ranges_and_sockets_work_behind_every_snippet(
    photos: Path, tmp_path: Path, nats_server: NatsServer, weed: SeaweedServer, subtests: pytest.Subtests
) -> None:
    async with gateway_of(photos, tmp_path, nats_server, weed) as gateway:
        for number, (proxy, way) in enumerate(SNIPPETS):
            folder = tmp_path / str(number)
            folder.mkdir()
            with subtests.test(proxy=proxy, way=way):
                async with in_front_of(gateway, proxy, way, folder) as base:
                    await is_whole(base, "/3d/" if way == "path" else "/")


async def is_whole(base: str, path: str) -> None:
    """A browser's way through it: page, sign-in, a large file in parts, the socket, and out."""
    async with httpx.AsyncClient(timeout=20) as client:
        assert "the viewer" in (await client.get(f"{base}/")).text
        if path != "/":
            bare = await client.get(base)
            assert bare.status_code in (301, 302, 308)
            assert bare.headers["location"].endswith("/3d/")
        signed_in = await client.post(f"{base}/api/session", json={"token": "the access token"})
        assert signed_in.status_code == 204
        assert f"path={path}" in [part.strip().lower() for part in signed_in.headers["set-cookie"].split(";")]
        photo = (await client.get(f"{base}/api/photos")).json()["items"][0]["id"]
        original = f"{base}/api/photos/{photo}/original"
        whole = (await client.get(original)).content
        assert len(whole) > 2_000_000
        part = await client.get(original, headers={"range": "bytes=1000000-1999999"})
        assert (part.status_code, part.content) == (206, whole[1_000_000:2_000_000])
        cookie = {"cookie": signed_in.headers["set-cookie"].partition(";")[0]}
        socket = socketio.AsyncClient(reconnection=False)
        host, _, below = base.removeprefix("http://").partition("/")
        await socket.connect(
            f"http://{host}", headers=cookie, transports=["websocket"], socketio_path=f"{below}/api/socket.io"
        )
        assert socket.transport() == "websocket"
        await socket.disconnect()
        assert (await client.delete(f"{base}/api/session")).status_code == 204
        assert (await client.get(f"{base}/api/photos")).status_code == 401
