"""Signing in on a device without a keyboard: it shows six digits, and whoever has signed in elsewhere confirms them."""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from immichvr_common.errors import Conflict, ServiceError
from immichvr_common.logs import get_log
from pydantic import SecretStr

from immichvr_gateway.auth.attempts import Attempts, place_of
from immichvr_gateway.auth.sealed import LIFETIME_S
from immichvr_gateway.auth.sessions import Sessions
from immichvr_gateway.auth.slips import WAITS_S, Slips, hashed
from immichvr_gateway.auth.visitors import Shown, Visitor
from immichvr_gateway.http.problems import Problem, not_found
from immichvr_gateway.library import Caller, Credential, Identity, Library
from immichvr_gateway.library.immich.accounts import Accounts

log = get_log(__name__)

_OF_PLACE, _OF_ALL = 5, 1000
"""Codes that may be shown at once, of those who ask from one place, and by this gateway."""
_TRIES = 20
_COOKIE = re.compile(r"([0-9]{6})\.([A-Za-z0-9_-]{43})")

State = Literal["waiting", "confirmed", "refused"]


@dataclass(frozen=True)
class Asked:
    """A device that asks to be let in. secret: a hash of what it alone knows; who, parent: once it was confirmed."""

    id: str
    secret: str
    device: str
    address: str
    at: float
    state: State = "waiting"
    user_id: str = ""
    name: str = ""
    kind: str = ""
    credential: str = ""
    parent: str = ""


@dataclass(frozen=True)
class Waiting:
    """What a device is given. code: to be shown; id: to be asked with, beside the cookie."""

    code: str
    id: str
    cookie: str


class Pairing:
    """Devices that ask, until `WAITS_S` later. accounts: Immich's, where that is the library. clock: of the day."""

    def __init__(
        self,
        sessions: Sessions,
        library: Library,
        slips: Slips,
        accounts: Accounts | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sessions, self._library, self._accounts, self._clock = sessions, library, accounts, clock
        self._slips = slips
        slips.on_expired = self._undo
        # Of their own: whoever mistypes a code does not keep their household from signing in.
        self._attempts = Attempts()
        self._shown: dict[str, list[float]] = defaultdict(list)

    async def begin(self, caller: Caller) -> Waiting:
        """A device asks. Raises Problem (429) where too many do, Unavailable."""
        self._make_room(place_of(caller.address))
        cookie = secrets.token_urlsafe(32)
        asked = Asked(secrets.token_urlsafe(16), hashed(cookie), caller.device, caller.address, self._clock())
        for _ in range(_TRIES):
            code = f"{secrets.randbelow(1_000_000):06d}"
            there, revision = await self._read(code)
            if there is not None:
                continue
            try:
                await self._write(code, asked, revision)
            except Conflict:
                continue
            return Waiting(code, asked.id, f"{code}.{cookie}")
        raise Problem(503, "unavailable", "too many devices ask to be let in at once; try again in a minute")

    async def look(self, visitor: Visitor, code: str, caller: Caller) -> Asked:
        """Which device shows this code. Raises Problem: 404 for one that none shows, 429 after a few such."""
        return (await self._guessed(visitor, code, caller))[0]

    async def confirm(self, visitor: Visitor, code: str, asked_id: str, caller: Caller) -> None:
        """Lets the device in that was looked at, as this person. Raises Problem, Conflict, Unavailable."""
        if not visitor.session:
            raise Conflict("confirm it in a browser where you have signed in, so that it can end with that")
        asked, revision = await self._guessed(visitor, code, caller)
        if asked.id != asked_id or asked.state != "waiting":
            raise Conflict("this is not the device that you looked at, or it was answered already")
        child = visitor.who
        if self._accounts is not None:
            child = await self._accounts.child_of(child, asked.device, LIFETIME_S)
        facts = {
            **asdict(asked), "state": "confirmed", "user_id": child.user_id, "name": child.name,
            "kind": child.credential.kind, "credential": child.credential.secret.get_secret_value(),
            "parent": visitor.session,
        }  # fmt: skip
        try:
            await self._write(code, Asked(**facts), revision)
        except ServiceError:
            if child.credential != visitor.who.credential:
                await self._sessions.end_in_library(child)
            raise
        log.info("a device is let in", device=asked.device, user=child.user_id)

    async def refuse(self, visitor: Visitor, code: str, asked_id: str, caller: Caller) -> None:
        """Sends away the device that was looked at. Raises Problem, Conflict, Unavailable."""
        asked, revision = await self._guessed(visitor, code, caller)
        if asked.id != asked_id or asked.state != "waiting":
            raise Conflict("this is not the device that you looked at, or it was answered already")
        await self._write(code, Asked(**{**asdict(asked), "state": "refused"}), revision)

    async def claim(self, shown: Shown, cookie: str, asked_id: str) -> tuple[str, str]:
        """How it stands with a device that asked, and once it was confirmed, its session's cookie: once.

        `waiting`, `refused`, `expired` or `signed_in`. Raises Unavailable.
        """
        match = _COOKIE.fullmatch(cookie)
        asked, revision = await self._read(match[1]) if match else (None, 0)
        if match is None or asked is None:
            return "expired", ""
        # The page knows the id, so that a cookie that somebody laid in its browser asks for nothing.
        if not hmac.compare_digest(asked.secret, hashed(match[2])) or not hmac.compare_digest(asked.id, asked_id):
            return "expired", ""
        if asked.state != "confirmed":
            return asked.state, ""
        if not await self._slips.take(match[1], revision):
            return "expired", ""
        return "signed_in", await self._sessions.begin(_let_in_as(asked), shown, "pairing code", asked.parent)

    async def _undo(self, facts: dict[str, Any]) -> None:
        """Ends the library's session of a device that was confirmed and got none here. Raises LibraryUnavailable."""
        asked = Asked(**facts)
        if asked.state == "confirmed":
            await self._library.sign_out(_let_in_as(asked))

    def _make_room(self, place: str) -> None:
        """Counts a code that is shown to somebody there. Raises Problem (429)."""
        now = self._clock()
        for one in [one for one, times in self._shown.items() if times[-1] < now - WAITS_S]:
            del self._shown[one]
        lately = [at for at in self._shown.get(place, ()) if at >= now - WAITS_S]
        if len(lately) >= _OF_PLACE or len(self._shown) >= _OF_ALL:
            wait_s = max(1, round(lately[0] + WAITS_S - now)) if lately else WAITS_S
            raise Problem(
                429, "too_many_attempts", f"too many devices ask to be let in; try again in {wait_s} s",
                {"Retry-After": str(wait_s)}, retry_after_s=wait_s,
            )  # fmt: skip
        self._shown[place] = [*lately, now]

    async def _guessed(self, visitor: Visitor, code: str, caller: Caller) -> tuple[Asked, int]:
        attempts = self._attempts
        attempt = attempts.begin("pairing code", caller.address, f"pairing by {visitor.who.user_id}")
        try:
            asked, revision = await self._read(code)
        except ServiceError:
            attempts.undecided(attempt)
            raise
        if asked is None:
            attempts.failed(attempt)
            raise not_found("no device shows this code, or not any more")
        # Only this try is taken back: whoever has a code of their own does not wipe out guesses at others' with it.
        attempts.undecided(attempt)
        return asked, revision

    async def _read(self, code: str) -> tuple[Asked | None, int]:
        facts, revision = await self._slips.read(code)
        return None if facts is None else Asked(**facts), revision

    async def _write(self, code: str, asked: Asked, revision: int) -> None:
        await self._slips.write(code, asdict(asked), revision)


def _let_in_as(asked: Asked) -> Identity:
    credential = Credential(asked.kind, SecretStr(asked.credential))  # type: ignore[arg-type]  # as it was written
    return Identity(asked.user_id, asked.name, credential)
