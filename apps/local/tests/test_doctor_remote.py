"""What `immichvr doctor` says of the certificates that workers elsewhere see at a compose stack."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from immichvr_common.certificates import CERTIFICATE, KEY, ensure_for_servers
from immichvr_local.doctor.check import Check
from immichvr_local.doctor.remote import certificates

Open = Callable[..., Check]


@pytest.fixture
def looked(tmp_path: Path) -> Iterator[Open]:
    """Opens the doors of a stack with a certificate for these names, and has them looked at."""
    with ExitStack() as doors:

        def look(name: str, made: datetime | None = None, closed: str = "", addresses: tuple[str, ...] = ()) -> Check:
            ensure_for_servers(tmp_path / "tls", {"home.example", "nats"}, addresses, made)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tmp_path / "tls" / CERTIFICATE, tmp_path / "tls" / KEY)
            ports = {
                door: 9 if door == closed else doors.enter_context(_Server(context, door == "NATS")).port
                for door in ("NATS", "S3", "ATTACH")
            }
            lines = ["# of the stack", f'IMMICHVR_REMOTE_NAME="{name}" # by which workers come']
            lines += [f"IMMICHVR_{door}_PORT=127.0.0.1:{port} # published" for door, port in ports.items()]
            (tmp_path / ".env").write_text("\n".join(lines), "utf-8")
            return certificates(tmp_path, {})

        yield look


class _Server:
    """Shows a certificate to whoever comes. greets: with a line in the clear before, as NATS."""

    def __init__(self, context: ssl.SSLContext, greets: bool) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._context, self._greets = context, greets
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> _Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection:
                    if self._greets:
                        connection.sendall(b'INFO {"tls_required": true}\r\n')
                    self._context.wrap_socket(connection, server_side=True).close()


def test_a_stack_that_lets_in_nobody_is_well(tmp_path: Path) -> None:
    assert certificates(tmp_path, {}).state == "ok"


def test_it_says_for_whom_and_until_when_certificates_are_good(looked: Open) -> None:
    found = looked("home.example")
    year = (datetime.now(UTC) + timedelta(days=3650)).year
    assert found.state == "ok"
    assert "certificates for home.example at NATS, S3, Attach" in found.found
    assert f"good until {year}" in found.found


def test_a_name_or_an_address_that_they_are_not_for_is_a_failure(looked: Open) -> None:
    assert looked("192.168.7.7", addresses=("192.168.7.7",)).state == "ok"
    found = looked("other.example")
    assert found.state == "fail"
    assert "NATS, S3, Attach show a certificate for" in found.found and "and not for other.example" in found.found
    assert "docker compose" in found.remedy


@pytest.mark.parametrize(("days", "state"), [(3650 + 1, "fail"), (3650 - 30, "warn"), (3650 - 90, "ok")])
def test_one_that_ends_soon_is_a_warning_and_one_that_has_ended_a_failure(looked: Open, days: int, state: str) -> None:
    assert looked("home.example", made=datetime.now(UTC) - timedelta(days=days)).state == state


def test_a_door_that_is_shut_is_named(looked: Open) -> None:
    found = looked("home.example", closed="S3")
    assert found.state == "warn"
    assert "S3" in found.found and "NATS" not in found.found


def test_a_stack_that_does_not_run_is_told_in_a_line(tmp_path: Path) -> None:
    settings = {"IMMICHVR_REMOTE_NAME": "home.example", "IMMICHVR_NATS_PORT": "9", "IMMICHVR_S3_PORT": "9"}
    found = certificates(tmp_path, {**settings, "IMMICHVR_ATTACH_PORT": "9"})
    assert (found.state, found.remedy) == ("warn", "start the stack, if it is to run here")
