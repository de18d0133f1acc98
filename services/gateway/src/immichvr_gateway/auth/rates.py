"""How often one person may ask: two measures for each, what reads and what changes something.

A measure is a bucket that holds a minute's worth and fills steadily (draft-ietf-httpapi-ratelimit-headers says how
clients are told). Kept in memory, per gateway.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Scope

from immichvr_gateway.auth.attempts import place_of
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.library import Identity
from immichvr_gateway.settings import GatewaySettings

_WINDOW_S = 60
_REMEMBERED = 10_000
_TOLD = "immichvr.rate"
"""Where it is noted in a request's ASGI scope what its answer says: in a list, which the scope's copies share."""


@dataclass(frozen=True)
class Told:
    """What an answer says of a measure. quota: in a minute; left: of it; full_s: until all of it is there again."""

    measure: str
    quota: int
    left: int
    full_s: int

    @property
    def headers(self) -> dict[str, str]:
        """The headers that say it."""
        return {
            "RateLimit-Policy": f'"{self.measure}";q={self.quota};w={_WINDOW_S}',
            "RateLimit": f'"{self.measure}";r={self.left};t={self.full_s}',
        }


class Rates:
    """Counts requests of everybody. On a gateway that is open there is one person, and no measure."""

    def __init__(self, settings: GatewaySettings, clock: Callable[[], float] = time.monotonic) -> None:
        limits = settings.limits
        self._quotas = {"requests": limits.requests_per_minute, "changes": limits.changes_per_minute}
        self._is_open, self._clock = settings.is_open, clock
        # How much was taken, and when that was; what is not there has taken nothing.
        self._taken: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def count(self, who: Identity, scope: Scope) -> None:
        """Counts a request, once however often it is looked at. Raises Problem (429) where it is one too many."""
        note = noted_in(scope)
        if self._is_open or note:
            return
        measure = "requests" if scope.get("method") in ("GET", "HEAD", "OPTIONS") else "changes"
        quota, now, name = self._quotas[measure], self._clock(), (_whose(who, scope), measure)
        taken, at = self._taken.get(name, (0.0, now))
        taken = max(0.0, taken - (now - at) * quota / _WINDOW_S)
        is_one_too_many = taken + 1 > quota
        taken += 0 if is_one_too_many else 1
        self._taken[name] = (taken, now)
        self._taken.move_to_end(name)
        if len(self._taken) > _REMEMBERED:
            self._taken.popitem(last=False)
        note.append(Told(measure, quota, int(quota - taken), math.ceil(taken * _WINDOW_S / quota)))
        if is_one_too_many:
            wait_s = max(1, math.ceil((taken + 1 - quota) * _WINDOW_S / quota))
            raise Problem(
                429, "too_many_requests", f"more than {quota} {measure} within a minute; go on in {wait_s} s",
                {"Retry-After": str(wait_s)},
            )  # fmt: skip


def _whose(who: Identity, scope: Scope) -> str:
    """Whose measure it is: a person's, or that of those who follow a share link from one place.

    Everybody with a link is one visitor; nobody shall use it up for all others.
    """
    client = scope.get("client")
    return who.user_id if who.user is not None else f"{who.user_id} {place_of(client[0] if client else '')}"


def noted_in(scope: Scope) -> list[Told]:
    """What the answer to a request says of its measure, once it is counted; also in copies made of the scope since."""
    note: list[Told] = scope.setdefault(_TOLD, [])
    return note


def told_of(scope: Scope) -> dict[str, str]:
    """Headers that say how much the person behind a request has left; nothing where nobody was counted."""
    return {name: value for told in noted_in(scope) for name, value in told.headers.items()}
