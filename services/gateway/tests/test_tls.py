"""TLS at the gateway's own port: both ways of asking, new certificates, and nothing said in the clear."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from immichvr_common.certificates import ensure_for_browsers
from immichvr_gateway.events.connections import Patience
from immichvr_gateway.http.tls import Certificate
from immichvr_gateway.serving import certificate_of
from immichvr_gateway.settings import TlsSettings
from websockets.asyncio.client import connect


@pytest.fixture
def secured(settings: Any, tmp_path: Path) -> Any:
    """Settings of a gateway with a certificate for this machine."""
    ensure_for_browsers(tmp_path / "tls", ["localhost"], [])
    tls = TlsSettings(certificate_file=tmp_path / "tls/cert.pem", key_file=tmp_path / "tls/key.pem")
    return settings.model_copy(update={"tls": tls})


async def test_everything_is_served_over_tls_and_who_asks_in_the_clear_is_sent_there(
    serving, secured, tmp_path
) -> None:
    async with serving(secured, patience=Patience(head_s=1)) as gateway:
        page = await gateway.get("/api/photos")
        assert page.status_code == 200
        trust = ssl.create_default_context(cafile=tmp_path / "tls/ca.pem")
        sockets = "/api/socket.io/?EIO=4&transport=websocket"
        async with connect(gateway.url.replace("http", "ws", 1) + sockets, ssl=trust) as socket:
            assert (await socket.recv()).startswith("0{")
        clear = gateway.url.replace("https", "http")
        async with httpx.AsyncClient(base_url=clear) as anybody:
            sent = await anybody.get("/photos/ü?x=1&y=%2F")
            assert (sent.status_code, sent.headers["location"]) == (308, f"{gateway.url}/photos/%C3%BC?x=1&y=%2F")
            refused = await anybody.post("/api/session", json={"token": "secret"})
            assert (refused.status_code, refused.json()["code"]) == (403, "refused")
            assert "set-cookie" not in refused.headers
        with pytest.raises(Exception, match="403"):
            async with connect(clear.replace("http", "ws", 1) + sockets):
                pass
        url = httpx.URL(gateway.url)
        for said in (b"", b"\x16nonsense"):
            reader, writer = await asyncio.open_connection(url.host, url.port)
            writer.write(said)
            heard = await asyncio.wait_for(reader.read(), 20)  # ended from the other side
            writer.close()
            assert b"HTTP" not in heard
        assert (await gateway.get("/api/health")).status_code == 200


async def test_those_who_come_and_say_nothing_keep_nobody_out(serving, secured) -> None:
    async with serving(secured, patience=Patience(head_s=60, waiting=4)) as gateway:
        url = httpx.URL(gateway.url)
        silent = [await asyncio.open_connection(url.host, url.port) for _ in range(8)]
        silent[7][1].write(b"\x16\x03\x01")
        assert (await gateway.get("/api/health")).status_code == 200
        for reader, _ in silent[:4]:
            assert await asyncio.wait_for(reader.read(), 10) == b"", "the oldest had to go"
        for _, writer in silent:
            writer.close()


async def test_a_new_certificate_is_shown_without_a_new_start(secured, tmp_path) -> None:
    certificate = certificate_of(secured)
    assert certificate is not None and not certificate.renew()
    (tmp_path / "tls/cert.pem").write_text("half")
    assert not certificate.renew(), "what is not whole is not taken"
    (tmp_path / "tls/cert.pem").unlink()
    assert ensure_for_browsers(tmp_path / "tls", ["localhost"], ["192.168.1.7"])
    assert certificate.renew() and not certificate.renew()


async def test_a_certificate_whose_key_has_not_come_yet_leaves_the_one_before_as_it_was(secured, tmp_path) -> None:
    certificate = certificate_of(secured)
    assert certificate is not None
    trust = ssl.create_default_context(cafile=tmp_path / "tls/ca.pem")
    ensure_for_browsers(tmp_path / "next", ["localhost"], [])
    (tmp_path / "tls/cert.pem").write_bytes((tmp_path / "next/cert.pem").read_bytes())
    assert not certificate.renew(), "its key is another's still"
    server = await asyncio.start_server(lambda _, writer: writer.close(), "localhost", 0, ssl=certificate.context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("localhost", port, ssl=trust)
        assert await reader.read() == b"", "the handshake came to its end"
        writer.close()


def test_files_that_cannot_be_used_are_named_at_the_start(secured, tmp_path) -> None:
    (tmp_path / "tls/key.pem").write_text("no key")
    with pytest.raises(ValueError, match=r"cert\.pem and .*key\.pem cannot be used for TLS"):
        certificate_of(secured)
    with pytest.raises(ValueError, match="or neither"):
        TlsSettings(key_file=tmp_path / "tls/key.pem")
    with pytest.raises(FileNotFoundError):
        Certificate(tmp_path / "no.pem", tmp_path / "no.pem")
