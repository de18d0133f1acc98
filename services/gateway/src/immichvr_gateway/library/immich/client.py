"""HTTP to Immich: whose credential, which host, how much and how long; and what its refusals mean."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TypeVar

import httpx
from immichvr_common.proxies import AsyncProxyTransport
from immichvr_common.tracing import span
from prometheus_client import Histogram
from pydantic import BaseModel, ValidationError

from immichvr_gateway.library.errors import LibraryUnavailable, NotPermitted, PhotoTooLarge, SignInFailed
from immichvr_gateway.library.immich.address import api_address, is_below
from immichvr_gateway.library.immich.failures import why_unreachable
from immichvr_gateway.library.immich.limits import ImmichLimits
from immichvr_gateway.library.photos import Caller, Credential, Span

_CALLS = Histogram(
    "immichvr_immich_request_seconds",
    "Calls to Immich until their answers begin, by how they ended",
    ["method", "outcome"],
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 60),
)
_MAX_REDIRECTS = 3
_LARGEST_REFUSAL = 64 * 1024
_LONGEST_MESSAGE = 300
_LONGEST_SECRET = 4096
_LINK_OPENED = "immich_shared_link_token"
"""The cookie by which Immich knows, for a day, that a link's password was given."""
_COOKIE_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,1024}")
_SHARES = {"share_key": "x-immich-share-key", "share_slug": "x-immich-share-slug"}
_MISSING_PERMISSION = "Missing required permission: "

_Answer = TypeVar("_Answer", bound=BaseModel)


class Refused(Exception):
    """Immich's 400 or 404, which say the same of a photo: not there, or not yours."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class ImmichClient:
    """Calls to one Immich server. Keeps no cookie, follows no redirect to elsewhere, logs no secret."""

    def __init__(self, url: str, limits: ImmichLimits) -> None:
        self.address = api_address(url)
        self.on_refused: Callable[[Credential], None] = lambda _: None
        """Told of a credential that Immich does not take."""
        self.ahead = timedelta()
        """How far Immich's clock is ahead of ours, to the second."""
        self._limits = limits
        # At DEBUG it writes every header of an answer, and with a sign-in's cookie a session token.
        logging.getLogger("httpcore.http11").setLevel(logging.INFO)
        self._http = httpx.AsyncClient(
            headers={"user-agent": "immichvr-gateway", "accept-encoding": "identity"},
            # A session cookie from somebody's sign-in would outrank everybody's API key.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            timeout=httpx.Timeout(limits.read_s, connect=limits.connect_s, pool=limits.connect_s),
            trust_env=False,  # a .netrc would add a credential that nobody showed
            transport=AsyncProxyTransport(
                limits=httpx.Limits(max_connections=limits.connections, max_keepalive_connections=16),
                trust_env=False,
                verify=_trusted_authorities(self.address),
            ),
        )

    async def get(
        self, who: Credential | None, path: str, answer: type[_Answer], caller: Caller | None = None
    ) -> _Answer:
        """The JSON answer to a GET below `/api/`, asked on behalf of `caller` where Immich shall know of them.

        Raises Refused and SignInFailed, NotPermitted, LibraryUnavailable.
        """
        return await self._ask("GET", who, path, None, answer, caller)

    async def post(
        self,
        who: Credential | None,
        path: str,
        body: Mapping[str, object] | None,
        answer: type[_Answer],
        caller: Caller | None = None,
    ) -> _Answer:
        """The JSON answer to a POST, of JSON if `body` is given, below `/api/`. Raises as `get` does."""
        return await self._ask("POST", who, path, body, answer, caller)

    async def open_link(self, link: Credential, password: str, caller: Caller | None) -> str:
        """With what Immich knows from now on that a link's password was given. Raises as `get` does."""
        async with self._words_for_failures(self._limits.answer_s):
            url = self.address.join("shared-links/login")
            response = await self._send("POST", link, url, {"password": password}, caller)
            await response.aclose()
        for one in response.headers.get_list("set-cookie"):
            name, _, value = one.partition(";")[0].strip().partition("=")
            if name == _LINK_OPENED and _COOKIE_VALUE.fullmatch(value):
                return value
        raise LibraryUnavailable("Immich took the link's password and did not say so", down="immich")

    async def put(self, who: Credential, path: str, body: Mapping[str, object], answer: type[_Answer]) -> _Answer:
        """The JSON answer to a PUT of JSON below `/api/`. Raises as `get` does."""
        return await self._ask("PUT", who, path, body, answer, None)

    async def upload(
        self, who: Credential, path: str, form: Mapping[str, str], file: tuple[str, bytes, str], checksum: str,
        answer: type[_Answer],
    ) -> _Answer:  # fmt: skip
        """The JSON answer to a POST of a form with a file: (name, bytes, media type). Raises as `get` does.

        checksum: SHA-1 of the file, base64; what Immich has already it does not read again.
        """
        request = self._http.build_request(
            "POST", self.address.join(path), headers={**_headers(who), "x-immich-checksum": checksum}, data=dict(form),
            files={"assetData": file},
        )  # fmt: skip
        return await self._answered(path, self._sent(request, who), answer)

    async def delete(self, who: Credential, path: str, body: Mapping[str, object] | None = None) -> None:
        """Has something removed below `/api/`; what is answered counts for nothing. Raises as `get` does."""
        async with self._words_for_failures(self._limits.answer_s):
            response = await self._send("DELETE", who, self.address.join(path), body)
            await response.aclose()
            if not response.is_success:
                raise LibraryUnavailable(_elsewhere(response.headers["location"]), down="immich")

    async def open(
        self, who: Credential, path: str, query: Mapping[str, str], span: Span | None = None
    ) -> httpx.Response:
        """The answer to a GET of a file or a part of it, its body still to be read with `chunks`; whoever gets it
        closes it.

        Redirects are followed below the same `/api/`. Raises as `get` does.
        """
        url = self.address.join(path).copy_merge_params(query)
        for _ in range(_MAX_REDIRECTS + 1):
            async with self._words_for_failures(self._limits.answer_s):
                response = await self._send("GET", who, url, None, span=span)
                if response.is_success:
                    return response
                await response.aclose()
                url = url.join(response.headers["location"])
            if not is_below(url, self.address):
                raise LibraryUnavailable(_elsewhere(url), down="immich")
        raise LibraryUnavailable("Immich redirects in a circle", down="immich")

    async def chunks(self, response: httpx.Response, name: str, largest: int) -> AsyncIterator[bytes]:
        """The body of an opened file. Raises LibraryUnavailable, or PhotoTooLarge as soon as it is above `largest`."""
        clock = asyncio.get_running_loop().time
        left = self._limits.file_s
        size = 0
        body = response.aiter_raw()
        while True:
            began = clock()
            async with self._words_for_failures(max(0.0, left)):
                chunk = await anext(body, None)
            left -= clock() - began
            if chunk is None:
                return
            size += len(chunk)
            if size > largest:
                raise PhotoTooLarge(name, largest)
            yield chunk

    async def close(self) -> None:
        """Closes every connection."""
        await self._http.aclose()

    async def _ask(
        self,
        method: str,
        who: Credential | None,
        path: str,
        body: Mapping[str, object] | None,
        answer: type[_Answer],
        caller: Caller | None,
    ) -> _Answer:
        return await self._answered(path, self._send(method, who, self.address.join(path), body, caller), answer)

    async def _answered(self, path: str, sent: Awaitable[httpx.Response], answer: type[_Answer]) -> _Answer:
        async with self._words_for_failures(self._limits.answer_s):
            response = await sent
            try:
                if not response.is_success:
                    raise LibraryUnavailable(_elsewhere(response.headers["location"]), down="immich")
                data = await _read_at_most(response, self._limits.max_answer_bytes)
            finally:
                await response.aclose()
        if data is None:
            raise LibraryUnavailable(
                f"Immich's answer to {path} is larger than {self._limits.max_answer_bytes} bytes", down="immich"
            )
        try:
            return answer.model_validate_json(data)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "its start"
            raise LibraryUnavailable(
                f"the answer of {self.address}{path} is not that of Immich 3 (at {where}); is the address right?",
                down="immich",
            ) from None  # the cause would show the answer, and with it a token

    async def _send(
        self,
        method: str,
        who: Credential | None,
        url: httpx.URL,
        body: Mapping[str, object] | None,
        caller: Caller | None = None,
        span: Span | None = None,
    ) -> httpx.Response:
        """A response that is a success or a redirect, with its body unread."""
        part = {} if span is None else {"range": span.header}
        headers = {**_headers(who), **_headers_about(caller), **part}
        return await self._sent(self._http.build_request(method, url, headers=headers, json=body), who)

    async def _sent(self, request: httpx.Request, who: Credential | None) -> httpx.Response:
        async with self._words_for_failures(None):
            response = await self._timed(request)
            self.ahead = _ahead(response.headers.get("date", ""), self.ahead)
            if response.is_success or response.has_redirect_location:
                if response.headers.get("content-encoding", "identity") == "identity":
                    return response
                await response.aclose()
                raise LibraryUnavailable("Immich compressed its answer although asked not to", down="immich")
            try:
                message = _message_in(await _read_at_most(response, _LARGEST_REFUSAL))
            finally:
                await response.aclose()
        if who is not None and response.status_code == httpx.codes.UNAUTHORIZED:
            self.on_refused(who)
        raise _refusal(response, message)

    async def _timed(self, request: httpx.Request) -> httpx.Response:
        with span(f"Immich {request.method}", kind="client", **{"http.request.method": request.method}) as one:
            response = await self._counted(request)
            one.attributes["http.response.status_code"] = response.status_code
            return response

    async def _counted(self, request: httpx.Request) -> httpx.Response:
        began, outcome = time.perf_counter(), "unreachable"
        try:
            response = await self._http.send(request, stream=True)
            outcome = f"{response.status_code // 100}xx"
            return response
        except asyncio.CancelledError:
            # Whoever asked has left, or waits no longer.
            outcome = "given up"
            raise
        finally:
            _CALLS.labels(request.method, outcome).observe(time.perf_counter() - began)

    @asynccontextmanager
    async def _words_for_failures(self, limit_s: float | None) -> AsyncIterator[None]:
        """Turns what goes wrong on the way, and taking longer than `limit_s`, into LibraryUnavailable."""
        try:
            async with asyncio.timeout(limit_s):
                yield
        except (httpx.TimeoutException, TimeoutError) as error:
            raise LibraryUnavailable(f"Immich at {self.address} is too slow to answer", down="immich") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = why_unreachable(error)
            raise LibraryUnavailable(f"Immich at {self.address} cannot be reached: {why}", down="immich") from error


def _ahead(date: str, known: timedelta) -> timedelta:
    try:
        return parsedate_to_datetime(date) - datetime.now(UTC)
    except (ValueError, TypeError):  # none, one that is no date, or without a zone
        return known


def _trusted_authorities(address: httpx.URL) -> ssl.SSLContext:
    """The system's certificate authorities, among them a household's own, and the public ones."""
    if address.scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used, and quicker to make than one that trusts somebody
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def _headers(who: Credential | None) -> dict[str, str]:
    if who is None:
        return {}
    secret = who.secret.get_secret_value()
    if who.kind == "none" or not (secret.isascii() and secret.isprintable() and 0 < len(secret) <= _LONGEST_SECRET):
        raise SignInFailed("sign in to Immich first, with an API key or with e-mail address and password")
    if who.kind in _SHARES:
        opened = who.unlocked.get_secret_value()
        return {_SHARES[who.kind]: secret, **({"cookie": f"{_LINK_OPENED}={opened}"} if opened else {})}
    return {"x-api-key": secret} if who.kind == "api_key" else {"authorization": f"Bearer {secret}"}


def _headers_about(caller: Caller | None) -> dict[str, str]:
    """What names a person's address in Immich's log, and the session in their list of devices there."""
    if caller is None:
        return {}
    about = {"devicemodel": "ImmichVR", "devicetype": caller.device, "x-forwarded-for": caller.address}
    return {name: value for name, value in about.items() if value}


async def _read_at_most(response: httpx.Response, limit: int) -> bytes | None:
    """The body, or None where it is larger than `limit` bytes."""
    data = bytearray()
    async for chunk in response.aiter_raw():
        data += chunk
        if len(data) > limit:
            return None
    return bytes(data)


def _message_in(body: bytes | None) -> str:
    """What Immich says about a refusal, in one printable line."""
    try:
        answer = json.loads(body or b"")
    except ValueError:
        return "no reason given"
    message = answer.get("message") if isinstance(answer, dict) else None
    if isinstance(message, list):
        message = "; ".join(str(part) for part in message)
    if not isinstance(message, str):
        return "no reason given"
    return "".join(letter for letter in message if letter.isprintable())[:_LONGEST_MESSAGE]


def _refusal(response: httpx.Response, message: str) -> Exception:
    status = response.status_code
    if status == httpx.codes.UNAUTHORIZED:
        return SignInFailed(f"Immich does not accept this sign-in: {message}")
    if status == httpx.codes.FORBIDDEN:
        permission = message.removeprefix(_MISSING_PERMISSION)
        if permission != message:
            return NotPermitted(f"the API key lacks Immich's permission {permission}", (permission,))
        return NotPermitted(f"Immich refuses: {message}")
    if status in (httpx.codes.BAD_REQUEST, httpx.codes.NOT_FOUND):
        return Refused(status, message)
    wait = response.headers.get("retry-after", "")
    return LibraryUnavailable(
        f"Immich answers {status}: {message}", down="immich", retry_after_s=float(wait) if wait.isdecimal() else None
    )


def _elsewhere(url: httpx.URL | str) -> str:
    return f"Immich redirects to {url}, which is not followed; if that is where Immich is, set its address to it"
