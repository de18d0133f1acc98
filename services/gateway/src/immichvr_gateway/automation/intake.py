"""Where Immich's webhooks arrive: who calls is checked, one id is taken, and the work is done behind.

Immich calls once and reads no answer, so what rules want and is refused here is found by the reconciler. That knows
nothing of what a step asks for: such a wish is kept until it can be done, for some hours, restarts or not.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from immichvr_common.errors import Conflict, ServiceError
from immichvr_common.logs import get_log
from immichvr_common.retrying import until_up
from immichvr_common.supervision import spawn

from immichvr_gateway.auth.attempts import place_of
from immichvr_gateway.automation.asks import Ask, Asks, Wish, told_by
from immichvr_gateway.automation.making import NotNow
from immichvr_gateway.automation.records import AutomationRecords, Integration
from immichvr_gateway.http.problems import Problem

log = get_log(__name__)

_WAITING = 20_000
_AT_ONCE = 2
_BELIEVED_S = 5.0
_REMEMBERED = 1024
_NOTED_EVERY_S = 60.0
_PUT_OFF = 5000
_PAUSES_S = (10.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0)
"""After each try of what a step asks for: not quite four hours in all."""


Work = Callable[[str, str, Ask | None], Awaitable[None]]
Check = Callable[[Ask], object]
_Call = tuple[str, str, Ask | None]


@dataclass
class _PutOff:
    """A wish that could not be done so many times; it waits once more until `timer`, None while it is tried."""

    tries: int = 0
    timer: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        """Waits no more."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


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

    asks: where wishes are kept. work: what is done with one asset of somebody's; its errors are told in the log alone.
    check: raises Problem for what cannot be asked for. pauses_s: after each try of what a step asks for and cannot be
    had yet.
    """

    def __init__(
        self, records: AutomationRecords, asks: Asks, work: Work, check: Check,
        clock: Callable[[], float] = time.monotonic, pauses_s: Sequence[float] = _PAUSES_S,
    ) -> None:  # fmt: skip
        self._records, self._asks, self._work, self._check, self._clock = records, asks, work, check, clock
        self._known: OrderedDict[str, tuple[float, Integration | None]] = OrderedDict()
        self._calls, self._strangers = Bucket(1000, 50, clock), Bucket(20, 0.2, clock)
        self._waiting: OrderedDict[_Call, None] = OrderedDict()
        self._pauses_s, self._put_off = tuple(pauses_s), dict[Wish, _PutOff]()
        self._unkept, self._in_hand = set[Wish](), set[Wish]()
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
        if ask is None:
            await self._note_call(user)
        else:
            self._check(ask)
            with self._in_hand_is(wish := Wish(user, asset_id, ask)):
                await self._keep(wish, 0)
                await self._note_call(user)
        self._take(user, asset_id, ask)

    def forget(self, user: str) -> None:
        """Has what is set up for somebody read anew, as after it was changed."""
        self._known.pop(user, None)

    async def run(self) -> None:
        """Does the work, two at once, until cancelled: first what was left when the gateway was stopped."""
        try:
            await asyncio.gather(self._recall(), *(self._go_on() for _ in range(_AT_ONCE)))
        finally:
            for put_off in self._put_off.values():
                put_off.stop()
            self._put_off.clear()

    async def _recall(self) -> None:
        for wish, tries in await until_up(self._asks.all, "what steps asked for before is read later"):
            # What was asked for since the start is no wish of before, and seen to.
            if wish in self._in_hand or wish in self._put_off or (wish.user, wish.asset_id, wish.ask) in self._waiting:
                continue
            self._put_off[wish] = _PutOff(tries)
            self._take(wish.user, wish.asset_id, wish.ask)

    @contextmanager
    def _in_hand_is(self, wish: Wish) -> Iterator[None]:
        self._in_hand.add(wish)
        try:
            yield
        finally:
            self._in_hand.discard(wish)

    async def _go_on(self) -> None:
        while True:
            while not self._waiting:
                self._news.clear()
                await self._news.wait()
            (user, asset_id, ask), _ = self._waiting.popitem(last=False)
            if ask is None:
                await self._consider(user, asset_id)
            else:
                wish = Wish(user, asset_id, ask)
                with self._in_hand_is(wish):
                    await self._grant(wish)

    async def _consider(self, user: str, asset_id: str) -> None:
        """Does what rules want of a photo."""
        try:
            await self._work(user, asset_id, None)
        except (ServiceError, NotNow) as error:
            log.info("a call is left to the reconciler", asset=asset_id, error=str(error))
        except Exception as error:  # one odd photo must not leave all others waiting
            log.error("a call failed", asset=asset_id, exc_info=error)

    async def _grant(self, wish: Wish) -> None:
        """Does what a step asks for, or has it wait."""
        if wish in self._put_off and not await self._is_wanted(wish):
            self._put_off.pop(wish, None)  # it may have been asked for once more meanwhile, and be seen to
            return
        try:
            await self._work(wish.user, wish.asset_id, wish.ask)
        except (ServiceError, NotNow) as error:
            if isinstance(error, NotNow | Conflict) or error.retriable:
                if await self._is_wanted(wish) and self._wait_with(wish, str(error)):
                    await self._keep(wish, self._put_off[wish].tries)
                    return
            else:
                log.warning("what a step asked for cannot be made", asset=wish.asset_id, error=str(error))
        except Exception as error:  # one odd photo must not leave all others waiting
            log.error("a call failed", asset=wish.asset_id, exc_info=error)
        self._put_off.pop(wish, None)
        await self._drop(wish)

    def _take(self, user: str, asset_id: str, ask: Ask | None) -> None:
        if ask is not None and (put_off := self._put_off.get(Wish(user, asset_id, ask))) is not None:
            put_off.stop()  # asked for once more, or its pause is over
        if len(self._waiting) < _WAITING:
            self._waiting[(user, asset_id, ask)] = None
            self._news.set()
        elif ask is not None:
            wish = Wish(user, asset_id, ask)
            if not self._wait_with(wish, "too many calls wait"):
                spawn("a wish that is given up", self._drop(wish))
        else:
            log.warning("calls are left to the reconciler: too many wait", waiting=len(self._waiting))

    def _wait_with(self, wish: Wish, why: str) -> bool:
        """Has a wish wait until its next try, which is later each time; gives it up in the end, and is False then."""
        put_off = self._put_off.get(wish, _PutOff())
        if put_off.tries >= len(self._pauses_s) or len(self._put_off) - (wish in self._put_off) >= _PUT_OFF:
            self._put_off.pop(wish, None)
            log.warning(
                "what a step asked for is given up", user=wish.user, asset=wish.asset_id, ask=wish.ask, error=why,
                tries=put_off.tries + 1,
            )  # fmt: skip
            return False
        pause_s = self._pauses_s[put_off.tries]
        put_off.stop()
        put_off.tries += 1
        again = asyncio.get_running_loop().call_later(pause_s, self._take, wish.user, wish.asset_id, wish.ask)
        put_off.timer = again
        self._put_off[wish] = put_off
        log.info("what a step asked for waits", asset=wish.asset_id, error=why, pause_s=pause_s)
        return True

    async def _keep(self, wish: Wish, tries: int) -> None:
        try:
            await self._asks.keep(wish, tries)
            self._unkept.discard(wish)
        except ServiceError as error:
            self._unkept.add(wish)
            log.warning("what a step asks for would not outlive a restart", asset=wish.asset_id, error=error.message)

    async def _is_wanted(self, wish: Wish) -> bool:
        """Whether a wish was neither seen to by another gateway nor forgotten with all that is its person's."""
        if wish in self._unkept:
            return True
        try:
            return await self._asks.is_kept(wish)
        except ServiceError:
            return True

    async def _drop(self, wish: Wish) -> None:
        self._unkept.discard(wish)
        try:
            await self._asks.drop(wish)
        except ServiceError as error:  # it is tried once more after a restart, and found to be there
            log.info("a wish that was seen to stays", asset=wish.asset_id, error=error.message)

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
