"""`immichvr admin …`: an operator's commands, over the stack of this machine or what the environment names."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from immichvr_catalog import GATEWAY, SERVICES

from immichvr_local.errors import CommandError
from immichvr_local.stack.data import DataDirectory, default_directory
from immichvr_local.stack.parts import gateway_of, inner_port_names, servers_of
from immichvr_local.stack.running import Options, plan_of_running, running

_ELSEWHERE = f"{SERVICES[GATEWAY].env_prefix}NATS__URL"
_WHILE_IT_RUNS = ("verify", "backup", "gc", "drain")


def admin(arguments: Sequence[str], data: Path | None) -> int:
    """Runs a command; its exit code.

    Where the environment tells of NATS it is that one's; else that of the data directory, whose NATS and S3 are
    started for it unless the stack runs. Raises CommandError.
    """
    wants_help = not arguments or not {"-h", "--help"}.isdisjoint(arguments)
    if wants_help or (os.environ.get(_ELSEWHERE) and data is None):
        return asyncio.run(_perform(arguments, os.environ))
    directory = data or default_directory()
    if not directory.is_dir():
        raise CommandError(f"{directory}: there is nothing; name a data directory with --data")
    return asyncio.run(_over(DataDirectory(directory), arguments))


async def _over(data: DataDirectory, arguments: Sequence[str]) -> int:
    if data.is_locked():
        if arguments and not arguments[0].startswith("-") and arguments[0] not in _WHILE_IT_RUNS:
            raise CommandError(f"`{arguments[0]}` wants the gateway stopped: end what runs on {data.root} first")
        plan = plan_of_running(data)
        if missing := set(inner_port_names()) - set(plan.inner):
            raise CommandError(f"{data.root} does not tell the port of {min(missing)}; is it of an earlier version?")
        return await _perform(arguments, gateway_of(plan).environment)
    options = Options(data.root, None, "127.0.0.1", None)
    async with running(options, _say, lambda _: None, servers_of) as (plan, signals):
        return 2 if signals.stop.is_set() else await _perform(arguments, gateway_of(plan).environment)


async def _perform(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "immichvr_gateway.admin", *arguments, env=dict(environment)
    )
    return await process.wait()


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
