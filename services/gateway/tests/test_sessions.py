"""Signing in: a key, a password or a token becomes a cookie; sessions outlive the gateway."""

import base64
import hashlib
import json
import time
from http.cookies import SimpleCookie

import pytest
from cryptography.fernet import Fernet
from immichvr_common.errors import Unavailable
from immichvr_gateway.auth.sealed import LIFETIME_S, SealedSessions
from immichvr_gateway.auth.sessions import Sessions, name_of
from immichvr_gateway.auth.visitors import COOKIE, shown_by
from immichvr_gateway.library import Identity, LibraryUnavailable, SignInFailed
from pydantic import SecretStr
from structlog.testing import capture_logs


@pytest.fixture
def closed(settings):
    """Settings of a folder that more than this machine can reach."""
    return settings.model_copy(
        update={"host": "192.0.2.1", "access_token": SecretStr("open-sesame"), "session_key": SecretStr("sealing")}
    )  # fmt: skip


def shows(cookie: str = "", **headers: str):
    """What a request with these headers shows."""
    named = {"cookie": f"{COOKIE}={cookie}" if cookie else "", **headers}
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items() if value]
    return shown_by({"type": "http", "client": ("192.0.2.7", 1), "headers": raw})


def cookie_of(answer) -> SimpleCookie:
    return SimpleCookie(answer.headers["set-cookie"])


async def test_without_a_session_everything_about_photos_is_unauthorized(serving, closed) -> None:
    async with serving(closed) as gateway:
        for method, path in [
            ("GET", "/api/photos"),
            ("GET", "/api/photos/x"),
            ("GET", "/api/photos/x/thumbnail"),
            ("GET", "/api/photos/x/original"),
            ("POST", "/api/photos/x/splat"),
            ("GET", "/api/photos/x/assets"),
            ("GET", "/api/photos/x/assets/k/f"),
            ("GET", "/api/assets/map"),
            ("GET", "/api/jobs"),
            ("GET", "/api/jobs/x"),
            ("DELETE", "/api/jobs/x"),
            ("POST", "/api/jobs/x/retry"),
            ("GET", "/api/models"),
            ("GET", "/api/models/da2-small"),
            ("POST", "/api/models/da2-small/accept"),
            ("POST", "/api/models/da2-small/download"),
            ("DELETE", "/api/models/da2-small"),
            ("POST", "/api/photos/x/splat/levels"),
            ("POST", "/api/photos/x/motion"),
        ]:
            answer = await gateway.client.request(method, path, json={} if method == "POST" else None)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), path
        forged = await gateway.get("/api/photos", cookie=f"{COOKIE}={'A' * 43}")
        assert forged.status_code == 401


async def test_the_access_token_becomes_a_cookie_that_scripts_cannot_read(serving, closed) -> None:
    async with serving(closed) as gateway:
        wrong = await gateway.client.post("/api/session", json={"token": "open-sesam"})
        assert (wrong.status_code, wrong.json()["code"]) == (401, "unauthorized")
        answer = await gateway.client.post("/api/session", json={"token": "open-sesame"})
        assert (answer.status_code, answer.content) == (204, b"")
        cookie = cookie_of(answer)[COOKIE]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "strict", "/", "")
        assert int(cookie["max-age"]) > 86400
        assert (await gateway.get("/api/photos")).status_code == 200
        assert (await gateway.get("/api/config")).json()["authenticated"] is True
        assert (await gateway.client.delete("/api/session")).status_code == 204
        gateway.client.cookies.set(COOKIE, cookie.value)
        assert (await gateway.get("/api/photos")).status_code == 401


async def test_behind_a_proxy_with_tls_the_cookie_travels_over_tls_alone(serving, closed) -> None:
    async with serving(closed.model_copy(update={"public_url": "https://photos.example"})) as gateway:
        answer = await gateway.client.post(
            "/api/session", json={"token": "open-sesame"}, headers={"origin": "https://photos.example"}
        )
        assert cookie_of(answer)[COOKIE]["secure"] is True


async def test_scripts_send_the_token_with_each_request(serving, closed) -> None:
    async with serving(closed) as gateway:
        assert (await gateway.get("/api/photos", authorization="Bearer open-sesame")).status_code == 200
        for header in ("Bearer wrong", "Bearer", "Basic open-sesame", "open-sesame"):
            assert (await gateway.get("/api/photos", authorization=header)).status_code == 401


async def test_without_an_access_token_no_token_opens_a_folder(serving, closed) -> None:
    async with serving(closed.model_copy(update={"access_token": SecretStr("")})) as gateway:
        for header in ("Bearer", "Bearer None", 'Bearer ""'):
            assert (await gateway.get("/api/photos", authorization=header)).status_code == 401
        assert (await gateway.client.post("/api/session", json={"token": ""})).status_code == 401


async def test_a_key_of_the_library_serves_as_header_and_for_signing_in(shared) -> None:
    assert (await shared.get("/api/photos", **{"x-api-key": "ann-key"})).status_code == 200
    assert (await shared.get("/api/photos", **{"x-api-key": "eve-key"})).status_code == 401
    wrong = await shared.client.post("/api/session", json={"email": "ann@example.org", "password": "wrong"})
    assert wrong.status_code == 401
    right = await shared.client.post("/api/session", json={"email": "bob@example.org", "password": "right"})
    assert right.status_code == 204
    assert [photo["name"] for photo in (await shared.get("/api/photos")).json()["items"]] == [
        "hut.png", "slow-river.jpg",
    ]  # fmt: skip


async def test_signing_out_ends_the_session_in_the_library_too(shared) -> None:
    await shared.client.post("/api/session", json={"email": "bob@example.org", "password": "right"})
    await shared.client.delete("/api/session")
    assert shared.library.signed_out == ["bob"]
    assert (await shared.client.delete("/api/session")).status_code == 204
    assert shared.library.signed_out == ["bob"]


async def test_sealed_sessions_open_with_their_key_only(empty_bus, shared, settings) -> None:
    library = shared.library
    immich = settings.immich.model_copy(update={"url": "http://immich.invalid"})
    keyed = settings.model_copy(update={"immich": immich, "session_key": SecretStr("one")})
    first = Sessions(keyed, library)
    await first.use(empty_bus)
    cookie, _ = await first.sign_in(shows(), "", "bob@example.org", "right", "")
    stored = await (await empty_bus.js.key_value("state")).keys()
    [name] = [one for one in stored if one.startswith("session.")]
    sealed = (await (await empty_bus.js.key_value("state")).get(name)).value
    assert b"bob" not in sealed and cookie not in name

    async def who_with(key: str) -> str | None:
        other = Sessions(keyed.model_copy(update={"session_key": SecretStr(key)}), library)
        await other.use(empty_bus)
        found = await other.who(shows(cookie))
        return found and found.user_id

    assert await who_with("one") == "bob"
    assert await who_with("two") is None
    await first.sign_out(cookie)
    assert await who_with("one") is None


async def test_whoever_gets_no_session_here_keeps_none_in_the_library(empty_bus, shared, settings, monkeypatch) -> None:
    immich = settings.immich.model_copy(update={"url": "http://immich.invalid"})
    sessions = Sessions(settings.model_copy(update={"immich": immich}), shared.library)
    await sessions.use(empty_bus)
    bob = await shared.library.sign_in(email="bob@example.org", password="right")

    async def is_away(*_: object) -> None:
        raise Unavailable("NATS is away", down="nats")

    async def is_away_too(who: Identity) -> None:
        shared.library.signed_out.append(who.user_id)
        raise LibraryUnavailable("Immich is away", down="immich")

    for signs_out, method in ((None, "put"), (None, "get"), (is_away_too, "put")):
        shared.library.signed_out.clear()
        with monkeypatch.context() as patched:
            patched.setattr(SealedSessions, method, is_away)
            if signs_out is not None:
                patched.setattr(shared.library, "sign_out", signs_out)
            with pytest.raises(Unavailable):
                if method == "put":
                    await sessions.sign_in(shows(), "", "bob@example.org", "right", "")
                else:
                    await sessions.begin(bob, shows(), "pairing code", name_of("A" * 43))
        assert shared.library.signed_out == ["bob"]


async def test_a_folder_takes_its_token_and_nothing_else(serving, closed) -> None:
    async with serving(closed) as gateway:
        answer = await gateway.client.post("/api/session", json={"email": "ann@example.org", "password": "right"})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert "access token" in answer.json()["detail"]
    with pytest.raises(SignInFailed):
        await Sessions(closed, gateway.library).sign_in(shows(), "", "", "", "guess")


async def test_stored_sessions_are_removed_after_thirty_days_and_at_once_when_they_end(
    empty_bus, shared, settings
) -> None:
    immich = settings.immich.model_copy(update={"url": "http://immich.invalid"})
    keyed = settings.model_copy(update={"immich": immich, "session_key": SecretStr("a key")})
    sessions = Sessions(keyed, shared.library)
    await sessions.use(empty_bus)
    cookies = [(await sessions.sign_in(shows(), "ann-key", "", "", ""))[0] for _ in range(50)]

    async def stored() -> int:
        info = await empty_bus.js.stream_info("KV_state", subjects_filter="$KV.state.session.>")
        return len(info.state.subjects or {})

    assert await stored() == 50
    await sessions.sign_out(cookies[0])
    assert await stored() == 49
    store = SealedSessions("a key")
    store.use(empty_bus)
    ended: list[str] = []
    asked: list[str] = []

    async def end(who: Identity) -> None:
        ended.append(who.user_id)

    async def is_away(who: Identity) -> None:
        asked.append(who.user_id)
        raise LibraryUnavailable("Immich is away", down="immich")

    async def will_not(who: Identity) -> None:
        asked.append(who.user_id)
        raise SignInFailed("of this one Immich does not know what to say")

    await store.remove_expired(end, time.time() + LIFETIME_S - 60)
    assert await stored() == 49 and not ended
    for refuses, times in ((is_away, 1), (will_not, 49)):
        asked.clear()
        with capture_logs() as logs:
            await store.remove_expired(refuses, time.time() + LIFETIME_S + 60)
        assert await stored() == 49 and len(asked) == len(logs) == times
    await store.remove_expired(end, time.time() + LIFETIME_S + 60)
    assert await stored() == 0 and len(ended) == 49


async def test_a_session_begun_with_the_access_token_ends_when_that_is_changed(serving, closed) -> None:
    async with serving(closed) as gateway:
        await gateway.client.post("/api/session", json={"token": "open-sesame"})
        cookie = gateway.client.cookies[COOKIE]
    async with serving(closed) as gateway:
        assert (await gateway.get("/api/photos", cookie=f"{COOKIE}={cookie}")).status_code == 200
    async with serving(closed.model_copy(update={"access_token": SecretStr("another")})) as gateway:
        assert (await gateway.get("/api/photos", cookie=f"{COOKIE}={cookie}")).status_code == 401


async def test_sessions_stored_by_earlier_versions_are_read(empty_bus, shared, settings) -> None:
    keyed = settings.model_copy(
        update={
            "immich": settings.immich.model_copy(update={"url": "http://immich.invalid"}),
            "session_key": SecretStr("one"),
        }
    )
    facts = {"user_id": "ann", "name": "Ann", "kind": "bearer", "secret": "x", "expires": time.time() + 60}
    seal = Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"one").digest()))
    cookie = "A" * 43
    bucket = await empty_bus.js.key_value("state")
    await bucket.put(name_of(cookie), seal.encrypt(json.dumps(facts).encode()))
    sessions = Sessions(keyed, shared.library)
    await sessions.use(empty_bus)
    assert (await sessions.who(shows(cookie))).user_id == "ann"


async def test_a_session_that_another_gateway_ended_without_a_word_is_over_within_a_minute(
    empty_bus, shared, settings
) -> None:
    keyed = settings.model_copy(
        update={
            "immich": settings.immich.model_copy(update={"url": "http://immich.invalid"}),
            "session_key": SecretStr("one"),
        }
    )
    now = [1000.0]
    here = Sessions(keyed, shared.library, lambda: now[0])
    await here.use(empty_bus)
    cookie, _ = await here.sign_in(shows(), "ann-key", "", "", "")
    await empty_bus.js.purge_stream("KV_state", subject=f"$KV.state.{name_of(cookie)}")
    assert await here.who(shows(cookie)) is not None
    now[0] += 51
    assert await here.who(shows(cookie)) is None


async def test_while_a_gateway_starts_a_cookie_is_neither_good_nor_bad(closed, shared) -> None:
    with pytest.raises(Unavailable):
        await Sessions(closed, shared.library).who(shows("A" * 43))
