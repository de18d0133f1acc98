"""Where Immich's webhooks arrive: who calls is checked, one id is taken, and the work is done behind.

Immich calls once and reads no answer, so what rules want and is refused here is found by the reconciler. That knows
nothing of what a step asks for: such a wish waits here until it can be done, for some hours.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from immichvr_common.errors import Conflict, ServiceError
from immichvr_common.logs import get_log

from immichvr_gateway.auth.attempts import place_of
from immichvr_gateway.automation.making import NotNow
from immichvr_gateway.automation.records import AutomationRecords, Integration
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.library.immich.answers import UUID_PATTERN

log = get_log(__name__)

_UUID = re.compile(UUID_PATTERN)
_WAITING = 20_000
_AT_ONCE = 2
_BELIEVED_S = 5.0
_REMEMBERED = 1024
_NOTED_EVERY_S = 60.0
_PUT_OFF = 5000
_PAUSES_S = (10.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0)
"""After each try of what a step asks for: not quite four hours in all."""


@dataclass(frozen=True)
class Ask:
    """What a step of a workflow asks for, rather than leaving it to rules."""

    kind: str
    model: str = "auto"
    quality: str = "full"


Work = Callable[[str, str, Ask | None], Awaitable[None]]
Check = Callable[[Ask], object]
_Call = tuple[str, str, Ask | None]


@dataclass
class _PutOff:
    """A wish that could not be done so many times; it waits once more until `timer`, None while it is tried."""

    tries: int = 0
    timer: asyncio.TimerHandle | None = None


class Bucket:
    """So many at once, and so many a second after that. clock: monotonic, seconds."""

    def __init__(self, at_once: int, per_s: float, clock: Callable[[], float]) -> None:
        self._at_once, self._per_s, self._clock = float(at_once), per_s, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> bool:
        """Whether one more is within the limit."""
        now = self._clock()
        left = self._left_of(who, now)
        self._left.pop(who, None)
        self._left[who] = (max(0.0, left - 1), now)
        if len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        return left >= 1

    def is_empty(self, who: str) -> bool:
        """Whether one more would be beyond the limit; nothing is taken."""
        return self._left_of(who, self._clock()) < 1

    def _left_of(self, who: str, now: float) -> float:
        left, at = self._left.get(who, (self._at_once, now))
        return min(self._at_once, left + (now - at) * self._per_s)


class Intake:
    """Takes calls.

    work: what is done with one asset of somebody's; its errors are told in the log alone. check: raises Problem for
    what cannot be asked for. pauses_s: after each try of what a step asks for and cannot be had yet.
    """

    def __init__(
        self, records: AutomationRecords, work: Work, check: Check, clock: Callable[[], float] = time.monotonic,
        pauses_s: Sequence[float] = _PAUSES_S,
    ) -> None:  # fmt: skip
        self._records, self._work, self._check, self._clock = records, work, check, clock
        self._known: OrderedDict[str, tuple[float, Integration | None]] = OrderedDict()
        self._calls, self._strangers = Bucket(1000, 50, clock), Bucket(20, 0.2, clock)
        self._waiting: OrderedDict[_Call, None] = OrderedDict()
        self._pauses_s, self._put_off = tuple(pauses_s), dict[_Call, _PutOff]()
        self._noted: dict[str, float] = {}
        self._news = asyncio.Event()

    async def call(self, user: str, authorization: str, address: str, body: bytes) -> None:
        """Takes a call. Raises Problem: 401 for whoever has not the secret, 429 for too many, 422 for no asset.

        address: of whoever calls. Whether there is such a user nobody learns who has not the secret.
        """
        place = place_of(address)
        # Who tries secrets costs no look into what is kept, and does not shut out Immich where it calls from there.
        if self._strangers.is_empty(place) and not self._is_known(user):
            raise _too_many_strangers()
        integration = await self._find(user)
        expected = integration.secret_hash if integration is not None and not integration.removing else ""
        shown = hash_of(authorization.removeprefix("Bearer "))
        if not hmac.compare_digest(shown.encode(), (expected or hash_of("")).encode()) or not expected:
            if not self._strangers.take(place):
                raise _too_many_strangers()
            raise Problem(401, "unauthorized", "this call does not carry the secret that Immich was given")
        if not self._calls.take(user):
            raise Problem(429, "too_many_requests", "too many calls at once; what they told is found later")
        asset_id, ask = told_by(body)
        if asset_id is None:
            raise Problem(422, "invalid_request", "data.asset.id: this names no asset of Immich")
        if ask is not None:
            self._check(ask)
        await self._note_call(user)
        self._take(user, asset_id, ask)

    def forget(self, user: str) -> None:
        """Has what is set up for somebody read anew, as after it was changed."""
        self._known.pop(user, None)

    async def run(self) -> None:
        """Does the work, two at once, until cancelled."""
        try:
            await asyncio.gather(*(self._go_on() for _ in range(_AT_ONCE)))
        finally:
            for put_off in self._put_off.values():
                if put_off.timer is not None:
                    put_off.timer.cancel()
            self._put_off.clear()

    async def _go_on(self) -> None:
        while True:
            while not self._waiting:
                self._news.clear()
                await self._news.wait()
            call, _ = self._waiting.popitem(last=False)
            _, asset_id, ask = call
            try:
                await self._work(*call)
            except (ServiceError, NotNow) as error:
                if ask is None:
                    log.info("a call is left to the reconciler", asset=asset_id, error=str(error))
                elif isinstance(error, NotNow | Conflict) or error.retriable:
                    self._wait_with(call, str(error))
                    continue
                else:
                    log.warning("what a step asked for cannot be made", asset=asset_id, error=str(error))
            except Exception as error:  # one odd photo must not leave all others waiting
                log.error("a call failed", asset=asset_id, exc_info=error)
            self._put_off.pop(call, None)

    def _take(self, user: str, asset_id: str, ask: Ask | None) -> None:
        call = (user, asset_id, ask)
        put_off = self._put_off.get(call)
        if put_off is not None and put_off.timer is not None:  # asked for once more, or its pause is over
            put_off.timer.cancel()
            put_off.timer = None
        if len(self._waiting) >= _WAITING:
            if ask is not None:
                self._wait_with(call, "too many calls wait")
            else:
                log.warning("calls are left to the reconciler: too many wait", waiting=len(self._waiting))
            return
        self._waiting[call] = None
        self._news.set()

    def _wait_with(self, call: _Call, why: str) -> None:
        """Keeps what a step asks for until its next try, which is later each time; gives it up in the end."""
        user, asset_id, ask = call
        put_off = self._put_off.get(call, _PutOff())
        if put_off.tries >= len(self._pauses_s) or len(self._put_off) - (call in self._put_off) >= _PUT_OFF:
            self._put_off.pop(call, None)
            log.warning(
                "what a step asked for is given up", user=user, asset=asset_id, ask=ask, error=why,
                tries=put_off.tries + 1,
            )  # fmt: skip
            return
        pause_s = self._pauses_s[put_off.tries]
        if put_off.timer is not None:
            put_off.timer.cancel()
        put_off.tries += 1
        put_off.timer = asyncio.get_running_loop().call_later(pause_s, self._take, *call)
        self._put_off[call] = put_off
        log.info("what a step asked for waits", asset=asset_id, error=why, pause_s=pause_s)

    def _is_known(self, user: str) -> bool:
        known = self._known.get(user)
        return known is not None and known[1] is not None

    async def _find(self, user: str) -> Integration | None:
        known = self._known.get(user)
        if known is not None and self._clock() - known[0] < _BELIEVED_S:
            return known[1]
        found = await self._records.integration(user)
        self._known[user] = (self._clock(), found)
        self._known.move_to_end(user)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return found

    async def _note_call(self, user: str) -> None:
        """Keeps when the last call came, once a minute at most."""
        now = self._clock()
        if now - self._noted.get(user, -_NOTED_EVERY_S) < _NOTED_EVERY_S:
            return
        self._noted[user] = now
        await self._records.change_integration(user, last_call=datetime.now(UTC), missed=0)


def _too_many_strangers() -> Problem:
    return Problem(429, "too_many_attempts", "too many calls without the secret", {"Retry-After": "60"})


def hash_of(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(f"immich webhook\0{secret}".encode()).hexdigest()


def told_by(body: bytes) -> tuple[str | None, Ask | None]:
    """All that is believed of a call: the id of the asset it is about, None where it names none; and what is asked for.

    Immich's own webhook asks for nothing: then rules decide.
    """
    try:
        told = json.loads(body)
        asset_id, ask = told["data"]["asset"]["id"], told.get("ask")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None, None
    if not isinstance(asset_id, str) or not _UUID.fullmatch(asset_id):
        return None, None
    if not isinstance(ask, dict) or not isinstance(ask.get("kind"), str):
        return asset_id, None
    wanted = {name: ask[name][:64] for name in ("kind", "model", "quality") if isinstance(ask.get(name), str)}
    return asset_id, Ask(**wanted)
