"""A link that somebody shared in Immich: the world below it shows what the link shows, and does nothing else."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import socketio
from immichvr_gateway.auth.visitors import COOKIE, LINK_COOKIE
from immichvr_gateway.library import ImmichLibrary
from immichvr_gateway.settings import GatewaySettings, ImmichSettings
from PIL import Image
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

_PAGE = "<!doctype html><html><head><title>ImmichVR</title></head><body></body></html>"


@pytest.fixture
async def world(
    immich_server: Any, serving: Any, settings: GatewaySettings, tmp_path: Path
) -> AsyncIterator[SimpleNamespace]:
    """Olga's two photos, one of which she shares by links, before a gateway; minutes pass when a test says so."""
    immich_server.clear()
    owner = immich_server.add_user("Olga")
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(picture, "JPEG")
    shared, hidden = (immich_server.add_photo(owner, picture.getvalue(), name) for name in ("lake.jpg", "secret.jpg"))
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_text(_PAGE)
    world = SimpleNamespace(stub=immich_server, owner=owner, shared=shared, hidden=hidden, now=1000.0)
    world.link = immich_server.add_link(owner, [shared], description='Lake "Como" <3')
    world.closed = immich_server.add_link(owner, [shared], slug="closed", password="tulip")
    world.key = {"x-api-key": immich_server.add_key(owner)}
    library = ImmichLibrary(immich_server.url, clock=lambda: world.now)
    immich = ImmichSettings(url=immich_server.url)
    async with serving(settings.model_copy(update={"immich": immich, "web": tmp_path / "web"}), library) as gateway:
        world.client, world.gateway = gateway.client, gateway
        yield world


async def test_a_visitor_sees_what_the_link_shows_and_nothing_else(world, workers) -> None:
    made = await world.client.post(f"/api/photos/{world.shared.id}/depth", json={}, headers=world.key)
    async with world.gateway.listening(world.key) as live:
        job = made.json()["job"]["id"]
        if (await world.client.get(f"/api/jobs/{job}", headers=world.key)).json()["state"] != "succeeded":
            await live.job(job, "succeeded")
    home = f"/share/{world.link.key}"
    listed = (await world.client.get(f"{home}/api/photos")).json()["items"]
    assert [(one["id"], one["name"], one["job"]) for one in listed] == [(world.shared.id, "lake.jpg", None)]
    photo = f"{home}/api/photos/{world.shared.id}"
    [depth] = (await world.client.get(f"{photo}/assets")).json()["assets"]
    for path in (photo, f"{photo}/thumbnail", f"{photo}/preview", f"{photo}/original", home + depth["files"][0]["url"]):
        assert (await world.client.get(path)).status_code == 200, path
    for what in ("", "/thumbnail", "/preview", "/original", "/assets", f"/assets/{depth['key']}/x"):
        assert (await world.client.get(f"{home}/api/photos/{world.hidden.id}{what}")).status_code == 404, what
    config = (await world.client.get(f"{home}/api/config")).json()
    assert (config["authenticated"], config["models"]) == (True, [])


async def test_a_visitor_changes_nothing_and_hears_nothing_even_with_an_owners_key_and_session_beside_the_link(
    world,
) -> None:
    signed_in = await world.client.post(
        "/api/session", json={"email": world.owner.email, "password": world.owner.password}
    )
    both = {**world.key, "cookie": f"{COOKIE}={SimpleCookie(signed_in.headers['set-cookie'])[COOKIE].value}"}
    photo, home = f"/api/photos/{world.shared.id}", f"/share/{world.link.key}"
    for headers, root in ((both, home), ({**both, "x-immich-share-key": world.link.key}, "")):
        for method, path in [
            ("POST", f"{photo}/splat"), ("POST", f"{photo}/depth"), ("POST", f"{photo}/splat/convert"),
            ("POST", "/api/jobs"), ("GET", "/api/jobs"), ("GET", "/api/assets/map"), ("GET", "/api/models"),
            ("DELETE", f"{photo}/assets/x"), ("POST", "/api/models/da2-base/download"), ("GET", "/api/storage"),
            ("POST", "/api/me/standing-key"), ("GET", "/api/me/standing-key"),
        ]:  # fmt: skip
            json = {} if method == "POST" else None
            refused = await world.client.request(method, root + path, json=json, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (403, "read_only"), (root, path)
        assert (await world.client.get(f"{root}/api/photos/{world.hidden.id}", headers=headers)).status_code == 404
    with pytest.raises(socketio.exceptions.ConnectionError):
        await socketio.AsyncClient(reconnection=False).connect(
            world.gateway.url, headers={"x-immich-share-key": world.link.key}, transports=["websocket"],
            socketio_path="/api/socket.io", retry=False,
        )  # fmt: skip
    with pytest.raises(InvalidStatus):
        async with connect(f"{world.gateway.url.replace('http', 'ws')}{home}/api/stream"):
            pass


async def test_every_answer_below_a_link_says_how_often_its_visitor_may_still_ask(world) -> None:
    answer = await world.client.get(f"/share/{world.link.key}/api/photos")
    assert answer.headers["ratelimit-policy"] == '"requests";q=12000;w=60'
    assert answer.headers["ratelimit"].startswith('"requests";r=11999;')


async def test_a_link_that_is_taken_back_is_gone_within_a_minute_and_its_page_says_so(world) -> None:
    home = f"/share/{world.link.key}"
    assert (await world.client.get(f"{home}/api/photos/{world.shared.id}/thumbnail")).status_code == 200
    world.stub.links.clear()
    world.now += 51
    for path in ("/api/photos", f"/api/photos/{world.shared.id}/thumbnail", "/api/share", "/api/share/poster"):
        refused = await world.client.get(home + path)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized"), path
    page = await world.client.get(f"{home}/")
    assert page.status_code == 404 and "og:image" not in page.text


async def test_a_password_opens_a_link_in_this_browser_below_this_link_alone(world) -> None:
    home = "/share/closed"
    for path in ("/api/share", "/api/photos", f"/api/photos/{world.shared.id}/thumbnail", "/api/share/poster"):
        refused = await world.client.get(home + path)
        assert (refused.status_code, refused.json()["code"]) == (401, "password_required"), path
    assert (await world.client.post(f"{home}/api/share", json={"password": "rose"})).status_code == 401
    opened = await world.client.post(f"{home}/api/share", json={"password": "tulip"})
    cookie = SimpleCookie(opened.headers["set-cookie"])[LINK_COOKIE]
    assert (opened.status_code, cookie["path"], cookie["httponly"]) == (204, f"{home}/", True)
    assert (await world.client.get(f"{home}/api/photos/{world.shared.id}/thumbnail")).status_code == 200
    world.client.cookies.clear()
    shown = {"cookie": f"{LINK_COOKIE}={cookie.value}"}
    assert (await world.client.get(f"{home}/api/photos", headers=shown)).status_code == 200
    other = world.stub.add_link(world.owner, [world.hidden], slug="other", password="rose")
    # Neither is it a key to other links, nor a person's session, nor is a person's session one of it.
    assert (await world.client.get(f"/share/{other.slug}/api/photos", headers=shown)).status_code == 401
    assert (await world.client.get("/api/photos", headers=shown)).status_code == 401
    as_session = {"cookie": f"{COOKIE}={cookie.value}"}
    assert (await world.client.get("/api/photos", headers=as_session)).status_code == 401


async def test_names_of_links_are_not_to_be_found_by_trying(world) -> None:
    answers = [await world.client.get(f"/share/guess-{number}/api/photos") for number in range(30)]
    assert answers[-1].status_code == 429
    assert sum(call == "GET /api/shared-links/me" for call in world.stub.calls) <= 12
    # Which anybody's page can have a browser do, and which keeps nobody from signing in.
    stranger = await world.client.get("/api/photos", headers={"x-api-key": "no key of anybody's"})
    assert stranger.status_code == 401
    passwords = [
        await world.client.post("/share/closed/api/share", json={"password": str(number)}) for number in range(10)
    ]
    assert passwords[-1].status_code == 429


async def test_the_page_of_a_link_shows_its_picture_in_chats_and_may_be_embedded_and_no_other_page_may(world) -> None:
    bare = await world.client.get(f"/share/{world.link.key}")
    assert (bare.status_code, bare.headers["location"]) == (308, f"/share/{world.link.key}/")
    page = await world.client.get(f"/share/{world.link.key}/")
    assert page.status_code == 200
    assert "Lake &quot;Como&quot; &lt;3" in page.text and "<3" not in page.text
    picture = f'content="{world.gateway.url}/share/{world.link.key}/api/share/poster"'
    assert f'<meta property="og:image" {picture} />' in page.text
    assert "frame-ancestors *" in page.headers["content-security-policy"]
    poster = await world.client.get(f"/share/{world.link.key}/api/share/poster")
    assert poster.headers["content-type"] == "image/jpeg"
    Image.open(io.BytesIO(poster.content)).verify()
    assert "frame-ancestors 'self'" in (await world.client.get("/")).headers["content-security-policy"]
    closed = await world.client.get("/share/closed/")
    assert closed.status_code == 200 and "og:image" not in closed.text and "frame-ancestors *" in str(closed.headers)
    for path in ("live.html", "api", "../api/photos", "%2e%2e/api/photos"):
        answer = await world.client.get(f"/share/{world.link.key}/{path}")
        assert answer.status_code in (401, 404), path
