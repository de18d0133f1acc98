"""How often somebody may try to sign in: by where they are, and by the account they try.

A few tries are free; then each failure is followed by a wait, twice as long as the one before. Only failures count.
An account that is tried from many places is slowed down for all who keep failing at it, and for nobody else: from
every place, three tries in a quarter of an hour are heard whatever happens elsewhere. So nobody can shut an owner out
from another place.
"""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from immichvr_common.logs import get_log

from immichvr_gateway.http.problems import Problem

log = get_log(__name__)

_OF_PLACE, _OF_ACCOUNT = 10, 5
"""Failures that are free."""
_OWN_TRIES, _OWN_S = 3, 900.0
"""From each place so many failures at an account are borne in so long, though it is closed for others."""
_REFILL_S = 30.0
"""A free failure comes back after so long."""
_SHORTEST_WAIT_S, _LONGEST_WAIT_S = 2.0, 900.0
_FORGIVEN_S = 3600.0
"""After so long without a failure, waits begin short again."""
_REMEMBERED = 10_000


@dataclass
class _Tally:
    """Failures lately; `strikes` waits have been imposed, the last until `closed_until`."""

    free: float
    at: float
    strikes: int = 0
    closed_until: float = 0.0


@dataclass
class _Own:
    """Failures at an account from one place since the last success; the newest was `at`. known: there was a success."""

    failures: int
    at: float
    known: bool


@dataclass
class Attempt:
    """One try to sign in. account: hashed; empty where none was named. closed: what it closed, if it fails."""

    way: str
    place: str
    account: str = field(default="", repr=False)
    closed: list[_Tally] = field(default_factory=list, repr=False)


class Attempts:
    """What is known of failed tries; bounded in memory, and forgotten with the process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._places: OrderedDict[str, _Tally] = OrderedDict()
        self._accounts: OrderedDict[str, _Tally] = OrderedDict()
        self._pairs: OrderedDict[tuple[str, str], _Own] = OrderedDict()

    def begin(self, way: str, address: str, account: str = "") -> Attempt:
        """Counts a try as failed until it has succeeded. Raises Problem (429) while it is too early for another.

        way: what is shown, for the log; account: as it was given, such as an e-mail address.
        """
        named = hashlib.sha256(account.strip().lower().encode()).hexdigest() if account else ""
        attempt = Attempt(way, place_of(address), named)
        wait_s = max(self._wait_for_place(attempt), self._wait_for_account(attempt))
        if wait_s > 0:
            seconds = max(1, int(wait_s + 0.999))
            raise Problem(
                429, "too_many_attempts", f"too many attempts to sign in failed; try again in {seconds} s",
                {"Retry-After": str(seconds)}, retry_after_s=seconds,
            )  # fmt: skip
        self._strike(attempt, self._places, attempt.place, _OF_PLACE)
        if named:
            self._strike(attempt, self._accounts, named, _OF_ACCOUNT)
            self._note(attempt, self._own(attempt) + 1, self._is_known(attempt))
        return attempt

    def failed(self, attempt: Attempt) -> None:
        """Tells of a failed try in the log."""
        log.warning("a sign-in was refused", way=attempt.way, address=attempt.place)

    def succeeded(self, attempt: Attempt) -> None:
        """Takes back what this try, and those before it at this account from here, had counted."""
        failures = max(1, self._own(attempt))
        self._give_back(attempt, failures)
        if attempt.account:
            self._note(attempt, 0, known=True)

    def undecided(self, attempt: Attempt) -> None:
        """Takes back a try that nobody could answer, as while Immich is away."""
        self._give_back(attempt, 1)
        if attempt.account:
            self._note(attempt, max(0, self._own(attempt) - 1), self._is_known(attempt))

    def _wait_for_place(self, attempt: Attempt) -> float:
        # Others who fail here do not cost whoever signed in from here before the first try.
        if self._is_known(attempt) and self._own(attempt) == 0:
            return 0.0
        return self._wait(self._places, attempt.place)

    def _wait_for_account(self, attempt: Attempt) -> float:
        if self._own(attempt) < _OWN_TRIES:
            return 0.0
        return self._wait(self._accounts, attempt.account)

    def _own(self, attempt: Attempt) -> int:
        own = self._pairs.get((attempt.place, attempt.account))
        return 0 if own is None or self._clock() - own.at > _OWN_S else own.failures

    def _is_known(self, attempt: Attempt) -> bool:
        own = self._pairs.get((attempt.place, attempt.account))
        return own is not None and own.known

    def _wait(self, tallies: OrderedDict[str, _Tally], key: str) -> float:
        tally = tallies.get(key)
        return 0.0 if tally is None else tally.closed_until - self._clock()

    def _strike(self, attempt: Attempt, tallies: OrderedDict[str, _Tally], key: str, free: int) -> None:
        now = self._clock()
        tally = tallies.setdefault(key, _Tally(free, now))
        tallies.move_to_end(key)
        if now - tally.at > _FORGIVEN_S:
            tally.free, tally.strikes = float(free), 0
        # Once there are waits, they are the only way on.
        come_back = 0.0 if tally.strikes else (now - tally.at) / _REFILL_S
        tally.free = min(float(free), tally.free + come_back) - 1
        tally.at = now
        if tally.free < 0:
            tally.free = 0
            wait_s = min(_LONGEST_WAIT_S, _SHORTEST_WAIT_S * 2.0**tally.strikes)
            tally.strikes, tally.closed_until = min(tally.strikes + 1, 30), now + wait_s
            attempt.closed.append(tally)
            log.warning("too many sign-ins were refused", way=attempt.way, address=attempt.place, wait_s=wait_s)
        if len(tallies) > _REMEMBERED:
            tallies.popitem(last=False)

    def _give_back(self, attempt: Attempt, failures: int) -> None:
        for closed in attempt.closed:
            closed.closed_until, closed.strikes = 0.0, closed.strikes - 1
        for tallies, key, free in (
            (self._places, attempt.place, _OF_PLACE),
            (self._accounts, attempt.account, _OF_ACCOUNT),
        ):
            tally = tallies.get(key)
            if tally is None:
                continue
            # What closed it had nothing left to take.
            tally.free = min(float(free), tally.free + failures - any(tally is one for one in attempt.closed))
            if tally.free >= free:
                del tallies[key]

    def _note(self, attempt: Attempt, failures: int, known: bool) -> None:
        key = (attempt.place, attempt.account)
        self._pairs[key] = _Own(failures, self._clock(), known)
        self._pairs.move_to_end(key)
        if len(self._pairs) > _REMEMBERED:
            self._pairs.popitem(last=False)


def place_of(address: str) -> str:
    """What stands for an address: itself, or its /64 where it is of IPv6, as one household has the whole of that."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(known)
