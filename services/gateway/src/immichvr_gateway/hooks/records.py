"""Webhooks as they are kept: in the bucket `state`, under their owners' ids, their secrets sealed."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from immichvr_common.bus import Bus
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.errors import Conflict, InvalidRequest
from immichvr_common.logs import get_log
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from immichvr_gateway.auth.seal import Seal
from immichvr_gateway.hooks.signing import new_secret

log = get_log(__name__)

EventType = Literal["job.succeeded", "job.failed", "asset.created"]
EVENTS: tuple[EventType, ...] = ("job.succeeded", "job.failed", "asset.created")
MOST = 10
"""Webhooks of one person."""
_STREAM, _SUBJECTS = f"KV_{KV_STATE}", f"$KV.{KV_STATE}."
_PREFIX = "hook."
_USER, _ID = re.compile(r"[A-Za-z0-9_-]{1,64}"), re.compile(r"[0-9a-f]{16}")
_SHOWN_ANSWERS = 10
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 5.0, 6 * 3600.0
_FRESH_S = 5.0
_TRIES = 8


class HookAnswer(BaseModel):
    """What came of one try to deliver. status: of HTTP, null where there was no answer; error: why it failed."""

    event_id: str
    event: str = Field(examples=["job.succeeded"])
    at: datetime
    status: int | None = Field(examples=[204])
    error: str | None
    seconds: float = Field(examples=[0.12])


class Hook(BaseModel):
    """A webhook as it is kept. failures: tries in a row that failed; retry_at: seconds since 1970; sealed: its secret.

    What a later release adds is kept.
    """

    model_config = ConfigDict(extra="allow")
    id: str
    user_id: str
    url: str
    events: list[str]
    created_at: datetime
    sealed: str
    failures: int = 0
    retry_at: float = 0
    answers: list[HookAnswer] = []

    def after(self, answer: HookAnswer) -> Hook:
        """The webhook after another try: the longer it fails, the longer it is left alone."""
        failures = self.failures + 1 if answer.error is not None else 0
        pause = min(_FIRST_PAUSE_S * 4 ** min(failures - 1, 10), _LONGEST_PAUSE_S) if failures else 0.0
        return self._answered(answer).model_copy(
            update={"failures": failures, "retry_at": time.time() + pause if failures else 0.0}
        )

    def after_meanwhile(self, answer: HookAnswer, tried: Hook) -> Hook:
        """The webhook after a try that began when it was `tried`: what fails at the same time counts once."""
        is_counted = self.failures != tried.failures or self.retry_at > time.time()
        return self._answered(answer) if answer.error is not None and is_counted else self.after(answer)

    def _answered(self, answer: HookAnswer) -> Hook:
        return self.model_copy(update={"answers": [answer, *self.answers][:_SHOWN_ANSWERS]})


class HookBook:
    """Every webhook there is. Calls raise Unavailable. secret: seals theirs; empty where there is none that lasts."""

    def __init__(self, bus: Bus, secret: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._bus, self._kv = bus, bus.kv(KV_STATE)
        self._seal, self._outlasts = Seal(secret or secrets.token_urlsafe(32)), bool(secret)
        self._clock = clock
        self._known: dict[str, tuple[float, list[Hook]]] = {}

    async def add(self, user_id: str, url: str, events: list[str]) -> tuple[Hook, str]:
        """A new webhook and its secret, which is shown this once. Raises Conflict, InvalidRequest."""
        if not self._outlasts:
            raise Conflict("set IMMICHVR_GATEWAY_SESSION_KEY first: without it no secret could be kept over a restart")
        if len(await self.of(user_id)) >= MOST:
            raise Conflict(f"you have {MOST} webhooks already; delete one first")
        secret = new_secret()
        hook = Hook(
            id=secrets.token_hex(8), user_id=_named(user_id), url=url, events=events, created_at=datetime.now(UTC),
            sealed=self._seal.close({"secret": secret}).decode(),
        )  # fmt: skip
        await self._kv.update(_key(user_id, hook.id), hook.model_dump_json().encode(), last=0)
        self._known.pop(user_id, None)
        return hook, secret

    async def of(self, user_id: str) -> list[Hook]:
        """A person's webhooks, the oldest first."""
        under = f"{_SUBJECTS}{_PREFIX}{_named(user_id)}."
        ids = [one.removeprefix(under) for one in await self._bus.subjects(_STREAM, f"{under}*")]
        found = [await self.get(user_id, one) for one in ids]
        return sorted((one for one in found if one is not None), key=lambda one: (one.created_at, one.id))

    async def who_wants(self, user_id: str, event: str) -> list[Hook]:
        """A person's webhooks for an event, as they were a few seconds ago."""
        if _USER.fullmatch(user_id) is None:
            return []
        read_at, hooks = self._known.get(user_id, (float("-inf"), []))
        if self._clock() - read_at > _FRESH_S:
            hooks = await self.of(user_id)
            self._known[user_id] = (self._clock(), hooks)
        return [hook for hook in hooks if event in hook.events]

    def has_none(self, user_id: str) -> bool:
        """Whether a person was seen a few seconds ago to have no webhook; they may be found to have some."""
        read_at, hooks = self._known.get(user_id, (float("-inf"), []))
        return not hooks and self._clock() - read_at <= _FRESH_S

    async def get(self, user_id: str, hook_id: str) -> Hook | None:
        """A person's webhook of that id, if there is one that can be read."""
        if _ID.fullmatch(hook_id) is None:
            return None
        value = (await self._kv.get(_key(user_id, hook_id))).value
        return None if value is None else _read(value)

    def secret_of(self, hook: Hook) -> str | None:
        """What a webhook's messages are signed with; None where it was sealed with another key."""
        facts = self._seal.open(hook.sealed.encode())
        return None if facts is None else str(facts["secret"])

    async def note(self, hook: Hook, answer: HookAnswer) -> None:
        """Keeps what came of a try. hook: as it was when that began; nothing is kept where it was deleted meanwhile."""
        key = _key(hook.user_id, hook.id)
        for _ in range(_TRIES):
            kept = await self._kv.get(key)
            now = None if kept.value is None else _read(kept.value)
            if now is None:
                return
            noted = now.after_meanwhile(answer, hook)
            try:
                await self._kv.update(key, noted.model_dump_json().encode(), last=kept.revision)
            except Conflict:
                continue
            return

    async def remove(self, hook: Hook) -> None:
        """Deletes a webhook, without leaving a mark of it."""
        await self._bus.purge(_STREAM, _SUBJECTS + _key(hook.user_id, hook.id))
        self._known.pop(hook.user_id, None)


def _read(value: bytes) -> Hook | None:
    try:
        return Hook.model_validate_json(value)
    except ValidationError as error:
        log.error("a webhook cannot be read", error=str(error))
        return None


def _key(user_id: str, hook_id: str) -> str:
    return f"{_PREFIX}{_named(user_id)}.{hook_id}"


def _named(user_id: str) -> str:
    if not _USER.fullmatch(user_id):
        raise InvalidRequest("this is no id of an account")
    return user_id
