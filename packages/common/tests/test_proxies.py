"""Proxies that the environment names are used where they can be, and are no network where they cannot."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from immichvr_common.bus import connect
from immichvr_common.proxies import AsyncProxyTransport, Proxies, ProxyTransport, without_proxies
from immichvr_common.rpc import RpcServer
from immichvr_common.rpc_client import open_channel
from immichvr_common.rpc_settings import RpcClientSettings, RpcSettings
from immichvr_common.storage import ObjectStore

OUTSIDE = httpx.URL("https://hub.test/model")


def way(url: str, **env: str) -> str | None:
    """The variable whose proxy a request goes through."""
    named = Proxies(env).of(httpx.URL(url))
    return named.variable if named else None


def test_the_scheme_chooses_and_small_letters_win() -> None:
    env = {"HTTP_PROXY": "http://a:1", "HTTPS_PROXY": "http://b:1", "ALL_PROXY": "http://c:1"}
    assert way("http://hub.test/", **env) == "HTTP_PROXY"
    assert way("https://hub.test/", **env) == "HTTPS_PROXY"
    assert way("https://hub.test/", **env, https_proxy="http://d:1") == "https_proxy"
    assert way("https://hub.test/", ALL_PROXY="c:1") == "ALL_PROXY"
    assert way("https://hub.test/") is None


@pytest.mark.parametrize(
    "value",
    [
        "socks4://proxy.test:1080",
        "ftp://proxy.test",
        "http://",
        "://",
        "http://[::1",
        "http://proxy.test:99999",
        "http://proxy.test:port",
        "proxy test",
        "http://proxy.test\n",
        "\x00",
        "http://user:secret@:80",
        "ALL",
        "#",
    ],
)
@pytest.mark.parametrize("variable", ["ALL_PROXY", "HTTPS_PROXY", "https_proxy"])
async def test_a_proxy_that_makes_no_sense_is_no_network(variable: str, value: str) -> None:
    env = {variable: value}
    with (
        httpx.Client(transport=ProxyTransport(env), timeout=2) as client,
        pytest.raises(httpx.TransportError) as refused,
    ):
        await asyncio.to_thread(client.get, OUTSIDE)
    async with httpx.AsyncClient(transport=AsyncProxyTransport(env), timeout=2) as other:
        with pytest.raises(httpx.TransportError):
            await other.get(OUTSIDE)
    assert "secret" not in str(refused.value)


def test_socks_without_its_package_is_told_by_the_variables_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("immichvr_common.proxies.importlib.util.find_spec", lambda _: None)
    with (
        httpx.Client(transport=ProxyTransport({"ALL_PROXY": "socks5://proxy.test:1080"})) as client,
        pytest.raises(httpx.ConnectError, match="ALL_PROXY names a proxy that cannot be used: SOCKS needs"),
    ):
        client.get(OUTSIDE)


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("::1,[::1]", "https://hub.test/", False),
        ("::1", "https://[::1]:8443/", True),
        ("[2001:db8::1]", "https://[2001:db8::1]/", True),
        ("2001:db8::/32", "https://[2001:db8:1::2]/", True),
        ("[2001:db8::1]:443", "https://[2001:db8::1]:443/", True),
        ("203.0.113.0/24", "https://203.0.113.9/", True),
        ("203.0.113.0/24", "https://8.8.4.4/", False),
        ("hub.test", "https://hub.test/", True),
        (".hub.test", "https://cdn.hub.test/", True),
        ("*.hub.test", "https://cdn.hub.test/", True),
        ("hub.test", "https://evilhub.test/", False),
        ("HUB.test:8443", "https://hub.test:8443/", True),
        ("hub.test:8443", "https://hub.test/", False),
        ("*", "https://hub.test/", True),
        (",, ,", "https://hub.test/", False),
        ("[::1", "https://hub.test/", False),
        ("http://[::1]:x/,%,://", "https://hub.test/", False),
    ],
)
def test_exceptions_are_read_as_people_write_them(no_proxy: str, url: str, direct: bool) -> None:
    assert (way(url, HTTPS_PROXY="http://proxy.test:1", NO_PROXY=no_proxy) is None) is direct


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "192.168.1.5", "10.0.0.7", "[fd00::1]", "immich"])
def test_what_is_near_is_never_asked_for_through_a_proxy(host: str) -> None:
    assert way(f"http://{host}:2283/", ALL_PROXY="http://proxy.test:1") is None


@contextlib.asynccontextmanager
async def proxy() -> AsyncIterator[tuple[int, list[str]]]:
    """A proxy that answers whatever it is asked for, and what that was."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split(b"\r\n")[0].decode())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


async def test_a_proxy_that_works_is_used_and_not_for_what_is_near() -> None:
    async with proxy() as (port, asked), proxy() as (near, seen):
        env = {"http_proxy": f"127.0.0.1:{port}", "NO_PROXY": "::1,[::1]"}
        async with httpx.AsyncClient(transport=AsyncProxyTransport(env)) as client:
            assert (await client.get("http://hub.test/model")).text == "ok"
            assert (await client.get(f"http://127.0.0.1:{near}/here")).text == "ok"
        with httpx.Client(transport=ProxyTransport(env)) as other:
            assert (await asyncio.to_thread(other.get, "http://hub.test/again")).text == "ok"
    assert asked == ["GET http://hub.test/model HTTP/1.1", "GET http://hub.test/again HTTP/1.1"]
    assert seen == ["GET /here HTTP/1.1"]


def test_certificates_that_cannot_be_read_are_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    (tmp_path / "none.pem").write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with httpx.Client(transport=ProxyTransport({})) as client, pytest.raises(httpx.ConnectError, match="SSL_CERT_FILE"):
        client.get(OUTSIDE)


@pytest.fixture(params=["http://127.0.0.1:9", "socks5://127.0.0.1:9", "http://[::1", "::"])
def hostile(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment whose proxies lead nowhere."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, request.param)
    monkeypatch.setenv("NO_PROXY", "::1,[::1]")


async def test_storage_is_asked_without_any(hostile: None, weed) -> None:
    store = ObjectStore(weed.settings())
    await store.ensure_bucket()
    await store.put_bytes("calls/proxies", b"x", "text/plain")
    assert (await store.get_bytes("calls/proxies")).data == b"x"
    store.close()


async def test_nats_is_asked_without_any(hostile: None, nats_server) -> None:
    bus = await connect(nats_server.settings("gateway"), "gateway")
    assert bus.client.is_connected
    await bus.close()


async def test_grpc_is_asked_without_any(hostile: None) -> None:
    server = RpcServer(RpcSettings(), lambda _: None, [])
    await server.start()
    async with open_channel(f"127.0.0.1:{server.port}", RpcClientSettings()) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    await server.stop(0)


def test_a_process_of_ours_without_business_outside_is_told_of_none(hostile: None) -> None:
    env = without_proxies({"HTTP_PROXY": "x", "no_proxy": "y", "All_Proxy": "z", "PATH": "p"})
    assert env == {"PATH": "p"}
