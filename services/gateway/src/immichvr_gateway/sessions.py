"""Who is asking: a key or password is exchanged once for an HttpOnly cookie.

Sessions lie sealed in the bucket `state`, so that a restart signs nobody out and a backup gives no key away.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography.fernet import Fernet, InvalidToken
from immichvr_common.bus import Bus
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.errors import ServiceError, Unavailable
from immichvr_common.logs import get_log
from nats.js.errors import KeyNotFoundError, NotFoundError
from nats.js.kv import KeyValue
from pydantic import SecretStr

from immichvr_gateway.library import Identity, Library, SignInFailed
from immichvr_gateway.library.photos import Credential
from immichvr_gateway.settings import LOOPBACK, GatewaySettings

log = get_log(__name__)

COOKIE = "immichvr_session"
LIFETIME_S = 30 * 24 * 3600
_REMEMBERED = 4096
_KEY_CACHE_S = 60.0
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Session:
    """A person who has signed in, until `expires` (seconds since 1970)."""

    identity: Identity
    expires: float


class Sessions:
    """Knows people by their cookie, or by the key they send with a request."""

    def __init__(self, settings: GatewaySettings, library: Library) -> None:
        self._settings, self._library = settings, library
        secret = settings.session_key.get_secret_value() or secrets.token_urlsafe(32)
        self._seal = Fernet(base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()))
        self._known: OrderedDict[str, Session] = OrderedDict()
        self._keys: OrderedDict[str, tuple[float, Identity]] = OrderedDict()
        self._bus: Bus | None = None

    def use(self, bus: Bus) -> None:
        """From now on sessions are stored."""
        self._bus = bus

    async def who(self, cookie: str, api_key: str, authorization: str) -> Identity | None:
        """The person behind a request, or None."""
        if self._settings.is_open:
            return Identity.local()
        if authorization.startswith("Bearer ") and self._is_access_token(authorization.removeprefix("Bearer ")):
            return await self._service()
        if api_key and self._library.kind == "immich":
            return await self._by_key(api_key)
        return await self._by_cookie(cookie) if _TOKEN.fullmatch(cookie) else None

    async def sign_in(self, api_key: str, email: str, password: str, token: str) -> tuple[str, Identity]:
        """A new session's cookie. Raises SignInFailed, Problem, Unavailable."""
        if token:
            if not self._is_access_token(token):
                raise SignInFailed("this access token is not the gateway's")
            identity = await self._service()
        elif self._library.kind != "immich":
            raise SignInFailed("this gateway serves a folder: sign in with its access token")
        else:
            identity = await self._library.sign_in(
                api_key=api_key or None, email=email or None, password=password or None
            )
        cookie = secrets.token_urlsafe(32)
        session = Session(identity, time.time() + LIFETIME_S)
        if self._bus is not None:
            await (await self._bucket(self._bus)).put(_name(cookie), self._sealed(session))
        self._remember(_name(cookie), session)
        return cookie, identity

    async def sign_out(self, cookie: str) -> None:
        """Ends a session, here and in the library. Raises Unavailable."""
        if not _TOKEN.fullmatch(cookie):
            return
        identity = await self._by_cookie(cookie)
        self._known.pop(_name(cookie), None)
        if self._bus is not None:
            await (await self._bucket(self._bus)).delete(_name(cookie))
        if identity is not None:
            try:
                await self._library.sign_out(identity)
            except ServiceError as error:
                log.warning("the library was not told that a session ended", error=error.message)

    def _is_access_token(self, token: str) -> bool:
        expected = self._settings.access_token.get_secret_value()
        return bool(expected) and hmac.compare_digest(token.encode(), expected.encode())

    async def _service(self) -> Identity:
        if self._library.kind == "folder":
            return Identity.local()
        identity = await self._library.identity_of_service()
        if identity is None:
            raise SignInFailed("the gateway has no Immich key of its own (IMMICH_API_KEY); sign in with yours")
        return identity

    async def _by_key(self, api_key: str) -> Identity | None:
        name = hashlib.sha256(api_key.encode()).hexdigest()
        known = self._keys.get(name)
        if known is not None and time.monotonic() - known[0] < _KEY_CACHE_S:
            return known[1]
        try:
            identity = await self._library.sign_in(api_key=api_key)
        except SignInFailed:
            return None
        self._keys[name] = (time.monotonic(), identity)
        if len(self._keys) > _REMEMBERED:
            self._keys.popitem(last=False)
        return identity

    async def _by_cookie(self, cookie: str) -> Identity | None:
        name = _name(cookie)
        session = self._known.get(name)
        if session is None and self._bus is not None:
            try:
                entry = await (await self._bucket(self._bus)).get(name)
                session = self._opened(entry.value or b"")
            except (KeyNotFoundError, NotFoundError):
                return None
            if session is not None:
                self._remember(name, session)
        if session is None or session.expires < time.time():
            return None
        return session.identity

    async def _bucket(self, bus: Bus) -> KeyValue:
        if not bus.connected:
            raise Unavailable("NATS is not connected", down="nats")
        return await bus.js.key_value(KV_STATE)

    def _remember(self, name: str, session: Session) -> None:
        self._known[name] = session
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _sealed(self, session: Session) -> bytes:
        who = session.identity
        facts = {
            "user_id": who.user_id,
            "name": who.name,
            "kind": who.credential.kind,
            "secret": who.credential.secret.get_secret_value(),
            "expires": session.expires,
        }
        return self._seal.encrypt(json.dumps(facts).encode())

    def _opened(self, sealed: bytes) -> Session | None:
        try:
            facts = json.loads(self._seal.decrypt(sealed))
        except (InvalidToken, ValueError):
            return None
        credential = Credential(facts["kind"], SecretStr(facts["secret"]))
        return Session(Identity(facts["user_id"], facts["name"], credential), float(facts["expires"]))


def _name(cookie: str) -> str:
    return "session." + hashlib.sha256(cookie.encode()).hexdigest()


class Doorkeeper:
    """Refuses requests that a web page elsewhere made in somebody's name.

    On an open gateway `Host` must be this machine (else a name that somebody points at 127.0.0.1 would do), and
    a request that changes something, or opens a socket, must come from a page of this gateway.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self._open = settings.is_open
        self._public = _place(settings.public_url)

    def refusal(self, method: str, host: str, origin: str, is_socket: bool) -> str:
        """Why a request is refused; empty if it is not."""
        host = host.lower()
        if self._open and not self._is_here(host):
            return f"this gateway answers on this machine only, not as {host!r}; set IMMICHVR_GATEWAY_PUBLIC_URL"
        if (is_socket or method not in ("GET", "HEAD", "OPTIONS")) and origin:
            theirs = _place(origin)
            # A page without a place of its own says "null": it is nobody's.
            if not theirs or theirs not in (host, self._public):
                return f"a page at {origin} may not do this"
        return ""

    def _is_here(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in LOOPBACK or (bool(self._public) and host == self._public)


def _place(address: str) -> str:
    """Host and port of an address; nothing where it is none."""
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""
