"""Where a worker's home is, as somebody types it."""

from __future__ import annotations

import pytest
from immichvr_local.errors import CommandError
from immichvr_local.worker_command import Home


@pytest.mark.parametrize("name", ["https://home", "home:4222", "home.example/x", "", "[::1", "user@home"])
def test_what_is_no_name_alone_is_told_in_a_sentence(name: str) -> None:
    with pytest.raises(CommandError, match="a name or an address alone"):
        Home.at(name)


def test_an_address_that_is_none_is_told_in_a_sentence() -> None:
    for address in ("tls://home:many", "tls://[::1"):
        with pytest.raises(CommandError, match="this is no address"):
            Home.at("home", nats=address)


def test_names_and_addresses_are_taken() -> None:
    assert Home.at("home.example").nats == "tls://home.example:4222"
    assert Home.at("192.168.1.5").s3 == "https://192.168.1.5:8333"
    assert Home.at("fd00::1").attach == "https://[fd00::1]:9443"
