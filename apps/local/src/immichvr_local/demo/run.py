"""The demo from start to end."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from immichvr_catalog import workers
from rich.console import Console

from immichvr_local.console import output
from immichvr_local.demo.bars import Bars
from immichvr_local.demo.gallery import Gallery
from immichvr_local.demo.making import Tally, make_splats
from immichvr_local.errors import INTERRUPTED, CommandError
from immichvr_local.stack.data import default_directory
from immichvr_local.stack.parts import Plan, names, workers_for
from immichvr_local.stack.running import Options, Signals, running
from immichvr_local.stack.status import StackStatus, show_addresses
from immichvr_local.up import photo_folder


def demo(photos: Path | None, once: bool, data: Path | None, port: int | None) -> int:
    """Shows the system at work, and gives the exit code. Raises CommandError.

    once: ends when the photos are done, on data that is thrown away, and starts no service that makes no splats; else
    the gallery is served until Ctrl-C.
    """
    folder = photo_folder(photos or _samples())
    console = output()
    with _data_directory(data, once) as directory:
        needed = workers_for("splat") if once else workers()
        options = Options(directory, folder, "127.0.0.1", port, workers=needed)
        tally = asyncio.run(_show(options, once, console))
    if tally is not None:
        console.print(str(tally), markup=False)
    return exit_code(tally) if once else 0


def exit_code(tally: Tally | None) -> int:
    """0 where every photo has its splat, 1 where one failed, 130 where a signal came first."""
    if tally is None:
        return INTERRUPTED
    return 1 if tally.failed else 0


async def _show(options: Options, once: bool, console: Console) -> Tally | None:
    board = StackStatus(console, names(options.workers))
    tally = None
    async with running(options, board.say, board.tell) as (plan, signals):
        if not signals.stop.is_set():
            show_addresses(console, plan)
            tally = await _make_all(plan, console, signals)
        if not once and not signals.stop.is_set():
            board.say(f"{tally}; look around at {plan.gallery} (Ctrl-C ends it)")
            await signals.stop.wait()
        board.say("ending")
    return tally


async def _make_all(plan: Plan, console: Console, signals: Signals) -> Tally | None:
    """Every splat; None where a signal came first."""
    making = asyncio.create_task(_list_and_make(plan, console))
    stopping = asyncio.create_task(signals.stop.wait())
    await asyncio.wait({making, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not making.done():
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)
        return None
    return making.result()


async def _list_and_make(plan: Plan, console: Console) -> Tally:
    async with Gallery(plan.gallery) as gallery:
        photos = [photo async for photo in gallery.photos()]
        if not photos:
            raise CommandError(f"{plan.photos}: there is no photo in this folder that can be shown")
        with Bars(console, len(photos)) as bars:
            return await make_splats(gallery, photos, bars)


def _samples() -> Path:
    """The sample photos of a checkout. Raises CommandError where there are none."""
    folder = Path(__file__).parents[5] / "samples"
    if not folder.is_dir():
        raise CommandError("the sample photos come with the source code only: name a folder with --photos")
    return folder


@contextmanager
def _data_directory(data: Path | None, once: bool) -> Iterator[Path]:
    """Where the demo's data goes: what was named, a temporary directory, or one that makes the next start fast."""
    if data is not None:
        yield data
    elif not once:
        yield default_directory() / "demo"
    else:
        directory = Path(tempfile.mkdtemp(prefix="immichvr-demo-"))
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)
