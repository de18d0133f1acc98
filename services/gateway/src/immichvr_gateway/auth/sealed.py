"""Sessions as they lie in the bucket `state`: sealed, for thirty days at most."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from immichvr_common.bus import Bus, read_bucket
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.errors import Conflict, NotFound, ServiceError, Unavailable
from immichvr_common.logs import get_log
from pydantic import SecretStr

from immichvr_gateway.auth.seal import Seal
from immichvr_gateway.library import Identity, LibraryUnavailable
from immichvr_gateway.library.photos import Credential

log = get_log(__name__)

LIFETIME_S = 30 * 24 * 3600
_STREAM, _PREFIX = f"KV_{KV_STATE}", f"$KV.{KV_STATE}."

End = Callable[[Identity], Awaitable[None]]


@dataclass(frozen=True)
class Session:
    """A person who has signed in, until `expires` (seconds since 1970).

    token: a mark of the gateway's access token, where that was what they signed in with. way: how they signed in;
    device: what their browser says it runs on; begun, seen: seconds since 1970, 0 where an earlier version did not say.
    parent: the name of the session that this one was begun from, and ends with.
    """

    identity: Identity
    expires: float
    token: str = ""
    way: str = ""
    device: str = ""
    begun: float = 0.0
    seen: float = 0.0
    parent: str = ""


class SealedSessions:
    """The stored sessions, by name. Until `use` there are none."""

    def __init__(self, secret: str) -> None:
        self._seal = Seal(secret)
        self._bus: Bus | None = None

    def use(self, bus: Bus) -> None:
        """From now on sessions are stored."""
        self._bus = bus

    async def put(self, name: str, session: Session) -> None:
        """Stores a session. Raises Unavailable."""
        if self._bus is None:
            return
        await self._connected().kv(KV_STATE).put(name, self._sealed(session))

    async def get(self, name: str) -> Session | None:
        """A session, if there is one of that name that this gateway can open. Raises Unavailable."""
        return self._opened((await self._connected().kv(KV_STATE).get(name)).value or b"")

    async def of(self, user_id: str) -> dict[str, Session]:
        """Every session of an account, by name. Raises Unavailable."""
        found = {}
        for name, kept in (await read_bucket(self._connected(), KV_STATE)).items():
            session = self._opened(kept.value) if name.startswith("session.") and kept.value else None
            if session is not None and session.identity.user == user_id:
                found[name] = session
        return found

    async def note_seen(self, name: str, seen: float) -> None:
        """Writes when a session was last used, if it is there still and NATS is."""
        with suppress(Conflict, Unavailable):
            await self._note_seen(name, seen)

    async def _note_seen(self, name: str, seen: float) -> None:
        kept = await self._connected().kv(KV_STATE).get(name)
        session = self._opened(kept.value or b"")
        if session is not None:
            # Over what was read and nothing else: a session that was ended meanwhile stays so.
            sealed = self._sealed(replace(session, seen=seen))
            await self._connected().kv(KV_STATE).update(name, sealed, last=kept.revision)

    async def remove(self, name: str) -> None:
        """Removes a session, without leaving a mark of it. Raises Unavailable."""
        if self._bus is None:
            return
        await self._connected().purge(_STREAM, _PREFIX + name)

    async def remove_expired(self, end: End, now: float | None = None) -> None:
        """Removes what was stored longer ago than a session lasts, once `end` has ended it elsewhere.

        Raises Unavailable.
        """
        bus = self._connected()
        now = time.time() if now is None else now
        removed = 0
        for subject in await bus.subjects(_STREAM, f"{_PREFIX}session.>"):
            try:
                last = await bus.last(_STREAM, subject)
            except NotFound:
                continue
            if last.at is None or now - last.at.timestamp() <= LIFETIME_S:
                continue
            session = self._opened(last.data)
            try:
                if session is not None:
                    await end(session.identity)
            except ServiceError as error:
                log.warning("a session that has expired stays for now", error=error.message)
                if isinstance(error, LibraryUnavailable):  # it would answer for no other either
                    break
                continue
            await bus.purge(_STREAM, subject)
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
            "unlocked": who.credential.unlocked.get_secret_value(),
            "expires": session.expires,
            "token": session.token,
            "way": session.way,
            "device": session.device,
            "begun": session.begun,
            "seen": session.seen,
            "parent": session.parent,
        }
        return self._seal.close(facts)

    def _opened(self, sealed: bytes) -> Session | None:
        facts = self._seal.open(sealed)
        if facts is None:
            return None
        credential = Credential(facts["kind"], SecretStr(facts["secret"]), SecretStr(facts.get("unlocked", "")))
        identity = Identity(facts["user_id"], facts["name"], credential)
        # Sessions of earlier versions say less.
        token, way, device, parent = (str(facts.get(name, "")) for name in ("token", "way", "device", "parent"))
        begun, seen = (float(facts.get(name, 0.0)) for name in ("begun", "seen"))
        return Session(identity, float(facts["expires"]), token, way, device, begun, seen, parent)
