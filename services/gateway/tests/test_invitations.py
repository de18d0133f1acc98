"""An address that lets one device in, as `immichvr up --tls` asks for it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from immichvr_common.bus.streams import KV_STATE
from immichvr_gateway.auth.pairing import Asked
from immichvr_gateway.auth.seal import Seal
from pydantic import SecretStr

TOKEN = {"authorization": "Bearer open-sesame-sesame"}


@pytest.fixture
async def house(serving: Any, settings: Any, empty_bus: Any) -> AsyncIterator[SimpleNamespace]:
    """Two gateways before one folder, and devices that keep their cookies."""
    # Open to other machines, as far as it knows: else nobody would have to sign in.
    closed = {
        "host": "0.0.0.0",  # noqa: S104
        "access_token": SecretStr("open-sesame-sesame"),
        "session_key": SecretStr("one for both"),
    }
    settings = settings.model_copy(update=closed)
    devices: list[httpx.AsyncClient] = []
    async with serving(settings) as first, serving(settings) as second:

        def device(at: int = 0) -> httpx.AsyncClient:
            devices.append(httpx.AsyncClient(base_url=(first, second)[at].url, timeout=20))
            return devices[-1]

        yield SimpleNamespace(device=device, bus=empty_bus)
        for one in devices:
            await one.aclose()


async def invite(at: httpx.AsyncClient) -> dict[str, Any]:
    """What the address holds."""
    made = await at.post("/api/pairing/invitation", headers=TOKEN)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    assert found.pop("expires_in_s") == 300
    return found


async def claim(device: httpx.AsyncClient, given: dict[str, Any]) -> str:
    """How a device fares with it."""
    return str((await device.post("/api/pairing/session", json=given)).json()["state"])


async def is_in(device: httpx.AsyncClient) -> bool:
    """Whether it may look at photos."""
    return (await device.get("/api/photos")).status_code == 200


async def ways(house: SimpleNamespace) -> list[str]:
    """How devices came in."""
    found = await house.device().get("/api/sessions", headers=TOKEN)
    return [one["way"] for one in found.json()["items"]]


async def test_it_lets_in_whoever_accepts_it_first_and_nobody_else(house) -> None:
    invited = await invite(house.device())
    for other in ({**invited, "secret": "A" * 43}, {**invited, "id": "a.b"}, {**invited, "id": "*"}):
        assert await claim(house.device(), other) == "expired"
        assert (await house.device().post("/api/pairing/invitation/look", json=other)).status_code == 404
    headset, late = house.device(at=1), house.device()
    assert await claim(headset, invited) == "signed_in"
    assert await is_in(headset)
    assert await claim(late, invited) == "expired"
    assert not await is_in(late)


async def test_it_says_as_whom_and_leaves_nothing_until_it_is_accepted(house) -> None:
    invited = await invite(house.device())
    headset = house.device()
    for _ in range(2):
        looked = await headset.post("/api/pairing/invitation/look", json=invited)
        assert looked.json() == {"name": "local"}
    assert not headset.cookies and not await is_in(headset)
    assert await ways(house) == []
    await claim(headset, invited)
    assert await ways(house) == ["invitation"]


async def test_one_that_nobody_accepted_in_time_lets_nobody_in_and_has_opened_no_session(house, monkeypatch) -> None:
    invited = await invite(house.device())
    monkeypatch.setattr("immichvr_gateway.auth.slips.WAITS_S", -1)
    assert (await house.device().post("/api/pairing/invitation/look", json=invited)).status_code == 404
    assert await claim(house.device(), invited) == "expired"
    assert await ways(house) == []


async def test_a_code_of_an_earlier_version_is_its_device_s_alone(house) -> None:
    secret = "s" * 43
    asked = Asked("abc", _hashed(secret), "Quest", "127.0.0.1", time.time(), "confirmed", "local", "local", "none")
    sealed = Seal("one for both").close(asdict(asked))
    await house.bus.kv(KV_STATE).put("pairing.042137", sealed)
    sent = house.device()
    assert await claim(sent, {"id": "abc", "secret": f"042137.{secret}"}) == "expired"
    headset = house.device()
    headset.cookies.set("immichvr_pairing", f"042137.{secret}")
    assert await claim(headset, {"id": "abc"}) == "signed_in"
    assert await is_in(headset) and not await is_in(sent)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
