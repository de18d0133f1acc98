"""Immich's accounts: which ways in there are, OAuth through it, tokens of its sessions, and sessions below them."""

from __future__ import annotations

import time
from dataclasses import dataclass

import httpx
from pydantic import SecretStr

from immichvr_gateway.library.errors import LibraryUnavailable, NotPermitted, SignInFailed
from immichvr_gateway.library.immich.answers import ChildSession, Login, OAuthStart, ServerConfig, SignInFeatures, User
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.immich.signing_in import identity_of_key
from immichvr_gateway.library.photos import Caller, Credential, Identity

_BELIEVED_S = 60.0


@dataclass(frozen=True)
class WaysIn:
    """How people may sign in to Immich. oauth: what the button says; None where OAuth is off."""

    password: bool = True
    oauth: str | None = None


class Accounts:
    """Signing in to one Immich server."""

    def __init__(self, client: ImmichClient) -> None:
        self._client = client
        self._ways: tuple[float, WaysIn] | None = None

    async def ways_in(self) -> WaysIn:
        """How people may sign in, as Immich said a minute ago at most; while it is away, as usual."""
        now = time.monotonic()
        if self._ways is None or now - self._ways[0] > _BELIEVED_S:
            try:
                features = await self._client.get(None, "server/features", SignInFeatures)
                config = await self._client.get(None, "server/config", ServerConfig)
            except (LibraryUnavailable, NotPermitted, Refused, SignInFailed):
                return WaysIn() if self._ways is None else self._ways[1]
            oauth = (config.oauth_button_text.strip() or "Sign in with OAuth") if features.oauth else None
            self._ways = (now, WaysIn(features.password_login, oauth))
        return self._ways[1]

    async def begin_oauth(self, redirect_uri: str, state: str, challenge: str) -> str:
        """Where the browser goes to sign in. Raises SignInFailed, LibraryUnavailable."""
        asked = {"redirectUri": redirect_uri, "state": state, "codeChallenge": challenge}
        try:
            url = (await self._client.post(None, "oauth/authorize", asked, OAuthStart)).url
        except (NotPermitted, Refused) as error:
            raise SignInFailed("OAuth is switched off in Immich") from error
        if httpx.URL(url).scheme not in ("https", "http"):
            raise LibraryUnavailable("Immich names no web page for signing in with OAuth", down="immich")
        return url

    async def finish_oauth(self, url: str, state: str, verifier: str, caller: Caller) -> Identity:
        """Who has come back from there to `url`. Raises SignInFailed, LibraryUnavailable."""
        asked = {"url": url, "state": state, "codeVerifier": verifier}
        try:
            login = await self._client.post(None, "oauth/callback", asked, Login, caller)
        except (NotPermitted, Refused) as error:
            raise SignInFailed("Immich does not accept this sign-in with OAuth") from error
        return Identity(login.user_id, login.name, Credential("bearer", SecretStr(login.access_token)))

    async def of_token(self, token: str, caller: Caller) -> Identity:
        """Whose session, or whose API key, this token is. Raises SignInFailed, LibraryUnavailable."""
        credential = Credential("bearer", SecretStr(token))
        try:
            user = await self._client.get(credential, "users/me", User, caller)
        except (NotPermitted, Refused, SignInFailed):
            return await identity_of_key(self._client, token, caller)
        return Identity(user.id, user.name, credential)

    async def child_of(self, who: Identity, device: str, lasts_s: int) -> Identity:
        """The same person with a session of its own, which ends with the one it is below; a key stays what it is.

        Raises SignInFailed, LibraryUnavailable.
        """
        if who.credential.kind != "bearer":
            return who
        asked = {"duration": lasts_s, "deviceType": device or "Headset", "deviceOS": "ImmichVR"}
        try:
            child = await self._client.post(who.credential, "sessions", asked, ChildSession)
        except (NotPermitted, Refused) as error:
            raise SignInFailed("Immich gives no session to another device") from error
        return Identity(who.user_id, who.name, Credential("bearer", SecretStr(child.token)))
