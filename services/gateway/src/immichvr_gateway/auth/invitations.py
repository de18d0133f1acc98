"""Inviting a device: whoever has the gateway's access token makes an address that lets one device in, once.

Nothing is opened by the invitation itself: one that nobody accepts leaves no session behind.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

from immichvr_common.logs import get_log
from pydantic import SecretStr

from immichvr_gateway.auth.sessions import Sessions
from immichvr_gateway.auth.slips import Slips, hashed
from immichvr_gateway.auth.visitors import Shown
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.library import Credential, Identity

log = get_log(__name__)

_ID = re.compile(r"[A-Za-z0-9_-]{22}")


class Invitations:
    """Invitations that wait for a device. clock: of the day."""

    def __init__(self, sessions: Sessions, slips: Slips, clock: Callable[[], float] = time.time) -> None:
        self._sessions, self._slips, self._clock = sessions, slips, clock

    async def make(self, who: Identity, shown: Shown) -> tuple[str, str]:
        """The id and secret of an invitation of who sends the access token. Raises Problem (403), Unavailable."""
        mark = self._sessions.token_mark(shown)
        if not mark:
            raise Problem(403, "refused", "only the gateway's access token invites: send it as Authorization: Bearer")
        invitation_id, secret = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
        facts = {
            "at": self._clock(), "secret": hashed(secret), "user_id": who.user_id, "name": who.name, "mark": mark,
            "kind": who.credential.kind, "credential": who.credential.secret.get_secret_value(),
        }  # fmt: skip
        await self._slips.write(invitation_id, facts, 0)
        log.info("a device is invited", user=who.user_id)
        return invitation_id, secret

    async def inviter(self, invitation_id: str, secret: str) -> str | None:
        """As whom it lets in, by name; None where it lets nobody in. Raises Unavailable."""
        facts, _ = await self._read(invitation_id, secret)
        return None if facts is None else str(facts["name"])

    async def accept(self, shown: Shown, invitation_id: str, secret: str) -> str:
        """The session's cookie of the device that accepts it; empty where it lets nobody in. Raises Unavailable."""
        facts, revision = await self._read(invitation_id, secret)
        if facts is None or not await self._slips.take(invitation_id, revision):
            return ""
        who = Identity(facts["user_id"], facts["name"], Credential(facts["kind"], SecretStr(facts["credential"])))
        return await self._sessions.begin(who, shown, "invitation", mark=facts["mark"])

    async def _read(self, invitation_id: str, secret: str) -> tuple[dict[str, Any] | None, int]:
        if not _ID.fullmatch(invitation_id):
            return None, 0
        facts, revision = await self._slips.read(invitation_id)
        if facts is None or not hmac.compare_digest(facts["secret"], hashed(secret)):
            return None, 0
        return facts, revision
