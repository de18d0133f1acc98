"""Keys with which the gateway works for people who are not there: made by their owners' yes, and no longer.

Immich makes the key, with what the work needs and no more; it lies sealed in the bucket `state` under its owner's id.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from immichvr_common.bus import Bus
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.errors import Conflict, InvalidRequest, ServiceError, Unavailable
from immichvr_common.logs import get_log
from pydantic import SecretStr

from immichvr_gateway.auth.seal import Seal
from immichvr_gateway.library import Credential, Identity, Library, SignInFailed
from immichvr_gateway.library.immich.keys import MadeKey
from immichvr_gateway.library.immich.signing_in import (
    FINDING_DELETIONS,
    LINKING_CLIPS,
    NEEDED_PERMISSIONS,
    READING_IN_ABSENCE,
    WRITING_BACK,
    missing_of,
)

log = get_log(__name__)

NAME = "ImmichVR, in my absence"
"""What the key is called in Immich's list."""
_PREFIX = "standing-key."
_STREAM, _SUBJECTS = f"KV_{KV_STATE}", f"$KV.{KV_STATE}.{_PREFIX}"
_USER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REFUSED_S = 60.0
_NOT_YET = "nothing is done in your absence: you have not allowed it"
_UNSEALED = (
    "the key with which your work was done cannot be opened: IMMICHVR_GATEWAY_SESSION_KEY has changed; allow it anew"
)
_LEFT = (
    f"delete the key {NAME!r} of before in Immich under Account Settings, API Keys: it cannot be deleted from here, as "
    "what you signed in with may not (apiKey.delete), or IMMICHVR_GATEWAY_SESSION_KEY has changed since it was made"
)


class KeyIssuer(Protocol):
    """Who makes keys: Immich."""

    async def make(self, who: Identity, name: str, permissions: Sequence[str]) -> MadeKey:
        """A key of this person's. Raises NotPermitted."""
        ...

    async def delete(self, who: Identity, key_id: str) -> bool:
        """Deletes one; False where this person's credential may not."""
        ...

    async def permissions(self, key: SecretStr) -> list[str]:
        """What a key may do now. Raises SignInFailed."""
        ...


@dataclass(frozen=True)
class Standing:
    """Whether somebody's work goes on in their absence, in words too.

    permissions: that the key was made with; missing: those of them that it has lost; since: seconds since 1970.
    """

    state: Literal["off", "on", "paused"]
    detail: str
    permissions: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    since: float | None = None


@dataclass(frozen=True)
class _Record:
    key_id: str
    secret: SecretStr
    name: str
    permissions: list[str]
    since: float
    paused: str = ""
    revision: int = 0


class StandingKeys:
    """Who may be worked for in their absence, and with what. Until `use` nobody.

    issuer: None where the library needs no key, as a folder. secret: seals what is stored; empty where there is none
    that outlives this process.
    """

    def __init__(self, library: Library, issuer: KeyIssuer | None, secret: str) -> None:
        self._library, self._issuer = library, issuer
        self._seal, self._outlasts = Seal(secret or secrets.token_urlsafe(32)), bool(secret)
        self._refused_until: dict[str, float] = {}
        self._bus: Bus | None = None

    def use(self, bus: Bus) -> None:
        """From now on keys are kept."""
        self._bus = bus

    async def of(self, user_id: str) -> Identity | None:
        """Whom to work as for this person; None where they never allowed it, or Immich does not take the key any more.

        `look` tells why. Raises Unavailable, LibraryUnavailable where that cannot be told just now.
        """
        if self._issuer is None:
            return Identity.local() if user_id == Identity.local().user_id else None
        record = await self._read(user_id)
        if record is None or time.monotonic() < self._refused_until.get(user_id, 0.0):
            return None
        who = _identity(user_id, record)
        try:
            await self._library.confirm(who)
        except SignInFailed as refusal:
            self._refused_until[user_id] = time.monotonic() + _REFUSED_S
            await self._note(user_id, record, refusal.message)
            return None
        if record.paused:
            await self._note(user_id, record, "")
        return who

    async def look(self, user_id: str) -> Standing:
        """Whether this person's work goes on in their absence, and if not, why. Raises as `of`."""
        if self._issuer is None:
            return Standing("on", "a folder of photos asks for no key")
        kept = await self._kept(user_id)
        record = self._opened(*kept)
        if record is None:
            return Standing("paused", _UNSEALED) if kept[0] else Standing("off", _NOT_YET)
        try:
            missing = missing_of(await self._issuer.permissions(record.secret), record.permissions)
        except SignInFailed as refusal:
            await self._note(user_id, record, refusal.message)
            words = f"paused: {refusal.message}; allow it anew"
            return Standing("paused", words, record.permissions, [], record.since)
        if needed := [name for name in missing if name in NEEDED_PERMISSIONS]:
            words = f"paused: the key {NAME!r} lacks {', '.join(needed)}; give that back in Immich, or allow it anew"
            return Standing("paused", words, record.permissions, missing, record.since)
        words = "what you asked for goes on in your absence"
        if missing:
            words += f", but for what needs {', '.join(missing)}, which the key {NAME!r} lacks"
        return Standing("on", words, record.permissions, missing, record.since)

    async def opt_in(self, who: Identity, write_back: bool = False, clips: bool = False) -> Standing:
        """Has Immich make a key for this person's work; one from before is deleted.

        write_back: whether the work may leave a pointer and a tag at photos; clips: whether it may link clips to
        them. Raises NotPermitted with what is missing, InvalidRequest for who has no account, Conflict, Unavailable,
        LibraryUnavailable, SignInFailed.
        """
        if who.user is None:
            raise InvalidRequest("a share link is nobody's account")
        if self._issuer is None:
            return await self.look(who.user)
        if not self._outlasts:
            raise Conflict("set IMMICHVR_GATEWAY_SESSION_KEY first: without it a key could not be kept over a restart")
        before, revision = await self._kept(who.user)
        old = self._opened(before, revision)
        permissions = [*NEEDED_PERMISSIONS, *READING_IN_ABSENCE, *FINDING_DELETIONS]
        wanted = (*(WRITING_BACK if write_back else ()), *(LINKING_CLIPS if clips else ()))
        permissions += [one for one in dict.fromkeys(wanted) if one not in permissions]
        made = await self._issuer.make(who, NAME, permissions)
        record = _Record(made.id, made.secret, who.name, permissions, time.time(), revision=revision)
        try:
            await self._write(who.user, record)
        except ServiceError:
            await self._delete(self._issuer, who, made.id)
            raise
        self._refused_until.pop(who.user, None)
        is_left = bool(before) and (old is None or not await self._delete(self._issuer, who, old.key_id))
        log.info("somebody allows work in their absence", user=who.user)
        standing = await self.look(who.user)
        return replace(standing, detail=f"{standing.detail}; {_LEFT}") if is_left else standing

    async def opt_out(self, who: Identity) -> Standing:
        """Nothing is done in this person's absence any more, and the key is deleted in Immich.

        Where their credential may not delete it, that is said. Raises as `opt_in`.
        """
        if who.user is None:
            raise InvalidRequest("a share link is nobody's account")
        if self._issuer is None:
            return await self.look(who.user)
        before, revision = await self._kept(who.user)
        record = self._opened(before, revision)
        await self._connected().purge(_STREAM, _SUBJECTS + _named(who.user))
        if before and (record is None or not await self._delete(self._issuer, who, record.key_id)):
            return Standing("off", f"nothing is done in your absence any more; {_LEFT}")
        return Standing("off", "nothing is done in your absence any more, and the key is deleted")

    async def users(self) -> list[str]:
        """Everybody who allowed it, by user id. Raises Unavailable."""
        return sorted(one.removeprefix(_SUBJECTS) for one in await self._connected().subjects(_STREAM, f"{_SUBJECTS}>"))

    async def _delete(self, issuer: KeyIssuer, who: Identity, key_id: str) -> bool:
        try:
            return await issuer.delete(who, key_id)
        except ServiceError as error:
            log.warning("a key that is used no more is still there in Immich", name=NAME, error=error.message)
            return False

    async def _read(self, user_id: str) -> _Record | None:
        return self._opened(*await self._kept(user_id))

    async def _kept(self, user_id: str) -> tuple[bytes, int]:
        kept = await self._connected().kv(KV_STATE).get(_PREFIX + _named(user_id))
        return kept.value or b"", kept.revision

    def _opened(self, sealed: bytes, revision: int) -> _Record | None:
        facts = self._seal.open(sealed) if sealed else None
        if facts is None:
            return None
        return _Record(
            str(facts["key_id"]), SecretStr(facts["secret"]), str(facts.get("name", "")),
            [str(one) for one in facts.get("permissions", [])], float(facts["since"]), str(facts.get("paused", "")),
            revision,
        )  # fmt: skip

    async def _note(self, user_id: str, record: _Record, paused: str) -> None:
        """Keeps why the work is paused, for every gateway; who has changed the record meanwhile knows better."""
        if paused == record.paused:
            return
        log.warning("work in somebody's absence is paused" if paused else "it goes on", user=user_id, why=paused)
        try:
            await self._write(user_id, _Record(**{**record.__dict__, "paused": paused}))
        except (Conflict, Unavailable) as error:
            log.debug("that is not kept", error=error.message)

    async def _write(self, user_id: str, record: _Record) -> None:
        facts = {
            "key_id": record.key_id, "secret": record.secret.get_secret_value(), "name": record.name,
            "permissions": record.permissions, "since": record.since, "paused": record.paused,
        }  # fmt: skip
        sealed = self._seal.close(facts)
        await self._connected().kv(KV_STATE).update(_PREFIX + _named(user_id), sealed, last=record.revision)

    def _connected(self) -> Bus:
        if self._bus is None or not self._bus.connected:
            raise Unavailable("NATS is not connected", down="nats")
        return self._bus


def _identity(user_id: str, record: _Record) -> Identity:
    return Identity(user_id, record.name, Credential("api_key", record.secret))


def _named(user_id: str) -> str:
    if not _USER.fullmatch(user_id):
        raise InvalidRequest("this is no id of an account")
    return user_id
