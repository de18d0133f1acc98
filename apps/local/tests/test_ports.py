"""Ports last from start to start and give way to others."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from immichvr_local.errors import CommandError
from immichvr_local.stack.ports import gateway_port, inner_ports, is_free


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_remembered_ports_are_used_again() -> None:
    first = inner_ports(["nats", "s3"], {}, set())
    assert len(set(first.values())) == 2
    assert inner_ports(["nats", "s3"], first, set()) == first


def test_a_remembered_port_that_is_taken_gives_way(taken: int) -> None:
    chosen = inner_ports(["nats"], {"nats": taken}, set())["nats"]
    assert chosen != taken
    assert is_free(chosen)


@pytest.mark.parametrize("damaged", ["80", None, -1, 10**9])
def test_damaged_memory_of_a_port_is_ignored(damaged: object) -> None:
    assert is_free(inner_ports(["nats"], {"nats": damaged}, set())["nats"])


def test_the_gallery_moves_to_the_next_free_port_and_says_so(taken: int) -> None:
    said: list[str] = []
    port = gateway_port("127.0.0.1", None, taken, said.append)
    assert port > taken
    assert said == [f"port {taken} is taken, so the gallery is at port {port}"]


def test_a_port_that_was_asked_for_and_is_taken_is_refused(taken: int) -> None:
    with pytest.raises(CommandError, match=f"port {taken} is taken on 127.0.0.1"):
        gateway_port("127.0.0.1", taken, None, lambda _: None)
