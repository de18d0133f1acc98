"""Where a webhook may go: to public addresses, and to those private ones that whoever runs the gateway allows.

A name is resolved once, and the connection goes to the very address that was looked at: a name that means another a
moment later leads nowhere else.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx
from immichvr_common.errors import InvalidRequest
from immichvr_common.logs import get_log

log = get_log(__name__)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")
_PORTS = {"http": 80, "https": 443}
_RESOLVED_S = 5.0


class ForbiddenAddress(InvalidRequest):
    """A webhook may not go there."""


@dataclass(frozen=True)
class Target:
    """Where to connect to, and what to say there. url: with the address in place of the name; host: as it was named."""

    url: httpx.URL
    host: str
    name: str


def checked(url: str) -> httpx.URL:
    """An address that a webhook could have. Raises ForbiddenAddress."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise ForbiddenAddress(f"url: {error}") from error
    if parsed.scheme not in _PORTS or not parsed.host:
        raise ForbiddenAddress("url: an address that begins with https:// or http:// is needed")
    if parsed.userinfo or parsed.fragment:
        raise ForbiddenAddress("url: without a user, a password or a fragment")
    return parsed


async def target_of(url: str, allowed: Sequence[Network]) -> Target:
    """Where a webhook goes now. Raises ForbiddenAddress, also where the name is not known."""
    parsed = checked(url)
    port = parsed.port or _PORTS[parsed.scheme]
    # The same words for every name: others would tell which there are in the gateway's own network, and where.
    refusal = ForbiddenAddress(
        f"url: {parsed.host} is not known to lead to public addresses only; whoever runs the gateway can allow private "
        "ones by IMMICHVR_GATEWAY_HOOKS__PRIVATE_NETWORKS"
    )
    try:
        async with asyncio.timeout(_RESOLVED_S):
            found = await asyncio.get_running_loop().getaddrinfo(parsed.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # a TimeoutError is an OSError
        log.info("a webhook's name is not known", host=parsed.host, error=str(error) or type(error).__name__)
        raise refusal from error
    addresses = [ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    # All of them: which one is taken is not for whoever owns the name to choose by chance.
    for address in addresses:
        if not may_be_reached(address, allowed):
            log.info("a webhook may not go there", host=parsed.host, address=str(address))
            raise refusal
    return Target(parsed.copy_with(host=str(addresses[0])), parsed.netloc.decode("ascii"), parsed.host)


def may_be_reached(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether a webhook may go to an address: itself, and any that is wrapped in it."""
    return all(
        (one.is_global and not one.is_multicast)
        or any(one in network for network in allowed if one.version == network.version)
        for one in (address, *_inside(address))
    )


def _inside(address: Address) -> list[IPv4Address]:
    """IPv4 addresses to which an IPv6 address leads."""
    if not isinstance(address, IPv6Address):
        return []
    inside = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        inside.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in inside if one is not None]
