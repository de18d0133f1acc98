"""What a request shows of who sends it, and from where."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers
from starlette.types import Scope

from immichvr_gateway.library import Caller, Identity

COOKIE = "immichvr_session"
LINK_COOKIE = "immichvr_link"
"""Of who has given a share link's password; below that link's address alone."""
LINK_OF_PATH = "immichvr.link"
"""In a request's scope: the share link below whose address it came."""

# In this order: an iPad says Macintosh too, Android says Linux too.
_SYSTEMS = ("Windows", "Android", "iPhone", "iPad", "OculusBrowser", "CrOS", "Macintosh", "Linux")
_NAMES = {"OculusBrowser": "Quest", "iPhone": "iOS", "iPad": "iPadOS", "CrOS": "ChromeOS", "Macintosh": "macOS"}


@dataclass(frozen=True)
class Shown:
    """Credentials as they came with a request, each empty where it did not."""

    cookie: str = field(repr=False)
    api_key: str = field(repr=False)
    authorization: str = field(repr=False)
    caller: Caller
    link: str = field(default="", repr=False)
    link_cookie: str = field(default="", repr=False)


@dataclass(frozen=True)
class Visitor:
    """Somebody who was recognised. session: the name of the stored session, empty for a key sent as a header."""

    who: Identity
    session: str = ""


def shown_by(scope: Scope) -> Shown:
    """What a request, or the handshake of a socket, shows."""
    headers = Headers(scope=scope)
    client = scope.get("client")
    link = scope.get(LINK_OF_PATH) or headers.get("x-immich-share-key") or headers.get("x-immich-share-slug") or ""
    return Shown(
        cookie=_cookie_of(headers, COOKIE),
        api_key=headers.get("x-api-key", ""),
        authorization=headers.get("authorization", ""),
        caller=Caller(client[0] if client else "", _system_of(headers.get("user-agent", ""))),
        link=link,
        link_cookie=_cookie_of(headers, LINK_COOKIE) if link else "",
    )


def _cookie_of(headers: Headers, name: str) -> str:
    """A cookie of a request, or nothing."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def _system_of(user_agent: str) -> str:
    """The operating system, or device, that a browser says it runs on; empty where it is none of the usual ones."""
    found = [one for one in _SYSTEMS if re.search(rf"\b{one}\b", user_agent)]
    quest = [one for one in found if one == "OculusBrowser"]
    first = (quest or found or [""])[0]
    return _NAMES.get(first, first)
