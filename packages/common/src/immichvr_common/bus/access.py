"""Who may do what on the bus: the gateway owns it, each worker service lives in an account of its own.

Permissions inside one account would not hold: any request that is allowed may name another subject for its reply,
and the server writes there. From its own account a worker reaches what is imported here, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from immichvr_catalog import CLASSES, GATEWAY, POOLS, SERVICES, workers

from immichvr_common.bus.acknowledgements import acknowledgements_of
from immichvr_common.bus.streams import CANCELS, EVENTS, JOBS, durable_name
from immichvr_common.bus.subjects import LETTING_GO, WHATS, What, event_subject
from immichvr_common.certificates import CERTIFICATE, KEY

ACCOUNT = "IMMICHVR"
"""The gateway's account. Streams lie under its name on disk: another name would lose them."""
SYSTEM = "SYS"
_SHUT = "nothing.listens.here"


def account_of(service: str) -> str:
    """The account of a worker service. Raises UnknownName."""
    return SERVICES[service].account


def nats_config(
    port: int, store: Path, passwords: dict[str, str], host: str = "127.0.0.1", most_stored: int = 8 * 1024**3,
    tls: Path | None = None,
) -> str:  # fmt: skip
    """A nats-server configuration (a superset of JSON) with JetStream and an account per service.

    most_stored: bytes of all streams together. tls: where its certificate lies, as `certificates` writes it; with one
    nobody is served in plain.
    """
    table: dict[str, dict[str, object]] = {
        name: {**lent, "users": [{"user": user, "password": passwords[user]} for user in users_of(name)]}
        for name, lent in accounts([service.name for service in workers() if service.name in passwords]).items()
    }
    return json.dumps(
        {
            "listen": f"{host}:{port}",
            "server_name": "immichvr",
            "jetstream": {"store_dir": str(store), "max_file": most_stored},
            "max_payload": 1024 * 1024,
            **({"tls": {"cert_file": str(tls / CERTIFICATE), "key_file": str(tls / KEY)}} if tls else {}),
            "accounts": table,
            "system_account": SYSTEM,
        },
        indent=2,
    )


def accounts(services: Sequence[str]) -> dict[str, dict[str, object]]:
    """Every account of a server that these worker services use, with what it lends or is lent, and without users."""
    return {
        ACCOUNT: {"jetstream": "enabled", "exports": [export for service in services for export in _exports(service)]},
        **{account_of(service): {"imports": _imports(service)} for service in services},
        SYSTEM: {},
    }


def users_of(account: str) -> list[str]:
    """The services that are in an account, each as a user of its name."""
    if account == ACCOUNT:
        return [GATEWAY]
    return [service.name for service in workers() if service.account == account]


def _exports(service: str) -> list[dict[str, object]]:
    """What the gateway's account lends to one service alone."""
    to_it: dict[str, object] = {"accounts": [account_of(service)]}
    return [
        *({"service": subject, "response": "stream", **to_it} for subject in _pulls(service)),
        *({"service": subject, **to_it} for subject in [*_calls(service), *_tells(service)]),
        {"service": _SHUT, **to_it},
        *({"stream": subject, **to_it} for subject in _heard(service)),
    ]


def _imports(service: str) -> list[dict[str, object]]:
    """How a service sees what it is lent: under the same subjects.

    Workers of the release before tell under `events.job.` and the like: the server puts their service's name in.
    """

    heard: list[dict[str, object]] = [
        {"stream": {"account": ACCOUNT, "subject": subject}} for subject in _heard(service)
    ]

    def lent(subject: str, seen_as: str = "") -> dict[str, object]:
        found: dict[str, object] = {"service": {"account": ACCOUNT, "subject": subject}}
        return {**found, "to": seen_as} if seen_as else found

    return [
        *(lent(subject) for subject in [*_pulls(service), *_calls(service), *_tells(service)]),
        *(lent(f"events.{service}.{what}.*", f"events.{what}.*") for what in _told_by(service)),
        # Without JetStream of its own, an account gets an interface by default that answers every call, before the
        # one that is imported does, with "not enabled". The server leaves it out where this subject is taken.
        lent(_SHUT, "$JS.API.INFO"),
        *heard,
    ]


def _pulls(service: str) -> list[str]:
    return [f"$JS.API.CONSUMER.MSG.NEXT.{JOBS}.{durable}" for durable in _durables(service)]


def _calls(service: str) -> list[str]:
    """Learning how long a lease lasts, acknowledging, reading which jobs nobody wants and what was told of its own."""
    return [
        *(f"$JS.API.CONSUMER.INFO.{JOBS}.{durable}" for durable in _durables(service)),
        *(acknowledgements_of(JOBS, durable) for durable in _durables(service)),
        # Asked for by workers of the release before; those of this one read the key at once.
        f"$JS.API.STREAM.INFO.KV_{CANCELS}",
        f"$JS.API.DIRECT.GET.KV_{CANCELS}.>",
        f"$JS.API.DIRECT.GET.{EVENTS}.{event_subject(service, 'job', '*')}",
    ]


def _heard(service: str) -> list[str]:
    """What the gateway says to all: which jobs nobody wants, and which models shall leave memory."""
    return ["control.cancel.*", *([f"{LETTING_GO}.*"] if SERVICES[service].runs_models else [])]


def _tells(service: str) -> list[str]:
    return [f"events.{service}.{what}.*" for what in _told_by(service)]


def _told_by(service: str) -> list[What]:
    """What a service may tell of: models only where it runs them."""
    return [what for what in WHATS if what != "model" or SERVICES[service].runs_models]


def _durables(service: str) -> list[str]:
    return [durable_name(service, pool, job_class) for pool in POOLS for job_class in CLASSES]
