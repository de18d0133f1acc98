"""Whether Immich still takes a credential, and what it may do; asked again once a minute at most."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass

from immichvr_gateway.library.errors import NotPermitted, SignInFailed
from immichvr_gateway.library.immich.answers import User
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.immich.decisions import Clock
from immichvr_gateway.library.immich.shared_calls import SharedCalls
from immichvr_gateway.library.immich.signing_in import MANAGING_PERMISSIONS, lacks, permissions_of
from immichvr_gateway.library.photos import Credential

_REMEMBERED = 4096


@dataclass(frozen=True)
class _Managing:
    until: float
    allowed: bool


class Standings:
    """What Immich says of credentials themselves. Kept per credential, for `believed_s` seconds.

    A key without `user.read` is asked about too: what a key may do is told to any key.
    """

    def __init__(self, client: ImmichClient, believed_s: float, clock: Clock = time.monotonic) -> None:
        self._client, self._believed_s, self._clock = client, believed_s, clock
        self._good_until: OrderedDict[str, float] = OrderedDict()
        self._managing: OrderedDict[str, _Managing] = OrderedDict()
        self._calls = SharedCalls()

    async def confirm(self, credential: Credential) -> None:
        """Returns where the credential is good. Raises SignInFailed where it is not any more, LibraryUnavailable."""
        if self._clock() < self._good_until.get(credential.fingerprint, 0.0):
            return
        await self._calls.ask(credential.fingerprint, lambda: self._ask(credential))

    async def may_manage(self, credential: Credential, fresh: bool) -> bool:
        """Whether this is an administrator, with a session or a key that may change the server's settings."""
        known = self._managing.get(credential.fingerprint)
        if not fresh and known is not None and self._clock() < known.until:
            return known.allowed
        now = self._clock()
        allowed = await self._is_manager(credential)
        self._managing[credential.fingerprint] = _Managing(now + self._believed_s, allowed)
        self._managing.move_to_end(credential.fingerprint)
        if len(self._managing) > _REMEMBERED:
            self._managing.popitem(last=False)
        return allowed

    def forget(self, credential: Credential) -> None:
        """Has Immich asked again, as after it refused the credential."""
        self._good_until.pop(credential.fingerprint, None)
        self._managing.pop(credential.fingerprint, None)

    async def _ask(self, credential: Credential) -> None:
        began = self._clock()
        if credential.kind == "api_key":
            missing = lacks(await permissions_of(self._client, credential))
            if missing:
                self.forget(credential)
                raise SignInFailed(missing)
        else:
            await self._user(credential)
        self._good_until[credential.fingerprint] = began + self._believed_s
        self._good_until.move_to_end(credential.fingerprint)
        if len(self._good_until) > _REMEMBERED:
            self._good_until.popitem(last=False)

    async def _is_manager(self, credential: Credential) -> bool:
        if credential.kind == "api_key":
            key = await permissions_of(self._client, credential)
            if not MANAGING_PERMISSIONS.intersection(key.permissions):
                return False
        return (await self._user(credential)).is_admin

    async def _user(self, credential: Credential) -> User:
        try:
            user = await self._client.get(credential, "users/me", User)
        except (NotPermitted, Refused) as error:
            raise SignInFailed(f"Immich does not say who this is: {error}") from error
        if user.deleted_at is not None:
            raise SignInFailed("this account has been deleted in Immich")
        return user
