"""All checks, at the same time, and how they are shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from immichvr_models import Cache
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from immichvr_local.console import Steps, output
from immichvr_local.doctor import immich, machine, remote, software, stack
from immichvr_local.doctor.check import Check
from immichvr_local.doctor.models import models

_COLOUR = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(as_json: bool) -> int:
    """Shows all findings, and gives the exit code: 1 where one is a failure."""
    findings = examine()
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))  # noqa: T201  # for programs
    else:
        _show(output(), findings)
    return 1 if any(finding.state == "fail" for finding in findings) else 0


def examine() -> list[Check]:
    """Every finding, in the order of the table."""
    cache = Cache.from_env()
    checks: list[tuple[str, Callable[[], Check]]] = [
        ("Python", software.python),
        ("services", software.services),
        ("nats-server", lambda: software.server("nats-server", "NATS_SERVER", "--version")),
        ("weed", lambda: software.server("weed", "WEED", "version")),
        ("GPU", machine.graphics),
        ("memory", machine.memory),
        ("disk", machine.disk),
        ("port", machine.port),
        ("running", stack.running),
        ("remote workers", remote.certificates),
        ("Immich", immich.server),
        ("network", lambda: machine.network(cache.settings.endpoint)),
        ("proxy", machine.proxies),
        ("Node.js", software.node),
        ("viewer", software.viewer),
        ("browser", software.browser),
    ]
    with Steps(len(checks)) as steps, ThreadPoolExecutor(len(checks)) as pool:
        pending = [(name, pool.submit(check)) for name, check in checks]
        found = []
        for name, one in pending:
            with steps.step(f"looking at {name}"):
                found.append(one.result())
    online = all(finding.state == "ok" for finding in found if finding.name == "network")
    return [*found, *models(cache, online)]


def _show(console: Console, findings: list[Check]) -> None:
    if not console.is_terminal:
        for one in findings:
            remedy = f" -> {one.remedy}" if one.remedy else ""
            console.print(f"{one.state:4} {one.name}: {one.found}{remedy}", markup=False)
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("", "what", "found", "what to do"):
        table.add_column(column, overflow="fold")
    for one in findings:
        table.add_row(f"[{_COLOUR[one.state]}]{one.state}[/]", one.name, escape(one.found), escape(one.remedy))
    console.print(table)
