"""Proxies that the environment names: for requests that leave the network, where they can be used at all.

`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in small letters too, which win. A proxy that cannot be used is
no network for those requests, neither a crash nor a way around it. This machine, private addresses and names without a
dot are never asked for through a proxy.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
"""What names proxies, in small letters; capitals mean the same."""
_SOCKS = ("socks5", "socks5h")
_SCHEMES = ("http", "https", *_SOCKS)


@dataclass(frozen=True)
class Named:
    """What a variable names. proxy: None where it cannot be used, and why."""

    variable: str
    proxy: httpx.Proxy | None
    why: str = ""


class Proxies:
    """The proxies of an environment."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._named: dict[str, Named] = {}
        for variable in VARIABLES[:3]:
            name, value = _look_up(env, variable)
            if value:
                self._named[variable.removesuffix("_proxy")] = _named(name, value)
        self._excepted = [entry.strip().lower() for entry in _look_up(env, "no_proxy")[1].split(",") if entry.strip()]

    @property
    def named(self) -> tuple[Named, ...]:
        """What each variable names that is set."""
        return tuple(self._named.values())

    def of(self, url: httpx.URL) -> Named | None:
        """What a request to this address goes through; None where it goes there itself."""
        host = url.host.strip("[]").lower()
        if _is_near(host) or any(_covers(entry, host, url.port) for entry in self._excepted):
            return None
        return self._named.get(url.scheme) or self._named.get("all")


class ProxyTransport(httpx.BaseTransport):
    """Sends each request through the proxy that the environment names for it, or there itself.

    Raises httpx.ConnectError where that proxy cannot be used.
    """

    def __init__(self, env: Mapping[str, str] | None = None, **options: Any) -> None:
        self._routes = _Routes(env, httpx.HTTPTransport, options)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request, by whichever way is right."""
        transport: httpx.HTTPTransport = self._routes.of(request)
        return transport.handle_request(request)

    def close(self) -> None:
        """Closes every connection."""
        for transport in self._routes.made():
            transport.close()


class AsyncProxyTransport(httpx.AsyncBaseTransport):
    """As ProxyTransport, for an AsyncClient."""

    def __init__(self, env: Mapping[str, str] | None = None, **options: Any) -> None:
        self._routes = _Routes(env, httpx.AsyncHTTPTransport, options)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request, by whichever way is right."""
        transport: httpx.AsyncHTTPTransport = self._routes.of(request)
        return await transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Closes every connection."""
        for transport in self._routes.made():
            await transport.aclose()


class _Routes:
    """A transport for each proxy that was needed so far, and one without."""

    def __init__(self, env: Mapping[str, str] | None, make: Any, options: dict[str, Any]) -> None:
        self._proxies, self._make, self._options = Proxies(os.environ if env is None else env), make, options
        self._made: dict[str, Any] = {}

    def of(self, request: httpx.Request) -> Any:
        named = self._proxies.of(request.url)
        if named is not None and named.proxy is None:
            raise httpx.ConnectError(f"{named.variable} names a proxy that cannot be used: {named.why}")
        key = named.variable if named else ""
        if key not in self._made:
            try:
                self._made[key] = self._make(proxy=named.proxy if named else None, **self._options)
            except (OSError, ssl.SSLError) as error:
                raise httpx.ConnectError(f"SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {error}") from error
        return self._made[key]

    def made(self) -> Iterator[Any]:
        yield from self._made.values()


def without_proxies(env: Mapping[str, str]) -> dict[str, str]:
    """An environment for a process that has nothing to ask beyond this network."""
    return {name: value for name, value in env.items() if name.lower() not in VARIABLES}


def _look_up(env: Mapping[str, str], variable: str) -> tuple[str, str]:
    for name in (variable, variable.upper()):
        if value := env.get(name, "").strip():
            return name, value
    return variable, ""


def _named(variable: str, value: str) -> Named:
    """What a value means; its text is not repeated, since there may be a password in it."""
    address = value if "://" in value else f"http://{value}"
    try:
        url = httpx.URL(address)
        if url.scheme not in _SCHEMES:
            return Named(variable, None, f"{url.scheme[:20]} is none of {', '.join(_SCHEMES)}")
        if not url.host or any(letter.isspace() for letter in value):
            return Named(variable, None, "it is no address of a proxy, as http://host:port")
        if url.scheme in _SOCKS and importlib.util.find_spec("socksio") is None:
            return Named(variable, None, "SOCKS needs the package socksio, which is not installed")
        return Named(variable, httpx.Proxy(url))
    except (httpx.InvalidURL, ValueError):
        return Named(variable, None, "it is no address of a proxy, as http://host:port")


def _is_near(host: str) -> bool:
    """Whether a host is this machine or a neighbour, which no proxy knows better."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(".localhost")
    return address.is_private or address.is_loopback or address.is_link_local


def _covers(entry: str, host: str, port: int | None) -> bool:
    """Whether an entry of NO_PROXY means this host: `*`, a name and what is below it, an address, a network."""
    if entry == "*":
        return True
    entry = entry.partition("://")[2] or entry
    bare = entry.strip("[]")
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(bare, strict=False)
    except ValueError:
        pass
    name, _, wanted = entry.rpartition(":")
    if name and wanted.isdigit():
        return port == int(wanted) and _covers(name, host, port)
    name = entry.removeprefix("*").removeprefix(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))
