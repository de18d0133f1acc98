"""Who is asking: a key or password is exchanged once for an HttpOnly cookie.

Sessions lie sealed in the bucket `state`, so that a restart signs nobody out and a backup gives no key away. A session
is good as long as the library takes what it was begun with, which is asked again every minute.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import nats.errors
from immichvr_common.bus import Bus
from immichvr_common.bus.connection import OUTAGES
from immichvr_common.errors import ServiceError, Unavailable
from immichvr_common.logs import get_log
from nats.aio.msg import Msg

from immichvr_gateway.attempts import Attempts
from immichvr_gateway.library import Identity, Library, SignInFailed
from immichvr_gateway.sealed import LIFETIME_S, SealedSessions, Session
from immichvr_gateway.settings import GatewaySettings
from immichvr_gateway.visitors import Shown, Visitor

log = get_log(__name__)

_REMEMBERED = 4096
_READ_AGAIN_S = 50.0
"""How long a session is believed to lie in the bucket still: where another gateway ended it, and did not say so."""
_REFUSED_S = 60.0
_TIDY_S = 6 * 3600.0
_ENDED = "gateway.session.ended"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_THE_TOKEN = "the access token"  # noqa: S105  # what it is called, not what it is

Ended = Callable[[str, str], None]


@dataclass(frozen=True)
class _Known:
    session: Session
    read_at: float


class Sessions:
    """Knows people by their cookie, or by the key they send with a request.

    on_end: told of a session that has ended, by name, and why in words. clock: monotonic, seconds.
    """

    def __init__(
        self, settings: GatewaySettings, library: Library, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings, self._library, self._clock = settings, library, clock
        self.on_end: Ended = lambda name, words: None
        self._attempts = Attempts(clock)
        self._stored = SealedSessions(settings.session_key.get_secret_value() or secrets.token_urlsafe(32))
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._keys: OrderedDict[str, Identity] = OrderedDict()
        self._refused_keys: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._bus: Bus | None = None

    async def use(self, bus: Bus) -> None:
        """From now on sessions are stored, and what other gateways end is heard of. Raises nats' errors.

        Safe to call again.
        """
        if self._bus is bus:
            return
        self._stored.use(bus)
        await bus.client.subscribe(_ENDED, cb=self._heard_of_end)
        for name, known in list(self._known.items()):
            await self._stored.put(name, known.session)
        self._bus = bus

    async def who(self, shown: Shown) -> Identity | None:
        """The person behind a request. As `visitor`."""
        visitor = await self.visitor(shown)
        return None if visitor is None else visitor.who

    async def visitor(self, shown: Shown) -> Visitor | None:
        """Who this is, or None where nothing, or no cookie of a session, is shown.

        Raises SignInFailed with the reason where what is shown is refused, Problem (429) where too much was,
        Unavailable or LibraryUnavailable where that cannot be told just now.
        """
        visitor = await self.recognised(shown)
        if visitor is None:
            return None
        await self.confirm(visitor)
        # While the library was asked, the session may have been ended here.
        return visitor if not visitor.session or await self._find(visitor.session) else None

    async def recognised(self, shown: Shown) -> Visitor | None:
        """As `visitor`, without asking whether the library takes the credential still."""
        if self._settings.is_open:
            return Visitor(Identity.local())
        token = shown.authorization.removeprefix("Bearer ")
        # A proxy may send a token of its own to a gateway that has none.
        has_other = bool(shown.api_key or shown.cookie) and not self._settings.access_token.get_secret_value()
        if token != shown.authorization and not has_other:
            return Visitor(await self._by_token(token, shown))
        if shown.api_key and self._library.kind == "immich":
            return Visitor(await self._by_key(shown))
        if not _TOKEN.fullmatch(shown.cookie):
            return None
        name = name_of(shown.cookie)
        session = await self._find(name)
        return None if session is None else Visitor(session.identity, name)

    async def confirm(self, visitor: Visitor) -> None:
        """Returns while somebody recognised before is welcome still.

        Raises SignInFailed where they are not any more, and ends the session; LibraryUnavailable, Unavailable where
        that cannot be told.
        """
        if visitor.session and await self._find(visitor.session) is None:
            raise SignInFailed("this session has ended")
        try:
            await self._library.confirm(visitor.who)
        except SignInFailed as refusal:
            await self._forget(visitor, refusal.message)
            raise

    async def sign_in(self, shown: Shown, api_key: str, email: str, password: str, token: str) -> tuple[str, Identity]:
        """A new session's cookie; one that was shown is ended. Raises SignInFailed, Problem, Unavailable."""
        by_token = bool(token)
        if by_token:
            identity = await self._by_token(token, shown)
        elif self._library.kind != "immich":
            raise SignInFailed("this gateway serves a folder: sign in with its access token")
        elif api_key:
            identity = await self._of_key(api_key, shown)
        else:
            identity = await self._of_password(email, password, shown)
        cookie = secrets.token_urlsafe(32)
        session = Session(identity, time.time() + LIFETIME_S, self._access_token_mark() if by_token else "")
        await self._stored.put(name_of(cookie), session)
        self._remember(name_of(cookie), session)
        try:
            await self.sign_out(shown.cookie)
        except Unavailable as error:
            log.warning("the session before this one goes on", error=error.message)
        return cookie, identity

    async def sign_out(self, cookie: str) -> None:
        """Ends a session: here, in every gateway, and in the library. Raises Unavailable."""
        if not _TOKEN.fullmatch(cookie):
            return
        name = name_of(cookie)
        session = await self._find(name)
        if session is None:
            return
        await self._end(name, "you have signed out")
        try:
            await self._library.sign_out(session.identity)
        except ServiceError as error:
            log.warning("the library was not told that a session ended", error=error.message)

    async def keep_tidy(self) -> None:
        """Removes stored sessions that are too old to be used, now and then, until cancelled."""
        while True:
            try:
                await self._stored.remove_expired()
            except (Unavailable, *OUTAGES, nats.errors.Error) as error:
                log.debug("old sessions stay for now", error=str(error))
            await asyncio.sleep(_TIDY_S)

    def _is_access_token(self, token: str) -> bool:
        expected = self._settings.access_token.get_secret_value()
        return bool(expected) and hmac.compare_digest(token.encode(), expected.encode())

    def _access_token_mark(self) -> str:
        return hashlib.sha256(b"access token\0" + self._settings.access_token.get_secret_value().encode()).hexdigest()

    async def _service(self) -> Identity:
        if self._library.kind == "folder":
            return Identity.local()
        identity = await self._library.identity_of_service()
        if identity is None:
            raise SignInFailed("the gateway has no Immich key of its own (IMMICH_API_KEY); sign in with yours")
        return identity

    async def _by_token(self, token: str, shown: Shown) -> Identity:
        attempt = self._attempts.begin("access token", shown.caller.address, _THE_TOKEN)
        if not self._is_access_token(token):
            self._attempts.failed(attempt)
            raise SignInFailed("this access token is not the gateway's")
        self._attempts.succeeded(attempt)
        return await self._service()

    async def _by_key(self, shown: Shown) -> Identity:
        name = hashlib.sha256(shown.api_key.encode()).hexdigest()
        known = self._keys.get(name)
        if known is not None:
            return known
        refused_until, words = self._refused_keys.get(name, (0.0, ""))
        if self._clock() < refused_until:
            raise SignInFailed(words)  # the same wrong key again is no other guess
        try:
            identity = await self._of_key(shown.api_key, shown)
        except SignInFailed as refusal:
            self._refused_keys[name] = (self._clock() + _REFUSED_S, refusal.message)
            _keep_newest(self._refused_keys)
            raise
        self._keys[name] = identity
        _keep_newest(self._keys)
        return identity

    async def _of_key(self, api_key: str, shown: Shown) -> Identity:
        return await self._tried("api key", shown, "", api_key=api_key)

    async def _of_password(self, email: str, password: str, shown: Shown) -> Identity:
        return await self._tried("password", shown, email, email=email or None, password=password or None)

    async def _tried(self, way: str, shown: Shown, account: str, **given: str | None) -> Identity:
        """Who the library says this is, as often as may be tried."""
        attempt = self._attempts.begin(way, shown.caller.address, account)
        try:
            identity = await self._library.sign_in(**given, caller=shown.caller)
        except SignInFailed:
            self._attempts.failed(attempt)
            raise
        except ServiceError:
            self._attempts.undecided(attempt)
            raise
        self._attempts.succeeded(attempt)
        return identity

    async def _find(self, name: str) -> Session | None:
        """The session of that name, as it was in the bucket a minute ago at most. Raises Unavailable."""
        known = self._known.get(name)
        if known is not None and self._clock() - known.read_at < _READ_AGAIN_S:
            session: Session | None = known.session
        elif self._bus is None and known is None:
            raise Unavailable("the gateway is starting: NATS has not answered yet", down="nats")
        else:
            session = await self._read(name, known)
        if session is None or session.expires < time.time() or not self._is_of_todays_token(session):
            self._known.pop(name, None)
            return None
        return session

    async def _read(self, name: str, known: _Known | None) -> Session | None:
        if self._bus is None:
            return known.session if known else None
        try:
            session = await self._stored.get(name)
        except Unavailable:
            if known is None:
                raise
            return known.session  # that NATS is away ends nobody's session
        if session is not None:
            self._remember(name, session)
        return session

    def _is_of_todays_token(self, session: Session) -> bool:
        """A session that the access token began ends when that is changed."""
        return session.token in ("", self._access_token_mark())

    async def _forget(self, visitor: Visitor, words: str) -> None:
        if visitor.session:
            try:
                await self._end(visitor.session, words)
            except Unavailable as error:
                log.warning("a session that has ended is still stored", error=error.message)
                self._ended_here(visitor.session, words)
        for name, identity in list(self._keys.items()):
            if identity.credential == visitor.who.credential:
                del self._keys[name]

    async def _end(self, name: str, words: str) -> None:
        await self._stored.remove(name)
        self._ended_here(name, words)
        if self._bus is not None:
            await self._bus.client.publish(_ENDED, f"{name} {words}".encode())

    async def _heard_of_end(self, message: Msg) -> None:
        name, _, words = message.data.decode(errors="replace").partition(" ")
        self._ended_here(name, words)

    def _ended_here(self, name: str, words: str) -> None:
        self._known.pop(name, None)
        self.on_end(name, words)

    def _remember(self, name: str, session: Session) -> None:
        self._known[name] = _Known(session, self._clock())
        self._known.move_to_end(name)
        _keep_newest(self._known)


def _keep_newest(cache: OrderedDict[str, Any]) -> None:
    if len(cache) > _REMEMBERED:
        cache.popitem(last=False)


def name_of(cookie: str) -> str:
    """What a session is called where it is stored; says nothing of the cookie."""
    return "session." + hashlib.sha256(cookie.encode()).hexdigest()
