"""Who is asking: a key or password is exchanged once for an HttpOnly cookie.

Sessions lie sealed in the bucket `state`, so that a restart signs nobody out and a backup gives no key away. A session
is good as long as the library takes what it was begun with, which is asked again every minute.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from immichvr_common.bus import Bus, BusMessage
from immichvr_common.errors import ServiceError, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.retrying import forever
from immichvr_common.supervision import spawn
from starlette.types import Scope

from immichvr_gateway.auth.attempts import Attempts
from immichvr_gateway.auth.credentials import Credentials
from immichvr_gateway.auth.sealed import LIFETIME_S, SealedSessions, Session
from immichvr_gateway.auth.visitors import Shown, Visitor, shown_by
from immichvr_gateway.http.problems import Problem, as_problem
from immichvr_gateway.library import Identity, Library, SignInFailed
from immichvr_gateway.library.immich.accounts import Accounts
from immichvr_gateway.library.immich.sharing import SharedLinks
from immichvr_gateway.settings import GatewaySettings

log = get_log(__name__)

_REMEMBERED = 4096
_READ_AGAIN_S = 50.0
"""How long a session is believed to lie in the bucket still: where another gateway ended it, and did not say so."""
_TIDY_S = 6 * 3600.0
_ENDED = "gateway.session.ended"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_SEEN_EVERY_S = 600.0
LINK_OPEN_S = 24 * 3600
"""So long Immich takes it that a link's password was given."""

Ended = Callable[[str, str], None]


@dataclass(frozen=True)
class _Known:
    session: Session
    read_at: float


class Sessions:
    """Knows people by their cookie, or by the key they send with a request.

    on_end: told of a session that has ended, by name, and why in words. clock: monotonic, seconds. links,
    accounts: Immich's, where that is the library.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        library: Library,
        clock: Callable[[], float] = time.monotonic,
        links: SharedLinks | None = None,
        accounts: Accounts | None = None,
    ) -> None:
        self._settings, self._library, self._clock = settings, library, clock
        self.on_end: Ended = lambda name, words: None
        self._credentials = Credentials(settings, library, Attempts(clock), clock, links, accounts)
        self._stored = SealedSessions(settings.session_key.get_secret_value() or secrets.token_urlsafe(32))
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._bus: Bus | None = None

    async def use(self, bus: Bus) -> None:
        """From now on sessions are stored, and what other gateways end is heard of. Raises Unavailable.

        Safe to call again.
        """
        if self._bus is bus:
            return
        self._stored.use(bus)
        await bus.subscribe(_ENDED, self._heard_of_end)
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
        if not visitor.session:
            return visitor
        # While the library was asked, the session may have been ended here.
        if await self._find(visitor.session) is None:
            return None
        self._note_seen(visitor.session)
        return visitor

    async def recognised(self, shown: Shown) -> Visitor | None:
        """As `visitor`, without asking whether the library takes the credential still."""
        if shown.link:  # whoever follows a link is its visitor, whatever else is shown
            return await self._visitor_of_link(shown)
        if self._settings.is_open:
            return Visitor(Identity.local())
        if (who := await self._credentials.sent(shown)) is not None:
            return Visitor(who)
        if not _TOKEN.fullmatch(shown.cookie):
            return None
        name = name_of(shown.cookie)
        session = await self._find(name)
        # A link's password opens the link's own address, and is no sign-in.
        return None if session is None or session.identity.is_share else Visitor(session.identity, name)

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
        given = self._credentials
        if token:
            identity, way = await given.by_token(token, shown), "access token"
        elif self._library.kind != "immich":
            raise SignInFailed("this gateway serves a folder: sign in with its access token")
        elif api_key:
            identity, way = await given.of_key(api_key, shown), "API key"
        else:
            identity, way = await given.of_password(email, password, shown), "password"
        return await self.begin(identity, shown, way, mark=given.token_mark if token else ""), identity

    def token_mark(self, shown: Shown) -> str:
        """The mark of the gateway's access token where that came with a request; empty where it did not."""
        return self._credentials.token_mark if self._credentials.is_access_token_of(shown) else ""

    async def begin(self, who: Identity, shown: Shown, way: str, parent: str = "", mark: str = "") -> str:
        """A new session's cookie, whatever cookie came along; its session is ended. Raises Unavailable.

        Where none is begun, the session that the library gave for it is ended there.

        parent: the session that this one ends with, and whose end it shares. mark: of the access token that it ends
        with, where that is what it is owed to.
        """
        now = time.time()
        cookie = secrets.token_urlsafe(32)
        try:
            above = await self._find(parent) if parent else None
            expires = min(now + LIFETIME_S, above.expires if above else now + LIFETIME_S)
            mark = above.token if above else mark
            await self._keep(cookie, Session(who, expires, mark, way, shown.caller.device, now, now, parent))
        except ServiceError:
            await self.end_in_library(who)
            raise
        try:
            await self.sign_out(shown.cookie)
        except Unavailable as error:
            log.warning("the session before this one goes on", error=error.message)
        return cookie

    async def open_link(self, shown: Shown, password: str) -> str:
        """The cookie of a visitor who gives a share link's password. Raises SignInFailed, Problem, Unavailable."""
        who = await self._credentials.open_link(shown, password)
        cookie = secrets.token_urlsafe(32)
        await self._keep(cookie, Session(who, time.time() + LINK_OPEN_S))
        return cookie

    async def of_account(self, user_id: str) -> dict[str, Session]:
        """Every sign-in of an account that is good still, by name, the newest first. Raises Unavailable."""
        found = await self._stored.of(user_id)
        good = {name: one for name, one in found.items() if self._is_good(one) and one.parent in ("", *found)}
        return dict(sorted(good.items(), key=lambda item: item[1].begun, reverse=True))

    async def end(self, name: str, session: Session, words: str) -> None:
        """Ends a session: here, in every gateway, and in the library. Raises Unavailable."""
        await self._end(name, words)
        await self.end_in_library(session.identity)

    async def end_in_library(self, who: Identity) -> None:
        """Ends the library's session of somebody who has none here, if the library can be told; keys stay."""
        try:
            await self._library.sign_out(who)
        except ServiceError as error:
            log.warning("the library was not told that a session ended", error=error.message)

    async def sign_out(self, cookie: str) -> None:
        """Ends a session: here, in every gateway, and in the library. Raises Unavailable."""
        if not _TOKEN.fullmatch(cookie):
            return
        name = name_of(cookie)
        session = await self._find(name)
        if session is None:
            return
        await self.end(name, session, "you have signed out")

    async def keep_tidy(self) -> None:
        """Removes sessions that are too old to be used, here and in the library, now and then, until cancelled."""
        remove = partial(self._stored.remove_expired, self._library.sign_out)
        await forever(remove, "old sessions stay for now", _TIDY_S)

    async def _find(self, name: str) -> Session | None:
        """The session of that name, as it was in the bucket a minute ago at most. Raises Unavailable."""
        known = self._known.get(name)
        if known is not None and self._clock() - known.read_at < _READ_AGAIN_S:
            session: Session | None = known.session
        elif self._bus is None and known is None:
            raise Unavailable("the gateway is starting: NATS has not answered yet", down="nats")
        else:
            session = await self._read(name, known)
        if session is None or not self._is_good(session):
            self._known.pop(name, None)
            return None
        if session.parent and await self._find(session.parent) is None:
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

    def _is_good(self, session: Session) -> bool:
        """Whether it has not expired; one that the access token began ends when that is changed."""
        return session.expires >= time.time() and session.token in ("", self._credentials.token_mark)

    async def _visitor_of_link(self, shown: Shown) -> Visitor:
        if _TOKEN.fullmatch(shown.link_cookie):
            name = name_of(shown.link_cookie)
            session = await self._find(name)
            if session is not None and session.identity.credential.secret.get_secret_value() == shown.link:
                return Visitor(session.identity, name)
        return Visitor(await self._credentials.by_link(shown))

    async def _keep(self, cookie: str, session: Session) -> None:
        await self._stored.put(name_of(cookie), session)
        self._remember(name_of(cookie), session)

    def _note_seen(self, name: str) -> None:
        """Writes now and then when a session was used last."""
        known, now = self._known.get(name), time.time()
        if known is None or self._bus is None or now - known.session.seen < _SEEN_EVERY_S:
            return
        self._known[name] = _Known(replace(known.session, seen=now), known.read_at)
        spawn("when a session was used", self._stored.note_seen(name, now))

    async def _forget(self, visitor: Visitor, words: str) -> None:
        if visitor.session:
            try:
                await self._end(visitor.session, words)
            except Unavailable as error:
                log.warning("a session that has ended is still stored", error=error.message)
                self._ended_here(visitor.session, words)
        self._credentials.forget(visitor.who)

    async def _end(self, name: str, words: str) -> None:
        await self._stored.remove(name)
        self._ended_here(name, words)
        if self._bus is not None:
            await self._bus.announce(_ENDED, f"{name} {words}".encode())

    async def _heard_of_end(self, message: BusMessage) -> None:
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


async def admitted(sessions: Sessions, scope: Scope) -> Visitor:
    """The person behind a request or the handshake of a socket, no visitor of a share link. Raises as `let_in`, 403."""
    visitor = await let_in(sessions, scope)
    if visitor.who.is_share:
        raise Problem(403, "read_only", "a share link shows what was shared and does nothing else; sign in for this")
    return visitor


async def let_in(sessions: Sessions, scope: Scope) -> Visitor:
    """Who is behind a request: a person, or a visitor of a share link. Raises Problem: 401, 429 or 503."""
    try:
        visitor = await sessions.visitor(shown_by(scope))
    except Exception as error:
        raise as_problem(error) from error
    if visitor is None:
        raise Problem(401, "unauthorized", "sign in first: POST /api/session, or send a key with the request")
    return visitor
