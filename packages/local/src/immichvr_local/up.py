"""`immichvr up`: the stack, until it is told to end."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from immichvr_local.console import output
from immichvr_local.errors import CommandError
from immichvr_local.stack.board import Board, show_addresses
from immichvr_local.stack.data import default_directory
from immichvr_local.stack.running import Options, running


def up(photos: Path | None, data: Path | None, host: str, port: int | None) -> None:
    """Runs the stack until Ctrl-C or SIGTERM. Raises CommandError."""
    if photos is None and not os.environ.get("IMMICH_URL"):
        raise CommandError(
            "where the photos are is missing: name a folder with --photos, or an Immich server with IMMICH_URL "
            "and IMMICH_API_KEY in the environment"
        )
    folder = photo_folder(photos) if photos is not None else None
    asyncio.run(_serve(Options(data or default_directory(), folder, host, port)))


def photo_folder(folder: Path) -> Path:
    """The folder's full path. Raises CommandError where it is none."""
    full = folder.expanduser().absolute()
    if not full.is_dir():
        raise CommandError(f"{folder}: there is no such folder of photos")
    return full


async def _serve(options: Options) -> None:
    console = output()
    board = Board(console)
    async with running(options, board.say, board.tell) as (plan, signals):
        if not signals.stop.is_set():
            show_addresses(console, plan)
            board.say("running; Ctrl-C ends it")
            await signals.stop.wait()
        board.say("ending; jobs that run get a moment to finish, a second Ctrl-C does not wait for them")
    board.say("ended")
