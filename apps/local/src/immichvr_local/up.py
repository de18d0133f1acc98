"""`immichvr up`: the stack, until it is told to end."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from immichvr_common.supervision import spawn
from rich.console import Console

from immichvr_local.console import output
from immichvr_local.errors import CommandError
from immichvr_local.stack.data import default_directory
from immichvr_local.stack.invitation import NoInvitation, invite, show_invitation
from immichvr_local.stack.parts import Plan
from immichvr_local.stack.running import Options, running
from immichvr_local.stack.status import StackStatus, show_addresses

_IMMICH_AGAIN_S = 15.0


def up(photos: Path | None, data: Path | None, host: str, port: int | None, tls: bool = False) -> None:
    """Runs the stack until Ctrl-C or SIGTERM. Raises CommandError."""
    if photos is None and not os.environ.get("IMMICH_URL"):
        raise CommandError(
            "where the photos are is missing: name a folder with --photos, or an Immich server with IMMICH_URL "
            "and IMMICH_API_KEY in the environment"
        )
    folder = photo_folder(photos) if photos is not None else None
    if folder is None:
        from immichvr_local import immich

        # An address that is none, or a key file that cannot be read, ends this before anything is started.
        immich.settings()
    asyncio.run(_serve(Options(data or default_directory(), folder, host, port, tls)))


def photo_folder(folder: Path) -> Path:
    """The folder's full path. Raises CommandError where it is none."""
    full = folder.expanduser().absolute()
    if not full.is_dir():
        raise CommandError(f"{folder}: there is no such folder of photos")
    return full


async def _tell_of_immich(board: StackStatus, plan: Plan) -> None:
    """Says what is wrong with Immich, and when nothing is any more; a folder has none of that."""
    if plan.photos is not None:
        return
    from immichvr_local import immich

    told: list[str] = []
    while True:
        found = await immich.look()
        for problem in found.problems:
            if problem not in told:
                board.say(f"Immich: {problem}")
        if not found.problems:
            if told:
                board.say("Immich: all is well now")
            for remark in found.remarks:
                board.say(f"Immich, good to know: {remark}")
            return
        told = found.problems
        await asyncio.sleep(_IMMICH_AGAIN_S)


async def _invite(console: Console, board: StackStatus, plan: Plan) -> None:
    """Shows the way in for a headset, or why there is none."""
    try:
        address, minutes = await invite(plan)
    except NoInvitation as error:
        board.say(f"no QR code for a headset: {error}")
        return
    show_invitation(console, address, minutes)


async def _serve(options: Options) -> None:
    console = output()
    board = StackStatus(console)
    async with running(options, board.say, board.tell) as (plan, signals):
        if not signals.stop.is_set():
            show_addresses(console, plan)
            if plan.tls is not None and console.is_terminal:  # whoever reads a log is not to be let in by it
                await _invite(console, board, plan)
            board.say("running; Ctrl-C ends it")
            looking = spawn("a look at Immich", _tell_of_immich(board, plan))
            await signals.stop.wait()
            looking.cancel()
            await asyncio.wait({looking})
        board.say("ending; jobs that run get a moment to finish, a second Ctrl-C does not wait for them")
    board.say("ended")
