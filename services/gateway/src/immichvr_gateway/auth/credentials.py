"""What people show: a key or token that comes with each request, a share link, or what they sign in with.

Each is tried as often as `attempts` allows; what was good or refused lately is known without asking the library.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from immichvr_common.errors import ServiceError

from immichvr_gateway.auth.attempts import Attempts, place_of
from immichvr_gateway.auth.visitors import Shown
from immichvr_gateway.library import Identity, Library, PasswordRequired, SignInFailed
from immichvr_gateway.library.immich.accounts import Accounts
from immichvr_gateway.library.immich.shared_calls import SharedCalls
from immichvr_gateway.library.immich.sharing import SharedLinks, visitor_with
from immichvr_gateway.settings import GatewaySettings

_REMEMBERED = 4096
_REFUSED_S = 60.0
_BEARER = "Bearer "
_THE_TOKEN = "the access token"  # noqa: S105  # what it is called, not what it is
_NO_LINKS = "this gateway serves a folder: there are no share links"


class Credentials:
    """Whose a credential is. links, accounts: Immich's, where that is the library. clock: monotonic, seconds."""

    def __init__(
        self,
        settings: GatewaySettings,
        library: Library,
        attempts: Attempts,
        clock: Callable[[], float],
        links: SharedLinks | None = None,
        accounts: Accounts | None = None,
    ) -> None:
        self._token, self._library, self._attempts, self._clock = settings.access_token, library, attempts, clock
        self._links, self._accounts = links, accounts
        # Of their own: a page that leads to links that are none keeps nobody from signing in.
        self._links_tried = Attempts(clock)
        self._known: OrderedDict[str, Identity] = OrderedDict()
        self._refused: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._calls = SharedCalls()

    async def sent(self, shown: Shown) -> Identity | None:
        """Whose the key or token is that came with a request; None where a cookie counts, or nothing came.

        Raises SignInFailed, Problem (429), LibraryUnavailable.
        """
        token = shown.authorization.removeprefix(_BEARER)
        # A proxy may send a token of its own to a gateway that has none.
        has_other = bool(shown.api_key or shown.cookie) and not self._token.get_secret_value()
        if token != shown.authorization and not has_other:
            return await self._by_bearer(token, shown)
        if shown.api_key and self._library.kind == "immich":
            return await self._lately(f"key {shown.api_key}", shown, lambda: self.of_key(shown.api_key, shown))
        return None

    async def by_token(self, token: str, shown: Shown) -> Identity:
        """The gateway's own, to whoever knows its access token. Raises SignInFailed, Problem."""
        attempt = self._attempts.begin("access token", shown.caller.address, _THE_TOKEN)
        if not self._is_access_token(token):
            self._attempts.failed(attempt)
            raise SignInFailed("this access token is not the gateway's")
        self._attempts.succeeded(attempt)
        return await self._service()

    async def of_key(self, api_key: str, shown: Shown) -> Identity:
        """Whose an API key is. Raises SignInFailed, Problem, LibraryUnavailable."""
        signing_in = self._library.sign_in
        return await self._tried("api key", shown, "", lambda: signing_in(api_key=api_key, caller=shown.caller))

    async def of_password(self, email: str, password: str, shown: Shown) -> Identity:
        """Who signs in with e-mail address and password. Raises SignInFailed, Problem, LibraryUnavailable."""

        async def sign_in() -> Identity:
            return await self._library.sign_in(email=email or None, password=password or None, caller=shown.caller)

        return await self._tried("password", shown, email, sign_in)

    async def by_link(self, shown: Shown) -> Identity:
        """The visitor of a share link that asks for no password. Raises SignInFailed, PasswordRequired, Problem."""
        links, who = self._links, visitor_with(shown.link)
        if links is None:
            raise SignInFailed(_NO_LINKS)

        async def follow() -> Identity:
            await links.link(who.credential)
            return who

        tried = self._links_tried
        return await self._lately(
            f"link {shown.link}", shown, lambda: self._tried("share link", shown, "", follow, attempts=tried)
        )

    async def open_link(self, shown: Shown, password: str) -> Identity:
        """The visitor of a share link who gives its password. Raises SignInFailed, Problem, LibraryUnavailable."""
        links = self._links
        if links is None:
            raise SignInFailed(_NO_LINKS)
        account = f"link {shown.link}"
        opening = links.open
        return await self._tried("link password", shown, account, lambda: opening(shown.link, password, shown.caller))

    def forget(self, who: Identity) -> None:
        """Somebody whom the library does not take any more."""
        for name, identity in list(self._known.items()):
            if identity.credential == who.credential:
                del self._known[name]

    @property
    def token_mark(self) -> str:
        """What tells today's access token from another, and not what it is."""
        return hashlib.sha256(b"access token\0" + self._token.get_secret_value().encode()).hexdigest()

    def is_access_token_of(self, shown: Shown) -> bool:
        """Whether the gateway's own token came with a request."""
        token = shown.authorization.removeprefix(_BEARER)
        return token != shown.authorization and self._is_access_token(token)

    def _is_access_token(self, token: str) -> bool:
        expected = self._token.get_secret_value()
        return bool(expected) and hmac.compare_digest(token.encode(), expected.encode())

    async def _service(self) -> Identity:
        if self._library.kind == "folder":
            return Identity.local()
        identity = await self._library.identity_of_service()
        if identity is None:
            raise SignInFailed("the gateway has no Immich key of its own (IMMICH_API_KEY); sign in with yours")
        return identity

    async def _by_bearer(self, token: str, shown: Shown) -> Identity:
        """The gateway's own token, a token of a session in Immich, or an API key."""
        accounts = self._accounts
        if accounts is None or not token or self._is_access_token(token):
            return await self.by_token(token, shown)

        async def sign_in() -> Identity:
            return await accounts.of_token(token, shown.caller)

        guessed = _THE_TOKEN if self._token.get_secret_value() else ""
        return await self._lately(
            f"token {token}", shown, lambda: self._tried("token", shown, guessed, sign_in, forgives=False)
        )

    async def _lately(self, what: str, shown: Shown, ask: Callable[[], Awaitable[Identity]]) -> Identity:
        """As `ask` said a while ago, or says to whoever else in this place shows the same at this moment.

        The same again that was refused is no other guess. Who has to wait in one place keeps nobody elsewhere waiting.
        """
        name = hashlib.sha256(what.encode()).hexdigest()
        if (known := self._known.get(name)) is not None:
            return known
        refused_until, refusal = self._refused.get(name, (0.0, ""))
        if self._clock() < refused_until:
            raise SignInFailed(refusal)
        return await self._calls.ask((name, place_of(shown.caller.address)), lambda: self._noted(name, ask))

    async def _noted(self, name: str, ask: Callable[[], Awaitable[Identity]]) -> Identity:
        try:
            identity = await ask()
        except PasswordRequired:
            raise
        except SignInFailed as error:
            self._refused[name] = (self._clock() + _REFUSED_S, error.message)
            _keep_newest(self._refused)
            raise
        self._known[name] = identity
        _keep_newest(self._known)
        return identity

    async def _tried(
        self, way: str, shown: Shown, account: str, ask: Callable[[], Awaitable[Identity]], forgives: bool = True,
        attempts: Attempts | None = None,
    ) -> Identity:  # fmt: skip
        """Who the library says this is, as often as may be tried.

        account: that is tried, where one was named. forgives: whether success proves that failures before were theirs,
        too; whoever has a key of their own proves nothing about the gateway's token. attempts: where it is counted.
        """
        counted = attempts or self._attempts
        attempt = counted.begin(way, shown.caller.address, account)
        try:
            identity = await ask()
        except PasswordRequired:  # the link is right, which was the question
            counted.undecided(attempt)
            raise
        except SignInFailed:
            counted.failed(attempt)
            raise
        except ServiceError:
            counted.undecided(attempt)
            raise
        (counted.succeeded if forgives else counted.undecided)(attempt)
        return identity


def _keep_newest(cache: OrderedDict[str, Any]) -> None:
    if len(cache) > _REMEMBERED:
        cache.popitem(last=False)
