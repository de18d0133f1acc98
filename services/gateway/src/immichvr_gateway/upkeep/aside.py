"""Messages that cannot be read, applied or believed: set aside and told, so that none of them stops anything."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from datetime import UTC, datetime

from immichvr_common.bus import Bus
from immichvr_common.bus.reading import Unreadable
from immichvr_common.bus.streams import DEAD
from immichvr_common.errors import ServiceError
from immichvr_common.logs import get_log
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from prometheus_client import Counter
from pydantic import BaseModel, Field, ValidationError

log = get_log(__name__)

SET_ASIDE = Counter(
    "immichvr_messages_set_aside_total", "Messages that could not be read or believed", ["stream", "reason"]
)
SUBJECT = "dead.aside"
"""Under this they lie in the stream DEAD, by the name of the stream they came from."""
_KEPT = 1000
_KEPT_BYTES = 16 * 1024
_AT_ONCE, _PER_S = 20.0, 2.0
_TIDY_EVERY = 50
_BATCH, _WAIT_S = 256, 1.0


class SetAside(BaseModel):
    """A message or record that was set aside, and why. stream: where it lay; size: its bytes."""

    stream: str
    subject: str
    reason: str
    detail: str
    at: datetime
    size: int = Field(0, validation_alias="bytes")


class Refused(Unreadable):
    """What a service told is not believed; `reason` is one word for it."""


def count() -> int:
    """How many messages this process has set aside."""
    samples = [sample for metric in SET_ASIDE.collect() for sample in metric.samples]
    return int(sum(sample.value for sample in samples if sample.name.endswith("_total")))


async def read_set_aside(bus: Bus, most: int) -> list[SetAside]:
    """What was set aside last, newest first. Raises Unavailable."""
    found: list[SetAside] = []
    config = ConsumerConfig(
        filter_subject=f"{SUBJECT}.>", deliver_policy=DeliverPolicy.ALL, ack_policy=AckPolicy.NONE,
        inactive_threshold=30, mem_storage=True,
    )  # fmt: skip
    info = await bus.add_consumer(DEAD, config)
    async with bus.pulling(DEAD, info.name) as puller:
        left = info.num_pending or 0
        while left and (messages := await puller.batch(_BATCH, _WAIT_S)):
            left = messages[-1].left
            for message in messages:
                with contextlib.suppress(ValidationError):  # of another release
                    found.append(SetAside.model_validate_json(message.data))
            found = found[-most:]
    await bus.remove_consumer(DEAD, info.name)
    return found[::-1]


async def forget_set_aside(bus: Bus) -> None:
    """Removes what was set aside. Raises Unavailable."""
    await bus.purge(DEAD, f"{SUBJECT}.>")


class Aside:
    """Where messages are set aside: the latest thousand, with why. A flood of them is counted, not kept."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._room, self._looked_at = _AT_ONCE, 0.0
        self._left_out = 0
        self._kept = 0

    async def put(self, stream: str, subject: str, data: bytes | None, why: Unreadable) -> None:
        """Sets a message aside. Never raises: what is lost here was worth nothing."""
        SET_ASIDE.labels(stream, why.reason).inc()
        if not self._has_room():
            self._left_out += 1
            return
        log.error(
            "a message was set aside",
            stream=stream, subject=subject[:200], reason=why.reason, detail=str(why)[:500], more=self._left_out or None,
        )  # fmt: skip
        self._left_out = 0
        data = data or b""
        facts = {
            "stream": stream, "subject": subject[:500], "reason": why.reason, "detail": str(why)[:500],
            "at": datetime.now(UTC).isoformat(), "bytes": len(data),
            "data": base64.b64encode(data[:_KEPT_BYTES]).decode(),
        }  # fmt: skip
        try:
            await self._bus.publish(f"{SUBJECT}.{stream.lower()}", json.dumps(facts).encode())
            self._kept += 1
            if self._kept % _TIDY_EVERY == 0:
                await self._bus.purge(DEAD, f"{SUBJECT}.>", keep=_KEPT)
        except ServiceError as error:
            log.warning("a message that was set aside is not kept", error=error.message)

    def _has_room(self) -> bool:
        now = asyncio.get_running_loop().time()
        self._room = min(_AT_ONCE, self._room + (now - self._looked_at) * _PER_S)
        self._looked_at = now
        if self._room < 1:
            return False
        self._room -= 1
        return True
