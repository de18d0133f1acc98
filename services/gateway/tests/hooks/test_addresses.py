"""Where a webhook may go."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address, ip_network

import pytest
from immichvr_gateway.hooks.addresses import ForbiddenAddress, may_be_reached, target_of


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "192.168.1.4", "172.16.0.9", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",  # noqa: S104  # nobody binds it
        "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:c0a8:104::1",
    ],
)  # fmt: skip
def test_what_is_not_public_is_out_of_reach_however_it_is_written(address: str) -> None:
    assert not may_be_reached(ip_address(address), [])


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "64:ff9b::101:101"])
def test_what_is_public_can_be_reached(address: str) -> None:
    assert may_be_reached(ip_address(address), [])


def test_a_private_network_is_reached_where_it_was_allowed() -> None:
    allowed = [ip_network("192.168.1.0/24")]
    assert may_be_reached(ip_address("192.168.1.4"), allowed)
    assert not may_be_reached(ip_address("192.168.2.4"), allowed)
    assert not may_be_reached(ip_address("::1"), allowed)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/", "file:///etc/passwd", "https://", "example.org", "https://user:word@1.1.1.1/",
        "https://1.1.1.1/#part", "http://127.0.0.1:4222/", "http://2130706433/", "http://0x7f.1/", "http://[::1]/",
        "http://localhost/",
    ],
)  # fmt: skip
async def test_addresses_that_no_webhook_may_have_are_refused(url: str) -> None:
    with pytest.raises(ForbiddenAddress, match=r"^url: "):
        await target_of(url, [])


async def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, 0, 0, "", (one, 443)) for one in ("1.1.1.1", "10.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    with pytest.raises(ForbiddenAddress, match=r"rebind\.example is not known to lead to public addresses only"):
        await target_of("https://rebind.example/", [])


async def test_a_refusal_does_not_tell_what_a_name_means_nor_whether_there_is_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def resolve(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        match host:
            case "inside.example":
                return [(socket.AF_INET, 0, 0, "", ("10.1.2.3", 443))]
            case "slow.example":
                raise TimeoutError
            case "odd.example":
                raise UnicodeError("label too long")
            case _:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    told = set()
    for host in ("inside.example", "slow.example", "odd.example", "nobody.example"):
        with pytest.raises(ForbiddenAddress) as refusal:
            await target_of(f"https://{host}/", [])
        told.add(refusal.value.message.replace(host, "NAME"))
    assert len(told) == 1 and "10.1.2.3" not in told.pop()
    assert "10.1.2.3" in "".join(capsys.readouterr())


async def test_the_connection_goes_to_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, 0, 0, "", ("1.1.1.1", 8443))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    target = await target_of("https://hooks.example:8443/a?b=c", [])
    assert str(target.url) == "https://1.1.1.1:8443/a?b=c"
    assert (target.host, target.name) == ("hooks.example:8443", "hooks.example")
