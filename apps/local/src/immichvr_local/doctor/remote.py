"""The check of a compose stack that lets workers elsewhere in: what its doors show, as those workers see it."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from immichvr_common.certificates import Shown, read_shown

from immichvr_local.doctor.check import Check, fail, ok, warn

_NAME = "remote workers"
_REMOTE_NAME = "IMMICHVR_REMOTE_NAME"
_FOLDER = Path(__file__).parents[5] / "deploy/compose"
# As in workers-elsewhere.yaml.
_DOORS = {
    "NATS": ("IMMICHVR_NATS_PORT", 4222),
    "S3": ("IMMICHVR_S3_PORT", 8333),
    "Attach": ("IMMICHVR_ATTACH_PORT", 9443),
}
_ANSWER_S = 3.0
_AHEAD = timedelta(days=60)
_LONGEST_GREETING = 64 * 1024
_RENEW = "docker compose -f compose.yaml -f workers-elsewhere.yaml up -d && docker compose restart nats s3 gateway"
_RENEWED = f"{_RENEW}; then give the workers its ca.pem"


def certificates(folder: Path = _FOLDER, environment: Mapping[str, str] = os.environ) -> Check:
    """Whether the certificates that workers elsewhere see are good, and for the name by which they come.

    folder: of the compose file, with its `.env`.
    """
    settings = {**_read(folder / ".env"), **environment}
    name = settings.get(_REMOTE_NAME, "")
    if not name:
        return ok(_NAME, f"none are let in ({_REMOTE_NAME} in {folder / '.env'})")
    found, silent = {}, []
    for door, (variable, usual) in _DOORS.items():
        try:
            found[door] = _shown_at(settings.get(variable) or str(usual), greets=door == "NATS")
        except (OSError, ValueError) as error:
            silent.append(f"{door} ({error})")
    if not found:
        return warn(
            _NAME, f"no door for {name} is open here: {', '.join(silent)}", "start the stack, if it is to run here"
        )
    return _judged(name, found, silent, datetime.now(UTC))


def _judged(name: str, found: Mapping[str, Shown], silent: list[str], now: datetime) -> Check:
    strange = {door: one for door, one in found.items() if name.lower() not in one.names}
    if strange:
        others = ", ".join(sorted(frozenset[str]().union(*(one.names for one in strange.values()))))
        return fail(_NAME, f"{_listed(strange)} show a certificate for {others}, and not for {name}", _RENEWED)
    ends = min(one.until for one in found.values())
    first = _listed([door for door, one in found.items() if one.until == ends])
    if ends <= now:
        return fail(_NAME, f"the certificate of {first} ended on {ends:%Y-%m-%d}", _RENEWED)
    if silent:
        return warn(_NAME, f"no certificate is seen at {', '.join(silent)}", f"look at its log, or {_RENEW}")
    told = f"certificates for {name} at {_listed(found)}, good until {ends:%Y-%m-%d}"
    return warn(_NAME, told, _RENEWED) if ends - now < _AHEAD else ok(_NAME, told)


def _shown_at(published: str, greets: bool) -> Shown:
    """What is shown at a port of this machine. greets: its server says something in the clear first, as NATS does.

    Raises OSError, ValueError.
    """
    host, _, port = published.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # What it is for is judged here; nothing is told to whom this asks.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((host.strip("[]") or "127.0.0.1", int(port)), timeout=_ANSWER_S) as connection:
        if greets:
            _skip_line(connection)
        with context.wrap_socket(connection) as secured:
            return read_shown(secured.getpeercert(binary_form=True) or b"")


def _skip_line(connection: socket.socket) -> None:
    for _ in range(_LONGEST_GREETING):
        if connection.recv(1) in (b"\n", b""):
            return
    raise ValueError("it says something else than NATS does")


def _read(path: Path) -> dict[str, str]:
    """The settings in Compose's `.env`, none where there is none."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    pairs = [line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#")]
    return {name.strip(): _value(written.strip()) for name, _, written in pairs}


def _value(written: str) -> str:
    """What a line of `.env` says, without quotes, and without a comment outside of them."""
    quote = written[:1]
    if quote in ("'", '"') and (end := written.find(quote, 1)) > 0:
        return written[1:end]
    return "" if quote == "#" else written.partition(" #")[0].rstrip()


def _listed(doors: Mapping[str, Shown] | list[str]) -> str:
    return ", ".join(doors)
