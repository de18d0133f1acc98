"""What a gateway does again and again as long as it lives."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import nats.errors
from immichvr_common.bus import Bus
from immichvr_common.bus.connection import OUTAGES
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.errors import Unavailable
from immichvr_common.logs import get_log
from nats.js.errors import NotFoundError

from immichvr_gateway.jobs.projection import EventReader, Position

log = get_log(__name__)

_POSITION = f"$KV.{KV_STATE}.projection.events"
_BEGUN = "Stream-Begun"
"""Header beside the number: the release before takes the value for a number, and does not start over anything else."""
_SAVE_POSITION_S = 2.0

Step = Callable[[], Awaitable[None]]


async def repeat(every_s: float, **steps: Step) -> None:
    """Takes steps, by name, every so many seconds; one that fails or has to wait keeps none of the others."""
    while True:
        for name, step in steps.items():
            try:
                await step()
            except (Unavailable, *OUTAGES, nats.errors.Error) as error:
                log.debug("upkeep waits", step=name, error=str(error))
            except Exception as error:  # it is taken again; the others are taken all the same
                log.error("upkeep failed", step=name, exc_info=error)
        await asyncio.sleep(every_s)


async def stored_position(bus: Bus) -> Position:
    """How far events were read when that was written down last."""
    try:
        message = await bus.js.get_last_msg(f"KV_{KV_STATE}", _POSITION)
    except NotFoundError:
        return Position()
    return Position.read(message.data or b"", (message.headers or {}).get(_BEGUN))


async def save_position(bus: Bus, place: Position) -> None:
    """Writes down how far events were read."""
    headers = {_BEGUN: place.begun.isoformat()} if place.begun is not None else None
    await bus.js.publish(_POSITION, str(place.seq).encode(), headers=headers)


async def keep_position(bus: Bus, reader: EventReader, is_all_written: Callable[[], bool]) -> None:
    """Goes on writing down how far events were read. What is not written down itself must be read again."""
    saved: Position | None = None
    while True:
        await asyncio.sleep(_SAVE_POSITION_S)
        place = reader.place
        if place != saved and is_all_written():
            with contextlib.suppress(*OUTAGES, nats.errors.Error):
                await save_position(bus, place)
                saved = place
