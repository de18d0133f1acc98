"""Messages on their way to webhooks: taken from the stream HOOKS by whichever gateway is free, until they arrive.

A webhook that fails is left alone for longer each time, and what waits for it is given up after a day. Each is told one
thing at a time, and those of one person hold a part of all places, so that none of them keeps the others waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

from immichvr_common.bus import Bus, Delivery
from immichvr_common.bus.streams import HOOKS
from immichvr_common.errors import NotFound, ServiceError, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.retrying import forever
from nats.js.api import AckPolicy, ConsumerConfig
from pydantic import ValidationError

from immichvr_gateway.hooks.messages import Told
from immichvr_gateway.hooks.posting import Poster
from immichvr_gateway.hooks.records import HookAnswer, HookBook
from immichvr_gateway.library import Identity, LibraryUnavailable, SignInFailed
from immichvr_gateway.sources.visibility import Visibility

log = get_log(__name__)

_CONSUMER = "gateways"
_AT_ONCE = 8
_OF_ONE_PERSON = 3
_WAIT_S = 5.0
_LEASE_S = 60.0
_GIVEN_UP = timedelta(days=1)
_LIBRARY_AWAY_S = 30.0
_LEAVING_S = 1.0
_BUSY_S, _BUSY_MOST = 2.0, 20


class InAbsence(Protocol):
    """Whom to ask as for people who are not there."""

    async def of(self, user_id: str) -> Identity | None: ...


class HookDelivery:
    """Delivers, until cancelled."""

    def __init__(self, bus: Bus, book: HookBook, keys: InAbsence, visibility: Visibility, poster: Poster) -> None:
        self._bus, self._book, self._keys, self._visibility, self._poster = bus, book, keys, visibility, poster

    async def run(self) -> None:
        """Takes what is there, again and again."""
        # Around it all: what is under way goes on while the consumer is away.
        async with asyncio.TaskGroup() as group:
            take = partial(self._take, group, {})
            await forever(take, "webhooks wait", outage=(Unavailable, NotFound), longest_s=5.0)

    async def _take(self, group: asyncio.TaskGroup, under_way: dict[str, asyncio.Task[None]]) -> None:
        """Takes a message whenever a place is free. under_way: by subject, which is the webhook's."""
        # What is handed back for later stays pending: with a bound, one webhook that fails would stop all others.
        config = ConsumerConfig(
            durable_name=_CONSUMER, ack_policy=AckPolicy.EXPLICIT, ack_wait=_LEASE_S, max_ack_pending=-1
        )
        await self._bus.add_consumer(HOOKS, config)
        async with self._bus.pulling(HOOKS, _CONSUMER) as puller:
            while True:
                while len(under_way) >= _AT_ONCE:
                    await asyncio.wait(under_way.values(), return_when=asyncio.FIRST_COMPLETED)
                if (message := await puller.next(_WAIT_S)) is None:
                    continue
                subject = message.subject
                theirs = sum(_whose(one) == _whose(subject) for one in under_way)
                if subject in under_way or theirs >= _OF_ONE_PERSON:
                    await message.hand_back(_after_others(message))
                    continue
                under_way[subject] = task = group.create_task(self._see_to(message), name=subject)
                task.add_done_callback(lambda done: under_way.pop(done.get_name()))

    async def _see_to(self, message: Delivery) -> None:
        try:
            again_in = await self._deliver(message)
            await (message.acknowledge() if again_in is None else message.hand_back(again_in))
        except asyncio.CancelledError:
            # Nobody need wait for the lease to end; handed back at once, it would come to this gateway again.
            with contextlib.suppress(Unavailable):
                await message.hand_back(_LEAVING_S)
            raise
        except Unavailable as error:
            log.debug("a webhook's message comes again", error=error.message)
        except Exception as error:  # one odd message must not keep all others
            log.error("a webhook's message is given up", exc_info=error)
            with contextlib.suppress(Unavailable):
                await message.refuse()

    async def _deliver(self, message: Delivery) -> float | None:
        """Delivers a message, or not; after how many seconds it is to come again, None where that is the end."""
        try:
            told = Told.model_validate_json(message.data)
        except ValidationError as error:
            log.error("a webhook's message cannot be read", error=str(error)[:500])
            return None
        hook = await self._book.get(told.user_id, told.hook_id)
        secret = None if hook is None else self._book.secret_of(hook)
        if hook is None or datetime.now(UTC) - message.at.astimezone(UTC) > _GIVEN_UP:
            return None
        if (pause := hook.retry_at - time.time()) > 0:
            return pause + random.uniform(0, 2)  # noqa: S311  # so that not all come at once
        if secret is None:
            await self._book.note(
                hook, _untold(told, "its secret cannot be opened any more: delete it, and make it anew")
            )
            return None
        try:
            who = await self._keys.of(told.user_id)
            if who is None:
                await self._book.note(hook, _untold(told, "not told: work in your absence is off or paused"))
                return None
            if not await self._visibility.may_see(who, told.source):
                return None
        except SignInFailed:
            return None
        except (LibraryUnavailable, ServiceError) as error:
            log.debug("a webhook waits for the library", error=error.message)
            return _LIBRARY_AWAY_S
        answer = await self._poster.post(hook, secret, told)
        await self._book.note(hook, answer)
        if answer.error is None:
            return None
        return hook.after(answer).retry_at - time.time()


def _whose(subject: str) -> str:
    """The person whose webhook a subject is: `hooks.<person>.<webhook>`."""
    return subject.split(".")[1]


def _after_others(message: Delivery) -> float:
    """Seconds until a message may find its webhook free; more each time, for NATS hands out what comes again first."""
    return _BUSY_S * min(message.count, _BUSY_MOST) * random.uniform(1, 2)  # noqa: S311  # not all at once


def _untold(told: Told, error: str) -> HookAnswer:
    return HookAnswer(event_id=told.id, event=told.type, at=datetime.now(UTC), status=None, error=error, seconds=0)
