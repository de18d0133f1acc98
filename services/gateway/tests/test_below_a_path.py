"""Behind a proxy that serves the gateway below a path of its own, whether it takes the path off or leaves it."""

from __future__ import annotations

from typing import Any

import pytest
import socketio
from immichvr_gateway.http.forwarded import prefix_in
from pydantic import SecretStr


@pytest.fixture
def proxied(settings: Any) -> Any:
    """Settings of a gateway that knows a proxy on this machine, and asks for an access token."""
    settings.web.mkdir()
    (settings.web / "index.html").write_text("<!doctype html>")
    return settings.model_copy(
        update={"host": "0.0.0.0", "access_token": SecretStr("the access token"), "trusted_proxies": "127.0.0.1"}  # noqa: S104
    )


@pytest.mark.parametrize("taken_off", [True, False])
async def test_pages_cookies_addresses_and_sockets_are_those_below_the_path(serving, proxied, taken_off) -> None:
    async with serving(proxied) as gateway:
        at = "" if taken_off else "/in/3d"
        said = {"x-forwarded-prefix": "/in/3d"}
        assert (await gateway.get(f"{at}/", **said)).text == "<!doctype html>"
        signed_in = await gateway.client.post(f"{at}/api/session", json={"token": "the access token"}, headers=said)
        assert signed_in.status_code == 204
        assert "path=/in/3d/" in signed_in.headers["set-cookie"].lower()
        cookie = {"cookie": signed_in.headers["set-cookie"].partition(";")[0]}
        gateway.client.cookies.clear()
        photo = (await gateway.get(f"{at}/api/photos", **cookie, **said)).json()["items"][0]["id"]
        job = await gateway.client.post(
            f"{at}/api/photos/{photo}/depth", json={"model": "heuristic"}, headers={**cookie, **said}
        )
        assert job.headers["location"] == f"/in/3d/api/jobs/{job.json()['job']['id']}"
        document = (await gateway.get(f"{at}/api/openapi.json", **said)).json()
        assert document["servers"][0] == {"url": "/in/3d"}
        socket = socketio.AsyncClient(reconnection=False)
        await socket.connect(
            gateway.url, headers={**cookie, **said}, transports=["websocket"], socketio_path=f"{at}/api/socket.io"
        )
        await socket.disconnect()
        out = await gateway.client.delete(f"{at}/api/session", headers={**cookie, **said})
        assert "path=/in/3d/" in out.headers["set-cookie"].lower(), "what is set there is taken away there"


async def test_only_a_named_proxy_says_below_which_path_it_serves_us(serving, proxied) -> None:
    async with serving(proxied.model_copy(update={"trusted_proxies": "192.0.2.1"})) as gateway:
        document = (await gateway.get("/api/openapi.json", **{"x-forwarded-prefix": "/evil"})).json()
        assert {"url": "/evil"} not in document.get("servers", [])
        assert (await gateway.get("/evil/api/health", **{"x-forwarded-prefix": "/evil"})).status_code == 404


async def test_the_address_that_people_use_says_it_where_the_proxy_does_not(serving, proxied) -> None:
    behind = {"public_url": "https://home.example/3d", "trusted_proxies": ""}
    async with serving(proxied.model_copy(update=behind)) as gateway:
        bare = await gateway.get("/3d?x=1")
        assert (bare.status_code, bare.headers["location"]) == (308, "/3d/")
        for at, path in (("/3d", "/3d/"), ("", "/")):
            signed_in = await gateway.client.post(f"{at}/api/session", json={"token": "the access token"})
            assert f"path={path}" in [part.strip().lower() for part in signed_in.headers["set-cookie"].split(";")]
            assert (await gateway.get(f"{at}/api/health")).status_code == 200


@pytest.mark.parametrize(
    "said", ["//evil.example", "/a/../b", "/a b", "/a\x00", "a", "/" + "x" * 65, "/a?b", "/%2e%2e"]
)
def test_what_is_no_path_is_no_prefix(said: str) -> None:
    assert prefix_in(said) == ""


def test_a_path_is_a_prefix_with_or_without_a_slash_at_its_end() -> None:
    assert [prefix_in(one) for one in ("/3d", "/3d/", " /in/3d ", "/", "")] == ["/3d", "/3d", "/in/3d", "", ""]
