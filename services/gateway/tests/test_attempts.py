"""Guessing is slowed down and told of; an owner elsewhere is not shut out by it."""

import asyncio
import math
import time
from typing import Any

import pytest
from immichvr_gateway.auth.attempts import Attempts, place_of
from immichvr_gateway.auth.credentials import Credentials
from immichvr_gateway.auth.visitors import shown_by
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.settings import GatewaySettings, ImmichSettings
from pydantic import SecretStr, ValidationError
from shared_library import SharedLibrary
from structlog.testing import capture_logs


class _Trying:
    """Attempts on a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.attempts = Attempts(lambda: self.now)

    def fails(self, address: str, account: str = "ann@example.org") -> float:
        """One wrong try: 0 if it was heard, else how long to wait."""
        try:
            self.attempts.failed(self.attempts.begin("password", address, account))
        except Problem as problem:
            assert (problem.status, problem.code) == (429, "too_many_attempts")
            return float(problem.headers["Retry-After"])
        return 0.0

    def succeeds(self, address: str, account: str = "ann@example.org") -> bool:
        """One right try: whether it was heard."""
        try:
            self.attempts.succeeded(self.attempts.begin("password", address, account))
        except Problem:
            return False
        return True

    def heard(self, tries: int, address: str, account: str = "ann@example.org") -> int:
        """How many of so many wrong tries at once were heard."""
        return sum(self.fails(address, account) == 0 for _ in range(tries))


@pytest.fixture
def trying() -> _Trying:
    """Nobody has tried anything yet."""
    return _Trying()


def test_of_a_thousand_tries_at_once_a_few_are_heard(trying) -> None:
    assert trying.heard(1000, "192.0.2.1") <= 6
    assert trying.heard(1000, "192.0.2.2", "") <= 11


def test_waits_grow_with_each_failure_up_to_a_quarter_of_an_hour(trying) -> None:
    trying.heard(10, "192.0.2.1")
    waits = []
    for _ in range(14):
        waits.append(trying.fails("192.0.2.1"))
        trying.now += waits[-1]
        assert trying.fails("192.0.2.1") == 0
    assert waits[:4] == [2, 4, 8, 16]
    assert waits == sorted(waits) and waits[-1] == 900


def test_a_success_starts_afresh(trying) -> None:
    for _ in range(20):
        assert trying.heard(4, "192.0.2.1") == 4
        assert trying.succeeds("192.0.2.1")


def test_who_is_right_goes_on_where_others_fail(trying) -> None:
    trying.heard(4, "192.0.2.1", "other@example.org")
    trying.heard(10, "192.0.2.1", "")
    trying.now += 3
    for _ in range(50):
        assert trying.succeeds("192.0.2.1")
    assert trying.heard(1, "192.0.2.1", "") == 1
    assert trying.fails("192.0.2.1", "") == 4


def test_others_who_fail_at_the_same_address_do_not_shut_out_who_signed_in_from_there_before(trying) -> None:
    assert trying.succeeds("192.0.2.1")
    trying.heard(50, "192.0.2.1", "")
    assert trying.fails("192.0.2.1", "") > 0
    assert trying.succeeds("192.0.2.1")
    assert trying.heard(1000, "192.0.2.1") == 1


def test_ones_own_account_buys_no_guesses_at_anothers(trying) -> None:
    heard = 0
    for _ in range(100):
        heard += trying.heard(1, "192.0.2.1", "victim@example.org")
        trying.succeeds("192.0.2.1", "own@example.org")
    assert heard <= 11


def test_whoever_attacks_an_account_does_not_shut_its_owner_out_from_elsewhere(trying) -> None:
    for number in range(1, 200):
        trying.heard(20, f"198.51.{number}.1")
    assert trying.heard(2, "203.0.113.7") == 2
    assert trying.succeeds("203.0.113.7")
    for number in range(1, 200):
        trying.heard(20, f"198.51.{number}.2")
    assert trying.succeeds("203.0.113.7")


def test_many_places_at_one_account_are_slowed_down_together(trying) -> None:
    heard = sum(trying.heard(20, f"198.51.100.{number}") for number in range(100))
    assert heard <= 3 * 100 + 10


def test_an_ipv6_household_is_one_place_and_ipv4_in_ipv6_is_ipv4() -> None:
    assert place_of("2001:db8:1:2:a::1") == place_of("2001:db8:1:2:b::2") == "2001:db8:1:2::/64"
    assert place_of("2001:db8:1:3::1") != place_of("2001:db8:1:2::1")
    assert place_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert place_of("fe80::1%eth0") == "fe80::/64"
    assert place_of("not an address") == place_of("") == "unknown"


def test_memory_is_bounded_whoever_tries(trying) -> None:
    for number in range(12_000):
        trying.fails(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", f"{number}@example.org")
    known = trying.attempts
    assert max(len(known._places), len(known._accounts), len(known._pairs)) <= 10_000


def test_what_nobody_could_answer_counts_for_nothing(trying) -> None:
    for _ in range(100):
        trying.attempts.undecided(trying.attempts.begin("password", "192.0.2.1", "ann@example.org"))
    assert trying.fails("192.0.2.1") == 0


@pytest.mark.parametrize("way", ["token", "bearer", "key", "header"])
async def test_guesses_of_every_kind_are_limited_and_told_in_the_log_without_what_was_guessed(
    serving, settings, shared, way
) -> None:
    closed = settings.model_copy(update={"host": "192.0.2.1", "access_token": SecretStr("open-sesame")})
    if way in ("key", "header"):
        closed = closed.model_copy(update={"immich": ImmichSettings(url="http://immich.invalid")})

    async def guess(gateway: Any, number: int) -> Any:
        guessed = f"guessed-{number}"
        if way == "token":
            return await gateway.client.post("/api/session", json={"token": guessed})
        if way == "key":
            return await gateway.client.post("/api/session", json={"api_key": guessed})
        headers = {"authorization": f"Bearer {guessed}"} if way == "bearer" else {"x-api-key": guessed}
        return await gateway.client.get("/api/photos", headers=headers)

    library = shared.library if way in ("key", "header") else None
    with capture_logs() as logs:
        async with serving(closed, library) as gateway:
            began = time.monotonic()
            answers = [await guess(gateway, number) for number in range(60)]
            # Waits of 2, 4, 8 s follow each other: on a slow machine one more is heard after each of them.
            waits = int(math.log2(1 + (time.monotonic() - began) / 2))
            statuses = [answer.status_code for answer in answers]
            assert statuses.count(401) <= 11 + waits and statuses.count(429) == 60 - statuses.count(401)
            assert answers[-1].json()["code"] == "too_many_attempts"
            assert int(answers[-1].headers["retry-after"]) >= 1
            assert (await gateway.get("/api/health")).status_code == 200
    told = [log for log in logs if "refused" in log["event"]]
    assert {log["address"] for log in told} == {"127.0.0.1"}
    assert "guessed" not in str(logs)


async def test_the_same_wrong_key_again_is_no_other_guess(shared) -> None:
    for _ in range(40):
        assert (await shared.get("/api/photos", **{"x-api-key": "eve-key"})).status_code == 401
    assert (await shared.get("/api/photos", "ann")).status_code == 200


async def test_whoever_has_to_wait_elsewhere_keeps_nobody_else_with_the_same_key_waiting(tmp_path) -> None:
    library = SharedLibrary(tmp_path, tmp_path / "cache", set())
    settings = GatewaySettings(immich=ImmichSettings(url="http://immich.invalid"))
    credentials = Credentials(settings, library, Attempts(), time.monotonic)

    async def sent(key: str, address: str) -> Any:
        scope = {"type": "http", "client": (address, 1), "headers": [(b"x-api-key", key.encode())]}
        return await credentials.sent(shown_by(scope))

    wrong = [await asyncio.gather(sent(f"{n}-key", "192.0.2.1"), return_exceptions=True) for n in range(12)]
    assert isinstance(wrong[-1][0], Problem)
    refused, let_in = await asyncio.gather(
        sent("ann-key", "192.0.2.1"), sent("ann-key", "192.0.2.2"), return_exceptions=True
    )
    assert isinstance(refused, Problem) and refused.status == 429
    assert let_in.user_id == "ann"
    await library.close()


async def test_only_a_named_proxy_is_believed_about_addresses_and_tls(serving, settings) -> None:
    closed = settings.model_copy(update={"host": "192.0.2.1", "access_token": SecretStr("open-sesame")})
    told = {"x-forwarded-for": "203.0.113.9, 198.51.100.1", "x-forwarded-proto": "https"}

    async def tried(named: str) -> tuple[bool, set[str]]:
        """Whether the cookie travels over TLS alone, and the addresses that the log names."""
        with capture_logs() as logs:
            async with serving(closed.model_copy(update={"trusted_proxies": named})) as gateway:
                await gateway.client.post("/api/session", json={"token": "wrong"}, headers=told)
                answer = await gateway.client.post("/api/session", json={"token": "open-sesame"}, headers=told)
        return (
            "secure" in answer.headers["set-cookie"].lower(),
            {log["address"] for log in logs if log["event"] == "a sign-in was refused"},
        )

    assert await tried("") == (False, {"127.0.0.1"})
    assert await tried("10.0.0.0/8") == (False, {"127.0.0.1"})
    assert await tried("10.0.0.0/8, 127.0.0.1") == (True, {"198.51.100.1"})
    assert await tried("127.0.0.0/8,198.51.100.0/24") == (True, {"203.0.113.9"})


def test_a_proxy_that_is_no_address_is_said_at_the_start(monkeypatch) -> None:
    monkeypatch.setenv("IMMICHVR_GATEWAY_TRUSTED_PROXIES", "10.0.0.0/8, my-proxy")
    with pytest.raises(ValidationError, match="my-proxy"):
        GatewaySettings()


async def test_a_proxy_that_drops_the_host_is_told_the_setting(shared) -> None:
    answer = await shared.client.post(
        "/api/session", json={"api_key": "ann-key"}, headers={"origin": "https://photos.example"}
    )
    assert answer.status_code == 403
    assert "Host" in answer.json()["detail"] and "IMMICHVR_GATEWAY_PUBLIC_URL" in answer.json()["detail"]
