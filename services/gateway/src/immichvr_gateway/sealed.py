"""Sessions as they lie in the bucket `state`: sealed, for thirty days at most."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.fernet import Fernet, InvalidToken
from immichvr_common.bus import Bus
from immichvr_common.bus.connection import OUTAGES
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.errors import Unavailable
from immichvr_common.logs import get_log
from nats.js.errors import KeyNotFoundError, NotFoundError
from pydantic import SecretStr

from immichvr_gateway.library import Identity
from immichvr_gateway.library.photos import Credential

log = get_log(__name__)

LIFETIME_S = 30 * 24 * 3600
_STREAM, _PREFIX = f"KV_{KV_STATE}", f"$KV.{KV_STATE}."


@dataclass(frozen=True)
class Session:
    """A person who has signed in, until `expires` (seconds since 1970).

    token: a mark of the gateway's access token, where that was what they signed in with.
    """

    identity: Identity
    expires: float
    token: str = ""


class SealedSessions:
    """The stored sessions, by name. Until `use` there are none."""

    def __init__(self, secret: str) -> None:
        self._seal = Fernet(base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()))
        self._bus: Bus | None = None

    def use(self, bus: Bus) -> None:
        """From now on sessions are stored."""
        self._bus = bus

    async def put(self, name: str, session: Session) -> None:
        """Stores a session. Raises Unavailable."""
        if self._bus is None:
            return
        try:
            bucket = await self._connected().js.key_value(KV_STATE)
            await bucket.put(name, self._sealed(session))
        except OUTAGES as error:
            raise Unavailable("NATS did not confirm that a session is stored", down="nats") from error

    async def get(self, name: str) -> Session | None:
        """A session, if there is one of that name that this gateway can open. Raises Unavailable."""
        try:
            bucket = await self._connected().js.key_value(KV_STATE)
            entry = await bucket.get(name)
        except (KeyNotFoundError, NotFoundError):
            return None
        except OUTAGES as error:
            raise Unavailable("NATS does not answer", down="nats") from error
        return self._opened(entry.value or b"")

    async def remove(self, name: str) -> None:
        """Removes a session, without leaving a mark of it. Raises Unavailable."""
        if self._bus is None:
            return
        try:
            await self._connected().js.purge_stream(_STREAM, subject=_PREFIX + name)
        except OUTAGES as error:
            raise Unavailable("NATS did not confirm that a session has ended", down="nats") from error

    async def remove_expired(self, now: float | None = None) -> None:
        """Removes what was stored longer ago than a session lasts. Raises nats' errors."""
        js = self._connected().js
        now = time.time() if now is None else now
        info = await js.stream_info(_STREAM, subjects_filter=f"{_PREFIX}session.>")
        removed = 0
        for subject in info.state.subjects or {}:
            try:
                last = await js.get_last_msg(_STREAM, subject)
            except NotFoundError:
                continue
            if last.time is not None and now - _seconds(last.time) > LIFETIME_S:
                await js.purge_stream(_STREAM, subject=subject)
                removed += 1
        if removed:
            log.info("sessions that had expired are removed", sessions=removed)

    def _connected(self) -> Bus:
        if self._bus is None or not self._bus.connected:
            raise Unavailable("NATS is not connected", down="nats")
        return self._bus

    def _sealed(self, session: Session) -> bytes:
        who = session.identity
        facts = {
            "user_id": who.user_id,
            "name": who.name,
            "kind": who.credential.kind,
            "secret": who.credential.secret.get_secret_value(),
            "expires": session.expires,
            "token": session.token,
        }
        return self._seal.encrypt(json.dumps(facts).encode())

    def _opened(self, sealed: bytes) -> Session | None:
        try:
            facts = json.loads(self._seal.decrypt(sealed))
        except (InvalidToken, ValueError):
            return None
        credential = Credential(facts["kind"], SecretStr(facts["secret"]))
        identity = Identity(facts["user_id"], facts["name"], credential)
        # Sessions of earlier versions say nothing of a token.
        return Session(identity, float(facts["expires"]), str(facts.get("token", "")))


def _seconds(moment: datetime | str) -> float:
    """Seconds since 1970 of the moment at which NATS stored a message."""
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
