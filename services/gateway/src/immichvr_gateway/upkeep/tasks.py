"""What a gateway does again and again as long as it lives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from immichvr_common.bus import Bus
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.errors import NotFound, ServiceError, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.retrying import forever

from immichvr_gateway.jobs.projection import EventReader, Position
from immichvr_gateway.library import Library

log = get_log(__name__)

READ_POSITION = "projection.events"
"""The key in KV `state` of how far events were read; of this very stream, so it means nothing beside another."""
_POSITION = f"$KV.{KV_STATE}.{READ_POSITION}"
_BEGUN = "Stream-Begun"
"""Header beside the number: the release before takes the value for a number, and does not start over anything else."""
_SAVE_POSITION_S = 2.0
_LIBRARY_S, _LIBRARY_AGAIN_S = 3600.0, 30.0

Step = Callable[[], Awaitable[None]]


async def repeat(every_s: float, **steps: Step) -> None:
    """Takes steps, by name, every so many seconds; one that fails or has to wait keeps none of the others."""
    while True:
        for name, step in steps.items():
            try:
                await step()
            except Unavailable as error:
                log.debug("upkeep waits", step=name, error=error.message)
            except Exception as error:  # it is taken again; the others are taken all the same
                log.error("upkeep failed", step=name, exc_info=error)
        await asyncio.sleep(every_s)


async def stored_position(bus: Bus) -> Position:
    """How far events were read when that was written down last."""
    try:
        message = await bus.last(f"KV_{KV_STATE}", _POSITION)
    except NotFound:
        return Position()
    return Position.read(message.data, message.headers.get(_BEGUN))


async def save_position(bus: Bus, place: Position) -> None:
    """Writes down how far events were read."""
    headers = {_BEGUN: place.begun.isoformat()} if place.begun is not None else None
    await bus.publish(_POSITION, str(place.seq).encode(), headers)


async def keep_position(bus: Bus, reader: EventReader, is_all_written: Callable[[], bool]) -> None:
    """Goes on writing down how far events were read. What is not written down itself must be read again."""
    saved: Position | None = None

    async def save() -> None:
        nonlocal saved
        place = reader.place
        if place != saved and is_all_written():
            await save_position(bus, place)
            saved = place

    await asyncio.sleep(_SAVE_POSITION_S)
    await forever(save, "how far events were read is not written down", _SAVE_POSITION_S)


async def look_at_library(library: Library, problems: list[str], remarks: list[str]) -> None:
    """Says in the log what is wrong with the library, once each, and when nothing is any more; `problems` holds it.

    `remarks` holds what is good to know of it besides.
    """
    while True:
        try:
            found = await library.check()
        except ServiceError as error:
            found = [error.message]
        for problem in found:
            if problem not in problems:
                log.warning("the library has a problem", problem=problem)
        if problems and not found:
            log.info("the library is well again")
        problems[:] = found
        known = [] if found else await library.remarks()
        for remark in known:
            if remark not in remarks:
                log.info("good to know of the library", remark=remark)
        remarks[:] = known
        await asyncio.sleep(_LIBRARY_AGAIN_S if found else _LIBRARY_S)
