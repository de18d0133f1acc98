"""How often one person may ask, and what they are told of it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from immichvr_gateway.auth.rates import Rates, told_of
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.library import Credential, Identity
from immichvr_gateway.settings import GatewaySettings, ImmichSettings, LimitSettings
from pydantic import SecretStr

ANN, BOB = (Identity(name, name, Credential("none")) for name in ("ann", "bob"))
LIMITS = LimitSettings(requests_per_minute=60, changes_per_minute=3)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rates(settings: GatewaySettings, clock: Clock) -> Rates:
    immich = ImmichSettings(url="http://immich.invalid")
    return Rates(settings.model_copy(update={"immich": immich, "limits": LIMITS}), clock)


def asked(rates: Rates, who: Identity, method: str = "POST", address: str = "192.0.2.1") -> dict[str, str]:
    """What the answer to a request says."""
    scope: dict[str, Any] = {"method": method, "client": (address, 1)}
    rates.count(who, scope)
    rates.count(who, scope)  # looked at twice, it is one request
    return told_of(scope)


def test_what_is_left_is_told_and_comes_back_steadily(rates, clock) -> None:
    assert asked(rates, ANN) == {"RateLimit-Policy": '"changes";q=3;w=60', "RateLimit": '"changes";r=2;t=20'}
    asked(rates, ANN)
    assert asked(rates, ANN)["RateLimit"] == '"changes";r=0;t=60'
    for _ in range(3):
        with pytest.raises(Problem) as refused:
            asked(rates, ANN)
        assert (refused.value.status, refused.value.code, refused.value.headers["Retry-After"]) == (
            429, "too_many_requests", "20",
        )  # fmt: skip
    clock.now += 20
    assert asked(rates, ANN)["RateLimit"] == '"changes";r=0;t=60', "who asks on is not shut out for longer"
    clock.now += 3600
    assert asked(rates, ANN)["RateLimit"] == '"changes";r=2;t=20'


def test_who_follows_a_share_link_does_not_use_it_up_for_others_with_it(rates) -> None:
    visitor = Identity("share-1", "", Credential("share_key", SecretStr("its-name")))
    for _ in range(3):
        asked(rates, visitor)
    with pytest.raises(Problem):
        asked(rates, visitor)
    assert asked(rates, visitor, address="192.0.2.2")["RateLimit"] == '"changes";r=2;t=20'
    for _ in range(2):
        asked(rates, ANN, address="192.0.2.1")
    assert asked(rates, ANN, address="192.0.2.2")["RateLimit"] == '"changes";r=0;t=60', "a person is one everywhere"


def test_people_and_reading_are_measured_apart(rates) -> None:
    for _ in range(3):
        asked(rates, ANN)
    assert asked(rates, BOB)["RateLimit"] == '"changes";r=2;t=20'
    assert asked(rates, ANN, "GET")["RateLimit"] == '"requests";r=59;t=1'


def test_who_sits_before_a_gateway_of_their_own_is_not_measured(settings) -> None:
    rates = Rates(settings.model_copy(update={"limits": LIMITS}))
    assert [asked(rates, Identity.local()) for _ in range(10)] == [{}] * 10


async def test_what_is_sent_again_and_a_signal_without_its_secret_count_like_everything_else(
    shared, serving, settings
) -> None:
    five = LIMITS.model_copy(update={"changes_per_minute": 5})
    few = settings.model_copy(update={"limits": five, "immich": ImmichSettings(url="http://immich.invalid")})
    async with serving(few, shared.library) as gateway:
        ann = {"x-api-key": "ann-key"}

        async def left(path: str, **more: Any) -> tuple[int, str]:
            answer = await gateway.client.post(path, **more)
            return answer.status_code, answer.headers["ratelimit"].partition(";t=")[0]

        wish = {"json": {"kind": "depth"}, "headers": {**ann, "idempotency-key": str(uuid.uuid4())}}
        assert await left("/api/batches", **wish) == (201, '"changes";r=4')
        assert await left("/api/batches", **wish) == (201, '"changes";r=3'), "it was answered without any work"
        [batch] = (await gateway.client.get("/api/batches", headers=ann)).json()["items"]
        signal = {"json": {"go": True}, "headers": ann}
        assert await left(f"/api/batches/{batch['id']}/signal", **signal) == (200, '"changes";r=2')


async def test_every_answer_to_somebody_says_what_is_left_and_too_many_are_refused(shared, serving, settings) -> None:
    answer = await shared.get("/api/photos", "bob")
    assert answer.headers["ratelimit-policy"] == '"requests";q=12000;w=60'
    assert answer.headers["ratelimit"].startswith('"requests";r=11999')
    photo = f"/api/photos/{shared.ids['hut.png']}"
    for path in (f"{photo}/thumbnail", f"{photo}/assets", "/api/jobs/none"):
        assert '"requests"' in (await shared.get(path, "bob")).headers["ratelimit"], path
    assert '"changes";r=1199' in (await shared.post("hut.png", "depth", "bob")).headers["ratelimit"]
    assert "ratelimit" not in (await shared.get("/api/photos")).headers
    few = settings.model_copy(update={"limits": LIMITS, "immich": ImmichSettings(url="http://immich.invalid")})
    async with serving(few, shared.library) as gateway:
        gateway.ids = shared.ids
        statuses = [(await gateway.post("hut.png", "depth", "bob")).status_code for _ in range(3)]
        refused = await gateway.post("hut.png", "depth", "bob")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests"), statuses
        assert refused.headers["content-type"] == "application/problem+json"
        assert 1 <= int(refused.headers["retry-after"]) <= 20 and refused.headers["ratelimit"].startswith(
            '"changes";r=0'
        )
        assert (await gateway.post("hut.png", "depth", "ann")).status_code in (200, 202)
