"""Where somebody has signed in, signing in with OAuth, with a token, and on a device that shows six digits."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from immichvr_common.errors import Unavailable
from immichvr_gateway.auth.pairing import Pairing
from immichvr_gateway.auth.seal import Seal
from immichvr_gateway.auth.sealed import SealedSessions
from immichvr_gateway.auth.sessions import Sessions
from immichvr_gateway.auth.slips import WAITS_S, Slips
from immichvr_gateway.auth.visitors import COOKIE
from immichvr_gateway.library import ImmichLibrary, LibraryUnavailable
from immichvr_gateway.settings import GatewaySettings, ImmichSettings
from pydantic import SecretStr

_QUEST = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; Quest 3) OculusBrowser/33.0 Chrome/126 VR Safari/537.36"}
_PHONE = {"user-agent": "Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/140.0 Mobile Safari/537.36"}


@pytest.fixture
async def house(immich_server: Any, serving: Any, settings: GatewaySettings) -> AsyncIterator[SimpleNamespace]:
    """Two people before two gateways of one house; minutes pass when a test says so."""
    immich_server.clear()
    house = SimpleNamespace(stub=immich_server, now=1000.0, gateways=[])
    house.ada, house.ben = immich_server.add_user("Ada"), immich_server.add_user("Ben")
    changes = {"immich": ImmichSettings(url=immich_server.url), "session_key": SecretStr("one for both")}
    settings = settings.model_copy(update={**changes, "access_token": SecretStr("open-sesame-sesame")})

    def library() -> ImmichLibrary:
        return ImmichLibrary(immich_server.url, clock=lambda: house.now)

    async with serving(settings, library()) as first, serving(settings, library()) as second:
        house.gateways = [first, second]
        yield house


class Browser:
    """A browser of somebody's, which keeps its cookies."""

    def __init__(self, gateway: Any, headers: dict[str, str]) -> None:
        self.client = httpx.AsyncClient(base_url=gateway.url, headers=headers, timeout=20)
        self.gateway = gateway

    async def sign_in(self, user: Any) -> Browser:
        """With e-mail address and password."""
        answer = await self.client.post("/api/session", json={"email": user.email, "password": user.password})
        assert answer.status_code == 204, answer.text
        return self

    async def is_in(self) -> bool:
        """Whether it may look at photos."""
        return (await self.client.get("/api/photos")).status_code == 200

    async def sign_ins(self) -> list[dict[str, Any]]:
        """What it is shown of where it has signed in."""
        items: list[dict[str, Any]] = (await self.client.get("/api/sessions")).json()["items"]
        return items


@pytest.fixture
async def browser(house: SimpleNamespace) -> AsyncIterator[Any]:
    """Opens browsers, at the first gateway or another."""
    opened: list[Browser] = []

    def open_one(headers: dict[str, str] | None = None, at: int = 0) -> Browser:
        opened.append(Browser(house.gateways[at], headers or {}))
        return opened[-1]

    yield open_one
    for one in opened:
        await one.client.aclose()


async def test_one_sees_where_one_has_signed_in_and_ends_any_of_it_in_every_gateway(house, browser) -> None:
    phone = await browser(_PHONE).sign_in(house.ada)
    headset = await browser(_QUEST, at=1).sign_in(house.ada)
    other = await browser().sign_in(house.ben)
    found = await phone.sign_ins()
    assert [(one["device"], one["way"], one["current"]) for one in found] == [
        ("Quest", "password", False), ("Android", "password", True),
    ]  # fmt: skip
    assert all(one["begun_at"] and one["seen_at"] for one in found)
    [bens] = await other.sign_ins()
    for path in (bens["id"], "0" * 32, ""):
        answer = await phone.client.delete(f"/api/sessions/{path or 'x'}")
        assert answer.status_code == 404
    assert await other.is_in()
    async with headset.gateway.listening({"cookie": f"{COOKIE}={headset.client.cookies[COOKIE]}"}) as live:
        assert (await phone.client.delete(f"/api/sessions/{found[0]['id']}")).status_code == 204
        await live.first("session:ended", lambda news: True, 10)
    assert not await headset.is_in()
    assert await phone.is_in()
    assert len(house.stub.tokens) == 2  # of Ada's phone, and of Ben


async def test_signing_out_everywhere_ends_everything_of_ones_own(house, browser) -> None:
    phone, headset = await browser(_PHONE).sign_in(house.ada), await browser(_QUEST, at=1).sign_in(house.ada)
    other = await browser().sign_in(house.ben)
    assert (await headset.client.delete("/api/sessions")).status_code == 204
    assert [await one.is_in() for one in (phone, headset, other)] == [False, False, True]
    assert list(house.stub.tokens.values()) == [house.ben]


async def test_a_cookie_that_was_there_before_signing_in_is_nobodys_afterwards(house, browser) -> None:
    victim = browser()
    fixed = "A" * 43
    victim.client.cookies.set(COOKIE, fixed)
    await victim.sign_in(house.ada)
    assert victim.client.cookies.get(COOKIE, domain="127.0.0.1") != fixed
    attacker = browser()
    attacker.client.cookies.set(COOKIE, fixed)
    assert not await attacker.is_in()


async def test_a_bearer_token_is_a_session_of_immich_or_a_key_or_the_gateways_own_and_nothing_else(
    house, browser
) -> None:
    await browser().sign_in(house.ada)
    [token] = house.stub.tokens
    key = house.stub.add_key(house.ben)
    script = browser()
    for bearer, name in ((token, house.ada), (key, house.ben)):
        answer = await script.client.get("/api/jobs", headers={"authorization": f"Bearer {bearer}"})
        assert answer.status_code == 200, name.name
    house.stub.calls.clear()
    wrong = [
        (await script.client.get("/api/jobs", headers={"authorization": "Bearer nothing"})).status_code
        for _ in range(5)
    ]
    assert wrong == [401] * 5
    assert len(house.stub.calls) <= 2
    async with house.gateways[0].listening({"authorization": f"Bearer {key}"}) as live:
        assert live.client.connected
    house.stub.tokens.clear()
    house.now += 51
    answer = await script.client.get("/api/jobs", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401


async def _there_and_back(house: Any, at: Browser, user: Any, code: str = "one-code") -> httpx.URL:
    """What the browser is led back with, once somebody has signed in there."""
    begun = await at.client.post("/api/oauth/authorize")
    assert begun.status_code == 200, begun.text
    there = urlsplit(begun.json()["url"])
    asked = dict(parse_qsl(there.query))
    assert there.netloc == "login.example"
    assert asked["redirect_uri"] == f"{at.gateway.url}/api/oauth/callback"
    house.stub.oauth_people[code] = user
    return httpx.URL(asked["redirect_uri"], params={"code": code, "state": asked["state"]})


async def test_with_oauth_one_is_led_to_immichs_and_back_and_is_in(house, browser) -> None:
    visitor = browser(_PHONE)
    assert (await visitor.client.get("/api/config")).json()["sign_in"] == {"password": True, "oauth": None}
    assert (await visitor.client.post("/api/oauth/authorize")).status_code == 401
    house.stub.oauth_button = "Login with Keycloak"
    other = browser(_PHONE, at=1)
    assert (await other.client.get("/api/config")).json()["sign_in"]["oauth"] == "Login with Keycloak"
    back = await _there_and_back(house, visitor, house.ada)
    landed = await visitor.client.get(back.copy_merge_params({"next": "https://evil.example", "url": "//evil.example"}))
    assert (landed.status_code, landed.headers["location"]) == (303, "/")
    assert await visitor.is_in()
    assert [(one["way"], one["device"]) for one in await visitor.sign_ins()] == [("OAuth", "Android")]
    [cookie] = [one for one in landed.headers.get_list("set-cookie") if one.startswith(COOKIE)]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie


async def test_what_another_browser_was_led_back_with_signs_nobody_in(house, browser) -> None:
    house.stub.oauth_button = "Login"
    attacker, victim = browser(), browser()
    back = await _there_and_back(house, attacker, house.ben)
    # The attacker has the victim follow the address that would sign them in as the attacker.
    assert (await victim.client.get(back)).status_code == 401
    begun = await _there_and_back(house, victim, house.ada, "another")
    assert (await victim.client.get(back)).status_code == 401
    assert not await victim.is_in()
    assert "POST /api/oauth/callback" not in house.stub.calls
    assert (await attacker.client.get(back)).status_code == 303
    replayed = await attacker.client.get(back)
    assert replayed.status_code == 401 and "<script" not in replayed.text
    bad = await victim.client.get(begun.copy_set_param("state", "<script>"))
    assert bad.status_code == 401 and "<script>" not in bad.text


async def _pair(headset: Browser) -> dict[str, Any]:
    asked = await headset.client.post("/api/pairing")
    assert asked.status_code == 201, asked.text
    found: dict[str, Any] = asked.json()
    return found


async def _state(headset: Browser, asked: dict[str, Any]) -> str:
    answer = await headset.client.post("/api/pairing/session", json={"id": asked["id"]})
    return str(answer.json()["state"])


async def test_a_headset_shows_six_digits_and_a_phone_lets_it_in_at_another_gateway(house, browser) -> None:
    headset, phone = browser(_QUEST), await browser(_PHONE, at=1).sign_in(house.ada)
    asked = await _pair(headset)
    assert len(asked["code"]) == 6 and asked["expires_in_s"] == 300
    assert await _state(headset, asked) == "waiting"
    looked = (await phone.client.post("/api/pairing/look", json={"code": asked["code"]})).json()
    assert (looked["device"], looked["address"]) == ("Quest", "127.0.0.1")
    answer = {"code": asked["code"], "id": looked["id"]}
    assert (await phone.client.post("/api/pairing/confirm", json=answer)).status_code == 204
    assert await _state(headset, asked) == "signed_in"
    assert await headset.is_in()
    found = await phone.sign_ins()
    assert [(one["device"], one["way"]) for one in found] == [("Quest", "pairing code"), ("Android", "password")]
    # In Immich it is a session below the phone's, and so it is here: it ends with that.
    [token] = [child for child, parent in house.stub.parents.items() if parent]
    assert house.stub.tokens[token] is house.ada
    assert (await phone.client.delete("/api/session")).status_code == 204
    assert not await headset.is_in()
    assert house.stub.tokens == {}


async def test_whoever_has_an_account_makes_no_address_that_signs_others_in_as_them(house, browser) -> None:
    attacker = await browser().sign_in(house.ben)
    assert (await attacker.client.post("/api/pairing/invitation")).status_code == 403
    # What a device asked for by digits is that device's alone, whatever its cookie's value is told to whom.
    begun = await attacker.client.post("/api/pairing")
    asked, secret = begun.json(), begun.cookies["immichvr_pairing"]
    answer = {"code": asked["code"], "id": asked["id"]}
    assert (await attacker.client.post("/api/pairing/confirm", json=answer)).status_code == 204
    victim = browser()
    for claim in ({"id": asked["id"], "secret": secret}, {"id": asked["id"], "secret": secret.partition(".")[2]}):
        assert (await victim.client.post("/api/pairing/session", json=claim)).json()["state"] == "expired"
        assert (await victim.client.post("/api/pairing/invitation/look", json=claim)).status_code == 404
    assert not await victim.is_in()
    assert await _state(attacker, asked) == "signed_in"


async def test_a_code_serves_once_and_only_the_device_that_shows_it(house, browser) -> None:
    headset, phone, thief = browser(_QUEST), await browser(_PHONE).sign_in(house.ada), browser()
    asked = await _pair(headset)
    answer = {"code": asked["code"], "id": asked["id"]}
    assert (await phone.client.post("/api/pairing/confirm", json={**answer, "id": "another"})).status_code == 409
    assert (await phone.client.post("/api/pairing/confirm", json=answer)).status_code == 204
    assert (await phone.client.post("/api/pairing/confirm", json=answer)).status_code == 409
    # Who knows code and id, and even a cookie of their own, is not the device.
    own = await _pair(thief)
    assert await _state(thief, asked) == "expired"
    forged = {"cookie": f"immichvr_pairing={asked['code']}.{'A' * 43}"}
    guess = await browser().client.post("/api/pairing/session", json={"id": asked["id"]}, headers=forged)
    assert guess.json()["state"] == "expired"
    # A cookie that somebody laid in the headset's browser is not what its page asks with.
    victim = browser(_QUEST)
    mine = await _pair(victim)
    victim.client.cookies.clear()
    victim.client.cookies.set("immichvr_pairing", str(headset.client.cookies["immichvr_pairing"]))
    assert await _state(victim, mine) == "expired"
    assert await _state(headset, asked) == "signed_in"
    assert await _state(headset, asked) == "expired"
    assert (await phone.client.post("/api/pairing/look", json={"code": asked["code"]})).status_code == 404
    assert (
        await phone.client.post("/api/pairing/refuse", json={"code": own["code"], "id": own["id"]})
    ).status_code == 204
    assert not await thief.is_in()


async def test_of_a_code_that_was_confirmed_and_never_claimed_no_session_stays_in_immich(
    house, browser, empty_bus
) -> None:
    headset, phone = browser(_QUEST), await browser(_PHONE).sign_in(house.ada)
    asked = await _pair(headset)
    answer = {"code": asked["code"], "id": asked["id"]}
    assert (await phone.client.post("/api/pairing/confirm", json=answer)).status_code == 204

    def below_the_phones() -> list[str]:
        return [token for token in house.stub.tokens if house.stub.parents.get(token)]

    async def tidied(url: str, later_s: float) -> None:
        slips, library = Slips("pairing", Seal("one for both"), lambda: time.time() + later_s), ImmichLibrary(url)
        slips.use(empty_bus)
        Pairing(Sessions(GatewaySettings(), library), library, slips)
        await slips.remove_expired()
        await library.close()

    await tidied(house.stub.url, WAITS_S)  # it may be claimed still
    await tidied("http://127.0.0.1:9", 3 * WAITS_S)  # Immich is away: it is tried again
    assert len(below_the_phones()) == 1
    await tidied(house.stub.url, 3 * WAITS_S)
    assert not below_the_phones()
    assert await phone.is_in()
    assert await _state(headset, asked) == "expired"


async def _confirmed(house: Any, browser: Any) -> tuple[Browser, dict[str, Any]]:
    """A headset whose code was confirmed, and what it was given."""
    headset, phone = browser(_QUEST), await browser(_PHONE).sign_in(house.ada)
    asked = await _pair(headset)
    answer = {"code": asked["code"], "id": asked["id"]}
    assert (await phone.client.post("/api/pairing/confirm", json=answer)).status_code == 204
    return headset, asked


async def test_a_code_that_is_tidied_away_is_nobodys_to_claim_and_one_that_was_claimed_is_not_undone(
    house, browser, empty_bus
) -> None:
    headset, asked = await _confirmed(house, browser)
    undone: list[str] = []
    # A gateway whose clock is ahead.
    slips = Slips("pairing", Seal("one for both"), lambda: time.time() + 3 * WAITS_S)
    slips.use(empty_bus)

    async def is_away(facts: dict[str, Any]) -> None:
        undone.append(facts["credential"])
        assert await _state(headset, asked) == "expired"
        raise LibraryUnavailable("Immich is away", down="immich")

    slips.on_expired = is_away
    await slips.remove_expired()
    assert await _state(headset, asked) == "expired"

    async def undo(facts: dict[str, Any]) -> None:
        undone.append(facts["credential"])

    slips.on_expired = undo
    await slips.remove_expired()
    await slips.remove_expired()
    assert len(undone) == 2 and undone[0] == undone[1]

    headset, asked = await _confirmed(house, browser)
    read = empty_bus.last

    async def and_then_it_is_claimed(stream: str, subject: str) -> Any:
        found = await read(stream, subject)
        assert await _state(headset, asked) == "signed_in"
        return found

    empty_bus.last = and_then_it_is_claimed
    try:
        await slips.remove_expired()
    finally:
        del empty_bus.last
    assert len(undone) == 2 and await headset.is_in()


async def test_where_nats_goes_away_before_a_session_is_stored_none_stays_in_immich(
    house, browser, monkeypatch
) -> None:
    async def is_away(*_: object) -> None:
        raise Unavailable("NATS is away", down="nats")

    house.stub.oauth_button = "Login"
    visitor = browser()
    back = await _there_and_back(house, visitor, house.ben)
    headset, asked = await _confirmed(house, browser)
    before = len(house.stub.tokens)
    with monkeypatch.context() as patched:
        patched.setattr(SealedSessions, "put", is_away)
        landed = await visitor.client.get(back)
        assert landed.status_code == 503 and "NATS is away" in landed.text and "Back</a>" in landed.text
        claimed = await headset.client.post("/api/pairing/session", json={"id": asked["id"]})
        given = {"email": house.ada.email, "password": house.ada.password}
        assert (await browser().client.post("/api/session", json=given)).status_code == 503
    assert claimed.status_code == 503
    assert len(house.stub.tokens) == before - 1  # the headset's
    assert house.ben not in house.stub.tokens.values()


async def test_codes_expire_are_few_and_are_not_found_by_trying(house, browser, monkeypatch) -> None:
    headset, phone = browser(_QUEST), await browser(_PHONE).sign_in(house.ada)
    asked = [await _pair(headset) for _ in range(5)]
    sixth = await headset.client.post("/api/pairing")
    assert sixth.status_code == 429 and int(sixth.headers["retry-after"]) > 200
    shown = {one["code"] for one in asked}
    guesses = [f"{number:06d}" for number in range(40) if f"{number:06d}" not in shown]
    statuses = []
    for guess in guesses:
        statuses.append((await phone.client.post("/api/pairing/look", json={"code": guess})).status_code)
        # A code of one's own wipes out no guess at those of others.
        await phone.client.post("/api/pairing/look", json={"code": asked[0]["code"]})
    assert statuses.count(404) <= 8 and statuses[-1] == 429
    nobody = browser()
    for what in ("look", "confirm", "refuse"):
        body = {"code": asked[0]["code"], **({} if what == "look" else {"id": asked[0]["id"]})}
        assert (await nobody.client.post(f"/api/pairing/{what}", json=body)).status_code == 401
    other = await browser(at=1).sign_in(house.ben)
    assert (await other.client.post("/api/pairing/look", json={"code": asked[1]["code"]})).status_code == 200
    monkeypatch.setattr("immichvr_gateway.auth.slips.WAITS_S", -1)
    assert (await other.client.post("/api/pairing/look", json={"code": asked[1]["code"]})).status_code == 404
    assert await _state(headset, asked[-1]) == "expired"


async def test_pages_elsewhere_change_nothing_in_somebodys_name(house, browser) -> None:
    phone = await browser(_PHONE).sign_in(house.ada)
    asked = await _pair(browser(_QUEST))
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        for method, path, body in [
            ("POST", "/api/pairing/confirm", {"code": asked["code"], "id": asked["id"]}),
            ("POST", "/api/pairing", None), ("POST", "/api/oauth/authorize", None), ("DELETE", "/api/sessions", None),
            ("DELETE", "/api/session", None), ("POST", "/api/me/standing-key", {}), ("POST", "/api/session", {}),
            ("POST", "/share/x/api/share", {"password": "x"}),
        ]:  # fmt: skip
            refused = await phone.client.request(method, path, json=body, headers={"origin": origin})
            assert (refused.status_code, refused.json()["code"]) == (403, "refused"), (origin, path)
    assert await phone.is_in()
