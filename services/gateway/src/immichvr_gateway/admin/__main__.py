"""An operator's commands, by the settings of the gateway: python -m immichvr_gateway.admin --help."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from immichvr_common.bus import Bus, connect, ensure_streams
from immichvr_common.errors import ServiceError
from immichvr_common.logs import configure_logs
from immichvr_common.storage import ObjectStore

from immichvr_gateway.admin.backup import backup, restore
from immichvr_gateway.admin.collect import collect
from immichvr_gateway.admin.draining import pause, resume, until_idle
from immichvr_gateway.admin.rebuild import forget_what_can_be_told_anew
from immichvr_gateway.admin.verify import Findings, verify
from immichvr_gateway.settings import GatewaySettings, RetentionSettings

_NAMED = 20
"""So many of a kind are named; the others are counted. With --json all are."""
_TELL_EVERY = 1000

_DRAIN_MINUTES, _LONGEST_DRAIN_MINUTES, _DRAIN_WAIT_S = 60.0, 7 * 24 * 60, 600.0

Command = Callable[[Bus, ObjectStore], Awaitable[int]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the command line says. 0: done, or all is well; 1: something is broken; 2: it could not be done."""
    asked = _parser().parse_args(arguments)
    try:
        settings = GatewaySettings()
    except ValueError as error:
        return _failed(str(error))
    configure_logs(settings.log_level, settings.log_json, settings.service)
    try:
        return asyncio.run(_connected(settings, asked.command(asked, settings)))
    except ServiceError as error:
        return _failed(error.message)
    except OSError as error:
        return _failed(f"{error.filename or 'a file'}: {error.strerror}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="immichvr admin", description="For operators.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    one = commands.add_parser("verify", help="whether every file that a manifest names is there; changes nothing")
    one.add_argument("--contents", action="store_true", help="read every file, for its SHA-256")
    one.add_argument("--json", action="store_true", help="for programs")
    one.set_defaults(command=lambda asked, _: partial(_verify, asked.contents, asked.json))
    one = commands.add_parser("backup", help="a copy of records, settings and manifests, without the files of assets")
    one.add_argument("file", type=Path)
    one.set_defaults(command=lambda asked, _: partial(_backup, asked.file))
    one = commands.add_parser("restore", help="put back what is not there; stop the gateways first")
    one.add_argument("file", type=Path)
    one.set_defaults(command=lambda asked, _: partial(_restore, asked.file))
    one = commands.add_parser("rebuild", help="records anew from storage and events; stop the gateways first")
    one.set_defaults(command=lambda *_: _rebuild)
    one = commands.add_parser("gc", help="remove now what nobody names any more, after its grace; may run at any time")
    one.add_argument("--dry-run", action="store_true", help="only tell what would go")
    one.set_defaults(command=lambda asked, settings: partial(_gc, settings.retention, asked.dry_run))
    one = commands.add_parser("drain", help="let workers finish what they have, and begin nothing for a while")
    one.add_argument("services", nargs="*", metavar="SERVICE", help="of workers; all where none is named")
    one.add_argument("--minutes", type=_minutes, default=_DRAIN_MINUTES, help="after which they go on; an hour")
    one.add_argument("--wait", type=float, default=_DRAIN_WAIT_S, metavar="SECONDS", help="for what they have; 600")
    one.add_argument("--end", action="store_true", help="let them go on now")
    one.set_defaults(command=lambda asked, _: partial(_drain, asked))
    return parser


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 < minutes <= _LONGEST_DRAIN_MINUTES:
        raise argparse.ArgumentTypeError(f"more than 0, and at most {_LONGEST_DRAIN_MINUTES}")
    return minutes


async def _connected(settings: GatewaySettings, command: Command) -> int:
    bus, store = await connect(settings.nats, "admin"), ObjectStore(settings.s3)
    try:
        await ensure_streams(bus, settings.lease_s)
        await store.ensure_bucket()
        return await command(bus, store)
    finally:
        await bus.close()
        store.close()


async def _verify(read_contents: bool, as_json: bool, bus: Bus, store: ObjectStore) -> int:
    findings = await verify(bus, store, read_contents, _tell)
    _say(json.dumps(asdict(findings), indent=2) if as_json else "\n".join(_sentences(findings)))
    return 1 if findings.broken or findings.unbacked else 0


def _sentences(findings: Findings) -> list[str]:
    strays = sum(findings.strays.values())
    return [
        *_named([f"{one.key}: {one.problem}" for one in findings.broken], "broken"),
        *_named(findings.unbacked, "recorded, and without a manifest"),
        *_named(findings.unrecorded, "not recorded yet; the gateway takes them up at its start"),
        *_named([*findings.strays], f"of no asset ({strays:,} bytes); the gateway removes them after their grace"),
        f"{findings.assets:,} assets, {findings.files:,} files, {findings.bytes:,} bytes are as their manifests say",
    ]


def _named(names: list[str], what: str) -> list[str]:
    if not names:
        return []
    more = [f"  … and {len(names) - _NAMED:,} more"] if len(names) > _NAMED else []
    return [f"{len(names):,} {what}:", *(f"  {name}" for name in names[:_NAMED]), *more]


def _tell(assets: int) -> None:
    if assets and assets % _TELL_EVERY == 0:
        sys.stderr.write(f"{assets:,} assets looked at\n")


async def _backup(path: Path, bus: Bus, store: ObjectStore) -> int:
    counts = await backup(bus, store, path)
    _say(f"{path}: {counts.kv:,} records and {counts.objects:,} manifests")
    for line in _named(counts.left_out, "left out, which cannot be read"):
        _say(line)
    return 1 if counts.left_out else 0


async def _restore(path: Path, bus: Bus, store: ObjectStore) -> int:
    counts = await restore(bus, store, path)
    _say(f"{counts.kv:,} records and {counts.objects:,} manifests are back; {counts.kept:,} were there already")
    return 0


async def _rebuild(bus: Bus, store: ObjectStore) -> int:
    gone = await forget_what_can_be_told_anew(bus)
    told: dict[str, Any] = {name: f"{count:,} records of {name}" for name, count in gone.items()}
    _say(f"{' and '.join(told.values())} are forgotten; the gateway tells them anew at its next start")
    return 0


async def _gc(settings: RetentionSettings, dry_run: bool, bus: Bus, store: ObjectStore) -> int:
    done = await collect(bus, store, settings, dry_run)
    report = done.report
    would = dry_run or settings.dry_run
    for why, tally in sorted(report.gone.items()):
        went = "goes later" if why.endswith("-soon") else "would go" if would else "went"
        _say(f"{why}: {tally.objects:,} objects, {tally.bytes:,} bytes: {went}")
    kept = sum(one.objects for one in report.kept.values()), sum(one.bytes for one in report.kept.values())
    _say(f"{kept[0]:,} objects, {kept[1]:,} bytes stay")
    if not done.is_whole:
        return _failed("a gateway took over in the middle, and goes on; what stands above was done until then")
    return 0


async def _drain(asked: argparse.Namespace, bus: Bus, store: ObjectStore) -> int:
    if asked.end:
        await resume(bus, asked.services)
        _say("jobs are begun again")
        return 0
    until = await pause(bus, asked.services, timedelta(minutes=asked.minutes))
    _say(f"nothing is begun until {until:%Y-%m-%d %H:%M:%S} UTC; `drain --end` ends that sooner")
    left = await until_idle(bus, asked.services, asked.wait)
    _say(f"workers still have {left} jobs" if left else "workers have nothing any more")
    return 1 if left else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _failed(why: str) -> int:
    sys.stderr.write(f"immichvr admin: {why}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
