"""Who is connected, and stays so: sockets and live sessions end with the session they were opened by."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from immichvr_common.errors import ServiceError, Unavailable
from immichvr_common.logs import get_log

from immichvr_gateway.auth.sessions import Sessions
from immichvr_gateway.auth.visitors import Visitor
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.library import Identity, LibraryUnavailable, SignInFailed

log = get_log(__name__)

_LOOK_S = 5.0
_AWAY_S = 600.0
"""So long a connection outlives the last time that the library took its credential, where the library is away."""
_ASKED_AT_ONCE = 8


@dataclass(eq=False)
class Presence:
    """One connection. end: closes it, telling why; confirmed_at: when it was last known to be welcome."""

    visitor: Visitor
    end: Callable[[Problem], None]
    confirmed_at: float


class Presences:
    """Every connection of this gateway. clock: monotonic, seconds."""

    def __init__(self, sessions: Sessions, clock: Callable[[], float] = time.monotonic) -> None:
        self._sessions, self._clock = sessions, clock
        self._present: set[Presence] = set()
        sessions.on_end = self.session_ended

    @property
    def people(self) -> list[Identity]:
        """Who is connected now."""
        return [presence.visitor.who for presence in self._present]

    def enter(self, visitor: Visitor, end: Callable[[Problem], None]) -> Presence:
        """Somebody who has just been recognised connects."""
        presence = Presence(visitor, end, self._clock())
        self._present.add(presence)
        return presence

    def leave(self, presence: Presence) -> None:
        """A connection has ended; may be told twice."""
        self._present.discard(presence)

    def session_ended(self, name: str, words: str) -> None:
        """Ends at once what was opened by a session."""
        self._end([one for one in self._present if one.visitor.session == name], _signed_out(words))

    async def watch(self) -> None:
        """Looks every few seconds whether everybody is welcome still, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                await self.look()
            except Exception as error:  # one odd connection must not leave all others unwatched
                log.error("who is connected cannot be looked at", exc_info=error)

    async def look(self) -> None:
        """Ends the connections of those who are not welcome any more. The library is asked once a minute each."""
        by_visitor: dict[Visitor, list[Presence]] = defaultdict(list)
        for presence in self._present:
            by_visitor[presence.visitor].append(presence)
        limit = asyncio.Semaphore(_ASKED_AT_ONCE)

        async def look_at(visitor: Visitor, present: list[Presence]) -> None:
            async with limit:
                await self._look_at(visitor, present)

        await asyncio.gather(*(look_at(*one) for one in by_visitor.items()))

    async def _look_at(self, visitor: Visitor, present: list[Presence]) -> None:
        now = self._clock()
        try:
            await self._sessions.confirm(visitor)
        except SignInFailed as refusal:
            self._end(present, _signed_out(refusal.message))
        except (LibraryUnavailable, Unavailable, ServiceError) as error:
            # That the library is away is no refusal; but what it last said is not believed for ever.
            too_old = [one for one in present if now - one.confirmed_at > _AWAY_S]
            self._end(too_old, Problem(503, "unavailable", f"nobody can say who you are now: {error.message}"))
        else:
            for one in present:
                one.confirmed_at = now

    def _end(self, ending: list[Presence], problem: Problem) -> None:
        for presence in ending:
            self._present.discard(presence)
            presence.end(problem)


def _signed_out(words: str) -> Problem:
    return Problem(401, "unauthorized", f"your session has ended: {words}")
