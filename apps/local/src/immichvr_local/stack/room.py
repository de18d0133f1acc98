"""Room on the disk of a stack: enough to start, told when there is none, and NATS well again when there is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import urllib3
from immichvr_common.disk import free_bytes, short_of_room
from immichvr_common.embedded import SeaweedServer
from immichvr_common.errors import StorageFull
from immichvr_common.sizes import size

from immichvr_local.errors import CommandError
from immichvr_local.stack.data import DataDirectory
from immichvr_local.stack.floor import VARIABLE
from immichvr_local.stack.parts import Plan, seaweed_of
from immichvr_local.stack.supervisor import Supervisor

_LEAST = 100_000_000
"""Bytes without which servers do not start: their first files are larger than one thinks."""
_LOOKED_EVERY_S = 5.0
_SWEPT_EVERY_S = 60.0
_RESTARTED_EVERY_S = 15.0
_ROOM_TO_RESTART = 32_000_000

Say = Callable[[str], None]


def check_room(data: DataDirectory, kept: int, say: Say) -> None:
    """Says what a disk without room means for a start. Raises CommandError where nothing could start."""
    free = free_bytes(data.root)
    if free < _LEAST:
        raise CommandError(
            f"the disk of {data.root} has {size(free)} left, and {size(_LEAST)} are needed to start: "
            "make room on it, or name another directory with --data",
            exit_code=1,
        )
    if short := short_of_room(data.root, kept):
        say(f"{short.message}, or set {VARIABLE} to less; until then nothing new is made")


class RoomWatch:
    """Asks the gateway what it knows of room, tells it, and does about it what can be done from outside.

    Room of removed objects is given back to the disk; a NATS that goes on refusing though there is room again is
    started anew.
    """

    def __init__(self, plan: Plan, supervisor: Supervisor, say: Say) -> None:
        self._plan, self._supervisor, self._say = plan, supervisor, say
        self._seaweed: SeaweedServer = seaweed_of(plan)
        self._told: set[str] = set()
        self._swept = self._restarted = -_SWEPT_EVERY_S

    async def run(self) -> None:
        """Watches until it is cancelled."""
        async with httpx.AsyncClient(timeout=10, trust_env=False, verify=self._plan.trust) as client:
            while True:
                await asyncio.sleep(_LOOKED_EVERY_S)
                try:
                    answer = await client.get(f"{self._plan.gallery}/api/ready")
                    known = list(answer.json()["storage"])
                except (httpx.HTTPError, ValueError, LookupError, TypeError):
                    continue
                self._tell(known)
                await self._mend(known)

    def _tell(self, known: list[dict[str, Any]]) -> None:
        there = {f"{one['where']} {one['code']}": str(one["message"]) for one in known}
        for what, message in there.items():
            if what not in self._told:
                self._say(message)
        if any(StorageFull.code in what for what in self._told - set(there)):
            self._say("there is room again; what waited for it goes on")
        self._told = set(there)

    async def _mend(self, known: list[dict[str, Any]]) -> None:
        now = time.monotonic()
        is_full = any(one["code"] == StorageFull.code for one in known)
        if is_full and now - self._swept > _SWEPT_EVERY_S:
            self._swept = now
            try:
                await asyncio.to_thread(self._seaweed.vacuum)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                self._say(f"the room of removed files could not be given back: {type(error).__name__}")
        is_stuck = any(one.get("restart") for one in known)
        if is_stuck and now - self._restarted > _RESTARTED_EVERY_S and self._has_room_again():
            self._restarted = now
            self._supervisor.restart("nats", "refused to write though there is room again, so it was ended")

    def _has_room_again(self) -> bool:
        return free_bytes(self._plan.data.root) > _ROOM_TO_RESTART
