"""Signing in with Immich's OAuth: the browser goes there and comes back, and it is the same browser that does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

from immichvr_gateway.auth.seal import Seal
from immichvr_gateway.library import Caller, Identity, SignInFailed
from immichvr_gateway.library.immich.accounts import Accounts

AWAY_S = 600
"""So long somebody may take to sign in there."""
_TOLD = ("code", "state", "iss", "session_state")
"""What the other side may say in the address that it leads back to; nothing else of it goes to Immich."""
_LONGEST = 4096


class OAuthSignIn:
    """What is known of a browser that is away signing in, which it carries itself, sealed. secret: seals it."""

    def __init__(self, accounts: Accounts | None, secret: str) -> None:
        self._accounts, self._seal = accounts, Seal(secret or secrets.token_urlsafe(32))

    async def begin(self, redirect_uri: str) -> tuple[str, str]:
        """Where the browser goes, and the cookie by which it is known when it comes back to `redirect_uri`.

        Raises SignInFailed where Immich has no OAuth, LibraryUnavailable.
        """
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        url = await self._of_immich().begin_oauth(redirect_uri, state, challenge)
        facts = {"state": state, "verifier": verifier, "redirect_uri": redirect_uri}
        return url, self._seal.close(facts).decode()

    async def finish(self, cookie: str, query: Mapping[str, str], caller: Caller) -> Identity:
        """Who has come back. Raises SignInFailed where it is another browser, or too late; LibraryUnavailable."""
        facts = self._seal.open(cookie.encode(), AWAY_S) if len(cookie) <= _LONGEST else None
        if facts is None:
            raise SignInFailed("this browser did not ask to sign in with OAuth, or too long ago; begin again")
        if not hmac.compare_digest(facts["state"].encode(), query.get("state", "").encode()):
            raise SignInFailed("this is the answer to another sign-in; begin again")
        if "code" not in query:
            raise SignInFailed("the sign-in with OAuth was not completed there")
        told = {name: query[name][:_LONGEST] for name in _TOLD if name in query}
        url = f"{facts['redirect_uri']}?{urlencode(told)}"
        return await self._of_immich().finish_oauth(url, facts["state"], facts["verifier"], caller)

    def _of_immich(self) -> Accounts:
        if self._accounts is None:
            raise SignInFailed("this gateway serves a folder: there is no OAuth")
        return self._accounts
