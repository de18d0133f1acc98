"""Where an Immich server is."""

from __future__ import annotations

import httpx


def api_address(url: str) -> httpx.URL:
    """The address of the API, ending in `/api/`, of a server given with or without `/api`.

    Raises ValueError where `url` is no http(s) address, or carries a password, a query or a fragment.
    """
    try:
        address = httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise ValueError(f"the address of Immich is not a URL: {error}") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise ValueError(f"the address of Immich is {url!r}; it should look like http://immich-server:2283")
    if address.userinfo or address.query or address.fragment:
        raise ValueError("the address of Immich must have no user, query or fragment in it")
    path = address.path.rstrip("/").removesuffix("/api")
    return address.copy_with(path=f"{path}/api/")


def page_address(url: str | None) -> str | None:
    """The address of Immich as browsers reach it, without a slash at the end; None where none is set.

    Raises ValueError as `api_address` does.
    """
    return None if not url else str(api_address(url)).removesuffix("/api/")


def is_below(target: httpx.URL, base: httpx.URL) -> bool:
    """Whether `target` is on the same scheme, host and port as `base`, and below its path."""
    return _origin(target) == _origin(base) and target.path.startswith(base.path)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    default = {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, url.host, url.port or default
