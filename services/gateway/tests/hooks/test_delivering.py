"""Webhooks through real servers: registered, told, signed, tried again, given up, and only of what one may see."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from immichvr_gateway.hooks import delivering, records
from immichvr_gateway.settings import HookSettings
from pydantic import SecretStr


@dataclass
class Inbox:
    """A server that is told. says: the answers it gives, the last one for ever; nothing is none."""

    says: list[bytes] = field(default_factory=lambda: [b"204 No Content"])
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        raw = dict(line.split(": ", 1) for line in head[1:] if line)
        headers["webhook-signature"] = next(raw[one] for one in raw if one.lower() == "webhook-signature")
        body = await reader.readexactly(int(headers["content-length"]))
        says = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        self.heard.append((headers, body))
        self._news.set()
        if says:
            writer.write(b"HTTP/1.1 " + says + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        else:
            await reader.read()
        writer.close()

    async def told(self, count: int) -> list[dict[str, Any]]:
        """What it was told so far, once that is so much."""
        async with asyncio.timeout(30):
            while len(self.heard) < count:
                self._news.clear()
                await self._news.wait()
        return [json.loads(body) for _, body in self.heard]


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    inbox = Inbox()
    server = await asyncio.start_server(inbox.serve, "127.0.0.1", 0)
    inbox.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks?who=me"
    yield inbox
    server.close()


@pytest.fixture
def settings(settings: Any) -> Any:
    """As those of other tests, with a key that secrets are sealed with, and this machine allowed."""
    hooks = HookSettings(private_networks="127.0.0.0/8")
    return settings.model_copy(update={"session_key": SecretStr("a key of tests"), "hooks": hooks})


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is tried again soon, and new webhooks are known at once."""
    monkeypatch.setattr(records, "_FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(records, "_FRESH_S", 0.0)
    monkeypatch.setattr(delivering, "_BUSY_S", 0.02)


async def add(gateway: Any, inbox: Inbox, *events: str, **headers: str) -> dict[str, Any]:
    wish = {"url": inbox.url, **({"events": [*events]} if events else {})}
    answer = await gateway.client.post("/api/webhooks", json=wish, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def answers(gateway: Any, count: int) -> list[dict[str, Any]]:
    """What the one webhook's last answers were, once there are so many."""
    async with asyncio.timeout(20):
        while True:
            [hook] = (await gateway.get("/api/webhooks")).json()["webhooks"]
            if len(hook["answers"]) >= count:
                found: list[dict[str, Any]] = hook["answers"]
                return found
            await asyncio.sleep(0.02)


def verify(secret: str, headers: dict[str, str], body: bytes) -> None:
    """As the documentation has it."""
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 300
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert f"v1,{expected}" in headers["webhook-signature"].split()


async def test_jobs_and_assets_are_told_signed_and_the_answers_are_listed(gateway, workers, live, inbox) -> None:
    hook = await add(gateway, inbox)
    job = await gateway.make(live, "beach.jpg", "depth", model="heuristic")
    await gateway.make(live, "fail-fog.jpg", "depth", model="heuristic")
    told = await inbox.told(3)
    by_type = {one["type"]: one for one in told}
    assert sorted(one["type"] for one in told) == ["asset.created", "job.failed", "job.succeeded"]
    assert by_type["job.succeeded"]["data"]["id"] == job["id"]
    assert by_type["job.failed"]["data"]["error"]["message"]
    asset = by_type["asset.created"]["data"]
    assert (asset["key"], asset["url"]) == ("depth-heuristic", f"/api/photos/{job['photo_id']}/assets")
    for headers, body in inbox.heard:
        verify(hook["secret"], headers, body)
        assert headers["webhook-id"] == json.loads(body)["id"]
        assert headers["host"] in inbox.url
    listed = await answers(gateway, 3)
    assert {one["event_id"] for one in listed} == {one["id"] for one in told}
    assert {(one["status"], one["error"]) for one in listed} == {(204, None)}
    assert "secret" not in (await gateway.get("/api/webhooks")).text


async def test_what_has_no_answer_is_told_again_under_the_same_id_by_the_next_gateway(
    serving, settings, workers, inbox
) -> None:
    inbox.says = [
        b"",
        b"500 Internal Server Error",
        b"302 Found\r\nlocation: http://169.254.169.254/",
        b"204 No Content",
    ]
    async with serving(settings) as first:
        photos = (await first.get("/api/photos")).json()["items"]
        await add(first, inbox, "job.succeeded")
        await first.client.post(f"/api/photos/{photos[0]['id']}/depth", json={"model": "heuristic"})
        await inbox.told(1)  # and the gateway ends before it is answered
    async with serving(settings) as second:
        told = await inbox.told(4)
        assert len({one["id"] for one in told}) == 1
        new, redirected, failed = await answers(second, 3)
        assert (failed["status"], failed["error"]) == (500, "answered 500")
        assert redirected["error"] == "answered 302: redirects are not followed"
        assert (new["status"], new["error"]) == (204, None)
        [hook] = (await second.get("/api/webhooks")).json()["webhooks"]
        assert hook["failures"] == 0


async def test_two_gateways_tell_once(serving, settings, gateway, workers, live, inbox) -> None:
    async with serving(settings):
        await add(gateway, inbox, "job.succeeded")
        for name in ("beach.jpg", "hut.png"):
            await gateway.make(live, name, "depth", model="heuristic")
        told = await inbox.told(2)
        await answers(gateway, 2)
        assert len(told) == len(inbox.heard) == len({one["id"] for one in told}) == 2


async def test_webhooks_that_cannot_be_are_refused_in_words(gateway, shared, inbox) -> None:
    for wish, words in [
        ({"url": "http://10.0.0.1/"}, "is not known to lead to public addresses only"),
        ({"url": "http://name.invalid/"}, "is not known to lead to public addresses only"),
        ({"url": "ftp://1.1.1.1/"}, "begins with https://"),
        ({"url": inbox.url, "events": []}, "events"),
        ({"url": inbox.url, "events": ["job.begun"]}, "events"),
    ]:
        answer = await gateway.client.post("/api/webhooks", json=wish)
        assert answer.status_code == 422 and words in answer.json()["detail"], wish
    for _ in range(records.MOST):
        await add(gateway, inbox)
    answer = await gateway.client.post("/api/webhooks", json={"url": inbox.url})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    answer = await shared.client.post("/api/webhooks", json={"url": inbox.url}, headers={"x-api-key": "ann-key"})
    assert (answer.status_code, answer.json()["code"]) == (409, "absence_not_allowed")


async def test_a_deleted_webhook_hears_nothing_more(gateway, workers, live, inbox) -> None:
    hook = await add(gateway, inbox, "job.succeeded")
    inbox.says = [b"503 Service Unavailable"]
    await gateway.make(live, "beach.jpg", "depth", model="heuristic")
    await answers(gateway, 2)
    assert (await gateway.client.delete(f"/api/webhooks/{hook['id']}")).status_code == 204
    assert (await gateway.client.delete(f"/api/webhooks/{hook['id']}")).status_code == 404
    before = len(inbox.heard)
    other = await add(gateway, inbox, "job.succeeded")
    inbox.says = [b"204 No Content"]
    await gateway.make(live, "hut.png", "depth", model="heuristic")
    told = await inbox.told(before + 1)
    assert len({one["id"] for one in told}) == 2 and hook["id"] != other["id"]
