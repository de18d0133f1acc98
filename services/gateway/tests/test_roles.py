"""Everybody's share of one Immich: its owner's, a partner's, an album member's, an administrator's, a stranger's."""

from __future__ import annotations

import asyncio
import io
import math
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from immichvr_common.sources import Source
from immichvr_gateway.assets.index import AssetEntry, AssetIndex
from immichvr_gateway.library import ImmichLibrary
from immichvr_gateway.routes.assets import map_assets
from immichvr_gateway.settings import GatewaySettings, ImmichSettings
from immichvr_gateway.sources.composites import Composites
from immichvr_gateway.sources.visibility import Visibility
from PIL import Image
from starlette.responses import JSONResponse

_NEEDED = ("user.read", "asset.read", "asset.view", "asset.download")
_MADE = datetime(2026, 1, 1, tzinfo=UTC)


class House:
    """A gateway before an Immich of four people, with minutes that pass when a test says so."""

    def __init__(self, stub: Any) -> None:
        stub.clear()
        self.stub, self.now = stub, 1000.0
        self.owner, self.partner, self.member, self.stranger = (
            stub.add_user(name) for name in ("Olga", "Pia", "Max", "Sam")
        )
        self.partner.partners.append(self.owner)
        picture = io.BytesIO()
        Image.new("RGB", (64, 48), "teal").save(picture, "JPEG")
        self.photo = stub.add_photo(self.owner, picture.getvalue(), "lake.jpg")
        self.photo.shared_with.append(self.member)
        self.keys = {user.name: stub.add_key(user) for user in stub.users}
        self.gateway: Any = None

    def later(self, seconds: float) -> None:
        """Lets time pass, for what the library believes."""
        self.now += seconds

    def key(self, name: str) -> dict[str, str]:
        """What one of them sends with each request."""
        return {"x-api-key": self.keys[name]}

    async def ask(self, name: str, method: str, path: str, **body: object) -> Any:
        """A request of one of them."""
        json = body if method == "POST" else None
        return await self.gateway.client.request(method, path, json=json, headers=self.key(name))


@pytest.fixture
async def house(
    immich_server: Any, serving: Any, settings: GatewaySettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """A gateway, ready, that nobody has asked for anything."""
    monkeypatch.setattr("immichvr_gateway.auth.presences._LOOK_S", 0.2)
    house = House(immich_server)
    library = ImmichLibrary(immich_server.url, clock=lambda: house.now)
    async with serving(
        settings.model_copy(update={"immich": ImmichSettings(url=immich_server.url)}), library
    ) as gateway:
        house.gateway = gateway
        yield house


async def test_a_photo_and_what_is_made_of_it_are_for_those_who_see_it_in_immich(house, workers) -> None:
    photo = f"/api/photos/{house.photo.id}"
    made = await house.ask("Olga", "POST", f"{photo}/depth", model="heuristic")
    job = made.json()["job"]["id"]
    async with house.gateway.listening(house.key("Olga")) as owner:
        if (await house.ask("Olga", "GET", f"/api/jobs/{job}")).json()["state"] != "succeeded":
            await owner.job(job, "succeeded")
    file = (await house.ask("Olga", "GET", f"{photo}/assets")).json()["assets"][0]["files"][0]["url"]
    paths = [photo, f"{photo}/thumbnail", f"{photo}/preview", f"{photo}/original", f"{photo}/assets", file]
    for name, status in (("Olga", 200), ("Pia", 200), ("Max", 200), ("Sam", 404)):
        for path in paths:
            assert (await house.ask(name, "GET", path)).status_code == status, (name, path)
        shown = (await house.ask(name, "GET", "/api/assets/map")).json()["map"]
        assert (list(shown) == [house.photo.id]) == (status == 200), name
        for what, wish in (("depth", {}), ("splat", {}), ("splat/convert", {"format": "splat"}), ("splat/levels", {})):
            answer = await house.ask(name, "POST", f"{photo}/{what}", **wish)
            assert ("there is no photo" in answer.text) == (name == "Sam"), (name, what, answer.text)
            assert answer.status_code in ((404,) if name == "Sam" else (200, 202, 404)), (name, what)


async def test_who_leaves_the_album_is_out_within_a_minute_wherever_they_knock(house, workers, studio) -> None:
    photo = f"/api/photos/{house.photo.id}"
    asked = [(await house.ask(name, "POST", f"{photo}/depth")).json()["job"] for name in ("Max", "Olga")]
    job = f"/api/jobs/{asked[0]['id']}"
    assert asked[0]["id"] == asked[1]["id"]
    assert [one["requesters"] for one in asked] == [[house.member.id], [house.owner.id]]
    async with house.gateway.listening(house.key("Olga")) as owner:
        if (await house.ask("Olga", "GET", job)).json()["state"] != "succeeded":
            await owner.job(asked[0]["id"], "succeeded")
    assert (await house.ask("Max", "GET", job)).status_code == 200
    house.photo.shared_with.clear()
    house.later(60)
    async with (
        house.gateway.listening(house.key("Olga")) as owner,
        house.gateway.listening(house.key("Max")) as member,
    ):
        again = (await house.ask("Olga", "POST", f"{photo}/depth", force=True)).json()["job"]
        assert again["run"] == 2
        await owner.job(again["id"], "succeeded", run=2)
        await owner.first("asset:created", lambda news: news["photo_id"] == house.photo.id)
        own = house.stub.add_photo(house.member, house.photo.original, "own.jpg")
        mine = (await house.ask("Max", "POST", f"/api/photos/{own.id}/depth")).json()["job"]
        await member.job(mine["id"], "succeeded")
        await member.first("asset:created", lambda news: news["photo_id"] == own.id)
        assert house.photo.id not in str(member.heard)
    for method, path in (("GET", job), ("DELETE", job), ("POST", f"{job}/retry"), ("GET", photo)):
        refused = await house.ask("Max", method, path)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found"), (method, path)
        assert house.owner.id not in refused.text
    listed = (await house.ask("Max", "GET", "/api/jobs")).json()["items"]
    assert [one["photo_id"] for one in listed] == [own.id]
    assert (await house.ask("Olga", "GET", job)).json()["requesters"] == [house.owner.id]


async def test_news_of_one_photo_cost_immich_one_request_however_many_they_are(house, workers, studio) -> None:
    async with house.gateway.listening(house.key("Max")) as member:
        slow = house.stub.add_photo(house.owner, house.photo.original, "slow-lake.jpg")
        slow.shared_with.append(house.member)
        job = (await house.ask("Max", "POST", f"/api/photos/{slow.id}/depth")).json()["job"]
        await member.job(job["id"], "running")
        house.later(61)
        house.stub.calls.clear()
        (studio / "release").touch()
        await member.job(job["id"], "succeeded")
        await member.first("asset:created", lambda news: news["photo_id"] == slow.id)
        assert house.stub.calls.count(f"GET /api/assets/{slow.id}") == 1


async def test_the_map_of_2200_photos_costs_five_requests_at_most_for_everybody(immich_server: Any) -> None:
    stub = immich_server
    house, index = House(stub), AssetIndex()
    copies = [stub.add_copy(house.photo) for _ in range(2199)]
    foreign = [stub.add_copy(house.photo, owner=house.stranger) for _ in range(20)]
    for photo in (house.photo, *copies, *foreign):
        index.put(
            AssetEntry(
                source=Source.photo(photo.id),
                kind="splat",
                model_key="sharp",
                recipe="r",
                made_at=_MADE,
                manifest_key=f"splats/{photo.id}_sharp/r/manifest.json",
            )
        )
    library = ImmichLibrary(stub.url, clock=lambda: house.now)
    store: Any = None  # of a photo nothing is read there
    here: Any = SimpleNamespace(library=library, visibility=Visibility(library, Composites(store)))
    for name, count in (("Olga", 2200), ("Pia", 2200), ("Sam", 20)):
        who = await library.sign_in(api_key=house.keys[name])
        stub.calls.clear()
        answers = await asyncio.gather(*(map_assets(here, who, index) for _ in range(3)))
        assert [answer.count for answer in answers] == [count] * 3, name
        assert len(stub.calls) <= 5, (name, stub.calls)
        stub.calls.clear()
        await map_assets(here, who, index)
        assert len(stub.calls) <= 2, (name, stub.calls)
    await library.close()


@pytest.mark.parametrize("what", ["key", "permission", "session", "account"])
async def test_a_session_and_its_socket_end_within_a_minute_of_what_it_stands_on(house, what) -> None:
    if what in ("key", "permission"):
        wish = {"api_key": house.keys["Max"]}
    else:
        wish = {"email": house.member.email, "password": house.member.password}
    signed_in = await house.gateway.client.post("/api/session", json=wish)
    assert signed_in.status_code == 204
    cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in signed_in.cookies.items())}
    house.gateway.client.cookies.clear()
    async with house.gateway.listening(cookie) as socket:
        assert (await house.gateway.client.get("/api/jobs", headers=cookie)).status_code == 200
        match what:
            case "key":
                house.stub.keys.clear()
            case "permission":
                house.stub.keys[house.keys["Max"]].permissions = ("asset.read", "user.read")
            case "session":
                house.stub.tokens.clear()
            case "account":
                house.member.is_deleted = True
        house.later(50)
        why = await socket.first("session:ended", lambda news: True, 15)
        assert why["code"] == "unauthorized"
        if what == "permission":
            assert "asset.view" in why["detail"]
        async with asyncio.timeout(10):
            await socket.client.wait()
    for path in ("/api/jobs", "/api/models", "/api/photos", "/api/assets/map"):
        assert (await house.gateway.client.get(path, headers=cookie)).status_code == 401, path
    assert (await house.gateway.client.get("/api/config", headers=cookie)).json()["authenticated"] is False


async def test_while_immich_is_away_nobody_is_signed_out_and_nothing_is_shown_on_old_word(house) -> None:
    async def away(_: object) -> JSONResponse:
        return JSONResponse({"message": "starting"}, 503)

    job = (await house.ask("Max", "POST", f"/api/photos/{house.photo.id}/depth")).json()["job"]
    async with house.gateway.listening(house.key("Max")) as member:
        house.stub.instead["."] = away
        assert (await house.ask("Max", "GET", f"/api/jobs/{job['id']}")).status_code == 200
        house.later(60)
        for path in ("/api/jobs", f"/api/jobs/{job['id']}", "/api/assets/map", "/api/models"):
            answer = await house.ask("Max", "GET", path)
            assert (answer.status_code, answer.json()["down"]) == (503, ["immich"]), path
        config = (await house.ask("Max", "GET", "/api/config")).json()
        assert config["authenticated"] is True
        house.stub.instead.clear()
        assert (await house.ask("Max", "GET", f"/api/jobs/{job['id']}")).status_code == 200
        assert member.client.connected


@pytest.mark.parametrize(
    ("permissions", "may"),
    [
        (_NEEDED, False),
        ((*_NEEDED, "server.about"), False),
        ((*_NEEDED, "systemConfig.update"), True),
        (("all",), True),
    ],
)
async def test_what_an_administrators_key_may_decides_about_models(house, permissions, may) -> None:
    house.owner.is_admin = True
    house.keys["Olga"] = house.stub.add_key(house.owner, permissions)
    assert (await house.ask("Olga", "GET", "/api/models")).json()["may_manage"] is may
    for method, path in (("POST", "/download"), ("POST", "/load"), ("POST", "/unload"), ("DELETE", "")):
        answer = await house.ask("Olga", method, f"/api/models/da2-base{path}")
        assert (answer.json().get("code") == "not_permitted") != may, (method, path, answer.text)
        assert may or "systemConfig.update" in answer.text
    yes = await house.ask("Olga", "POST", "/api/models/da2-base/accept", licence="CC-BY-NC-4.0")
    assert (yes.status_code == 403) != may
    other = await house.ask("Max", "POST", "/api/models/da2-base/accept", licence="CC-BY-NC-4.0")
    assert (other.status_code, other.json()["code"]) == (403, "not_permitted")


async def test_immich_hears_whose_address_and_device_signs_in(house) -> None:
    agent = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"
    house.stub.calls.clear()
    house.stub.headers.clear()
    wish = {"email": house.member.email, "password": house.member.password}
    await house.gateway.client.post(
        "/api/session", json=wish, headers={"user-agent": agent, "x-forwarded-for": "203.0.113.1"}
    )
    heard = zip(house.stub.calls, house.stub.headers, strict=True)
    [told] = [headers for call, headers in heard if call == "POST /api/auth/login"]
    assert told["x-forwarded-for"] == "127.0.0.1"
    assert (told["devicemodel"], told["devicetype"]) == ("ImmichVR", "Android")


async def test_of_forty_wrong_passwords_immich_hears_a_few(house) -> None:
    house.stub.calls.clear()
    wish = {"email": house.member.email, "password": "guess"}
    began = time.monotonic()
    answers = [await house.gateway.client.post("/api/session", json=wish) for _ in range(40)]
    # Where they take seconds some are waited for, each time twice as long.
    assert house.stub.calls.count("POST /api/auth/login") <= 6 + math.log2(1 + time.monotonic() - began)
    assert answers[-1].status_code == 429 and int(answers[-1].headers["retry-after"]) >= 1


async def test_forty_requests_at_once_with_a_key_that_is_new_here_are_one_question_and_all_let_in(house) -> None:
    house.stub.calls.clear()
    answers = await asyncio.gather(*(house.ask("Olga", "GET", "/api/me/settings") for _ in range(40)))
    assert {answer.status_code for answer in answers} == {200}
    assert house.stub.calls.count("GET /api/users/me") == 1
