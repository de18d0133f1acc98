"""Sockets end with the session they were opened by, in every gateway; who never joins does not stay."""

import asyncio
from http.cookies import SimpleCookie
from typing import Any

import pytest
from immichvr_gateway.auth.presences import Presences
from immichvr_gateway.auth.sessions import Sessions
from immichvr_gateway.auth.visitors import COOKIE, Visitor
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.library import Credential, Identity, LibraryUnavailable, SignInFailed
from immichvr_gateway.settings import ImmichSettings
from pydantic import SecretStr
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks more often, so that nobody waits."""
    monkeypatch.setattr("immichvr_gateway.auth.presences._LOOK_S", 0.2)


async def _signed_in(gateway: Any, **given: str) -> dict[str, str]:
    """The headers of somebody who has just signed in, in a browser of their own."""
    answer = await gateway.client.post("/api/session", json=given)
    assert answer.status_code == 204, answer.text
    gateway.client.cookies.clear()
    return {"cookie": f"{COOKIE}={SimpleCookie(answer.headers['set-cookie'])[COOKIE].value}"}


async def _ended(live: Any) -> dict[str, Any]:
    """Why a socket was ended; it is closed then."""
    why = await live.first("session:ended", lambda news: True, 10)
    async with asyncio.timeout(10):
        await live.client.wait()
    return why


async def test_who_signs_out_hears_nothing_more_and_others_do(shared, workers) -> None:
    out, stays = await _signed_in(shared, api_key="bob-key"), await _signed_in(shared, api_key="bob-key")
    async with shared.listening(out) as leaving, shared.listening(stays) as staying:
        assert (await shared.client.delete("/api/session", headers=out)).status_code == 204
        why = await _ended(leaving)
        assert why["code"] == "unauthorized"
        job = (await shared.client.post(f"/api/photos/{shared.ids['hut.png']}/depth", json={}, headers=stays)).json()
        await staying.job(job["job"]["id"], "succeeded")
        assert [event for event, _ in leaving.heard] == ["session:ended"]


async def test_signing_in_as_another_ends_the_session_before_it_and_its_sockets(shared) -> None:
    first = await _signed_in(shared, api_key="ann-key")
    async with shared.listening(first) as socket:
        answer = await shared.client.post("/api/session", json={"api_key": "bob-key"}, headers=first)
        assert answer.status_code == 204
        await _ended(socket)
    assert (await shared.get("/api/photos", **first)).status_code == 401


async def test_a_session_that_one_gateway_ends_is_over_in_the_other_at_once(serving, settings, shared) -> None:
    keyed = settings.model_copy(
        update={"immich": ImmichSettings(url="http://immich.invalid"), "session_key": SecretStr("one")}
    )
    async with serving(keyed, shared.library) as here, serving(keyed, shared.library) as there:
        headers = await _signed_in(here, api_key="bob-key")
        async with there.listening(headers) as socket:
            await here.client.delete("/api/session", headers=headers)
            await _ended(socket)
        assert (await there.get("/api/photos", **headers)).status_code == 401


async def test_whose_key_the_library_takes_no_more_is_out_with_cookie_key_and_socket(shared) -> None:
    cookie, key = await _signed_in(shared, api_key="bob-key"), {"x-api-key": "bob-key"}
    async with shared.listening(cookie) as by_cookie, shared.listening(key) as by_key:
        shared.library.unknown_now.add("bob")
        for headers in (key, cookie):
            assert (await shared.get("/api/jobs", **headers)).status_code == 401
        assert (await shared.get("/api/config", **cookie)).json()["authenticated"] is False
        # The cookie's own socket goes with it; the other one when somebody next looks.
        assert "does not know this key any more" in (await _ended(by_cookie))["detail"]
        assert (await _ended(by_key))["code"] == "unauthorized"
        shared.library.unknown_now.clear()
        assert (await shared.get("/api/jobs", **cookie)).status_code == 401


class _Library:
    """Knows one person, until it does not or is away."""

    kind = "immich"

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.asked = 0

    async def confirm(self, who: Identity) -> None:
        self.asked += 1
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def present(settings) -> Any:
    """A connection, the library behind it, and a clock."""
    library, now = _Library(), [1000.0]
    closed = settings.model_copy(update={"immich": ImmichSettings(url="http://immich.invalid")})
    presences = Presences(Sessions(closed, library), lambda: now[0])  # type: ignore[arg-type]
    ended: list[Problem] = []
    for _ in range(3):
        presences.enter(Visitor(Identity("ann", "Ann", Credential("api_key", SecretStr("x")))), ended.append)
    return presences, library, now, ended


async def test_connections_of_the_same_person_are_asked_about_together_and_end_together(present) -> None:
    presences, library, _, ended = present
    await presences.look()
    assert (library.asked, ended) == (1, [])
    library.failure = SignInFailed("the key is gone")
    await presences.look()
    assert [problem.status for problem in ended] == [401, 401, 401]
    assert "the key is gone" in ended[0].detail
    await presences.look()
    assert (library.asked, len(ended)) == (2, 3)


async def test_while_the_library_is_away_connections_stay_for_ten_minutes(present) -> None:
    presences, library, now, ended = present
    library.failure = LibraryUnavailable("Immich is starting", "immich")
    now[0] += 599
    await presences.look()
    assert ended == []
    now[0] += 2
    await presences.look()
    assert [problem.status for problem in ended] == [503, 503, 503]


async def test_sockets_that_never_join_or_are_refused_are_closed_after_a_few_seconds(shared, monkeypatch) -> None:
    monkeypatch.setattr("immichvr_gateway.events.sockets._JOIN_S", 1.0)
    monkeypatch.setattr("immichvr_gateway.events.sockets._LAST_WORDS_S", 0.2)
    address = shared.url.replace("http", "ws") + "/api/socket.io/?EIO=4&transport=websocket"
    async with connect(address) as silent, connect(address) as stranger, shared.listening({"x-api-key": "ann-key"}):
        for one in (silent, stranger):
            assert str(await one.recv()).startswith("0")
        await stranger.send("40")
        assert "unauthorized" in str(await asyncio.wait_for(stranger.recv(), 5))
        for one in (silent, stranger):
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(one.recv(), 5)
        assert (await shared.get("/api/health")).status_code == 200
