"""The QR code of `immichvr up --tls`."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from immichvr_local.stack.data import DataDirectory
from immichvr_local.stack.invitation import NoInvitation, invite, show_invitation
from immichvr_local.stack.parts import Plan
from rich.console import Console

SECRET = "s" * 43


def plan(tmp_path: Path, host: str = "192.168.7.7") -> Plan:
    return Plan(DataDirectory(tmp_path / "data"), tmp_path, host, 8443, {})


def gateway(asked: list[tuple[str, str]], status: int = 201) -> httpx.AsyncClient:
    """One that lets itself be asked as the real one does."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.path, request.headers["authorization"]))
        return httpx.Response(status, json={"id": "abc", "secret": SECRET, "expires_in_s": 300})

    return httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://127.0.0.1:8443")


async def test_it_leads_other_devices_in_without_a_token_in_what_servers_see(tmp_path, monkeypatch) -> None:
    wanted = plan(tmp_path)
    monkeypatch.setattr("immichvr_local.stack.parts.hosts_of_this_machine", lambda _: ["192.168.7.7"])
    asked: list[tuple[str, str]] = []
    address, minutes = await invite(replace(wanted, host="0.0.0.0"), gateway(asked))  # noqa: S104
    seen, _, hidden = address.partition("#")
    assert (seen, hidden, minutes) == ("http://192.168.7.7:8443/", f"/invitation/abc/{SECRET}", 5)
    # Nothing else is asked for: no session is opened that would stay where nobody comes.
    assert asked == [("/api/pairing/invitation", f"Bearer {wanted.data.secret('access-token')}")]


async def test_one_address_that_it_listens_on_is_where_it_leads(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("immichvr_local.stack.parts.hosts_of_this_machine", lambda _: [])
    address, _ = await invite(plan(tmp_path, "192.168.7.7"), gateway([]))
    assert address.startswith("http://192.168.7.7:8443/#/invitation/")


async def test_it_says_why_there_is_none(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("immichvr_local.stack.parts.hosts_of_this_machine", lambda _: [])
    with pytest.raises(NoInvitation, match="--host"):
        await invite(plan(tmp_path, "127.0.0.1"))
    monkeypatch.setattr("immichvr_local.stack.parts.hosts_of_this_machine", lambda _: ["192.168.7.7"])
    with pytest.raises(NoInvitation, match="401"):
        await invite(plan(tmp_path, "0.0.0.0"), gateway([], 401))  # noqa: S104


def test_a_terminal_shows_it_as_a_code_and_a_log_as_an_address() -> None:
    address = f"https://192.168.7.7:8443/#/invitation/abc/{SECRET}"
    shown = {}
    for is_terminal in (True, False):
        text = io.StringIO()
        show_invitation(Console(file=text, force_terminal=is_terminal, width=60), address, 5)
        shown[is_terminal] = text.getvalue()
        assert address in shown[is_terminal]
    assert (shown[True].count("\n") > 15 and "█" in shown[True]) or "▄" in shown[True]
    assert shown[False].count("\n") == 1
