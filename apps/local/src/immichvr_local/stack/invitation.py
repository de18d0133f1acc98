"""A way into the gallery for a headset: an address, and as a QR code, that lets one device in, once."""

from __future__ import annotations

import io
from urllib.parse import urljoin

import httpx
import segno
from immichvr_common.rpc_settings import is_loopback
from rich.console import Console

from immichvr_local.stack.parts import Plan

_CALLS_ITSELF = "Mozilla/5.0 immichvr up"
_PATIENCE_S = 10.0


class NoInvitation(Exception):
    """The gallery lets nobody in this way; says why."""


async def invite(plan: Plan, client: httpx.AsyncClient | None = None) -> tuple[str, int]:
    """An address that lets in whoever opens it first, as who has the access token, and for how many minutes it does.

    What lets it in stands behind the #, which browsers keep from servers and their logs.
    client: to ask the gallery with, of its own where none is given. Raises NoInvitation.
    """
    elsewhere = plan.addresses_from_elsewhere or ([] if is_loopback(plan.host) else [plan.gallery])
    if not elsewhere:
        raise NoInvitation("it listens on this machine alone; --host 0.0.0.0 lets other devices in")
    own = client or httpx.AsyncClient(
        base_url=plan.gallery, verify=plan.trust, timeout=_PATIENCE_S, headers={"user-agent": _CALLS_ITSELF}
    )
    try:
        return await _ask(own, plan.data.secret("access-token"), elsewhere[0])
    except (httpx.HTTPError, KeyError, ValueError) as error:
        raise NoInvitation(f"the gallery did not make one: {error}") from error
    finally:
        if client is None:
            await own.aclose()


async def _ask(client: httpx.AsyncClient, token: str, address: str) -> tuple[str, int]:
    asked = await client.post("/api/pairing/invitation", headers={"authorization": f"Bearer {token}"})
    invited = asked.raise_for_status().json()
    return urljoin(address, f"/#/invitation/{invited['id']}/{invited['secret']}"), int(invited["expires_in_s"]) // 60


def show_invitation(console: Console, address: str, minutes: int) -> None:
    """The address, and in a terminal its QR code, dark on light whatever the terminal's colours are."""
    console.print(
        f"for a headset or a phone, good for {minutes} minutes and one device: {address}", markup=False, soft_wrap=True
    )
    if console.is_terminal:
        drawn = io.StringIO()
        segno.make(address, error="l", micro=False).terminal(drawn, compact=True, border=2)
        console.file.write(drawn.getvalue())
