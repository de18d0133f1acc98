"""One session that draws a splat: the newest pose wins, and nothing piles up.

A pose that is not begun gives way to a newer one. While as many pictures are unacknowledged as the client has credit
for, none is begun, so that the next one is of the newest pose. Whoever moves gets pictures that may be smaller than
asked for; whoever rests gets the last one whole.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from immichvr_common.logs import get_log
from immichvr_depth.compiled import Bytes
from immichvr_inference.errors import DeviceFailed

from immichvr_ai.live.messages import Ack, BadMessage, error
from immichvr_ai.live.reading import Limits, Send, first_message, read_until_over
from immichvr_ai.live.slots import LatestValue
from immichvr_ai.render.pacing import next_share
from immichvr_ai.render.protocol import Hello, Pose, parse, picture, ready
from immichvr_ai.render.renderers import Renderer

log = get_log(__name__)

_RESTS_AFTER_S = 0.15
"""Without a newer pose for so long, the last one is drawn whole."""
_LAST_PICTURE_S = 10.0
"""So long a session waits for the picture that nobody is there for any more."""


@dataclass(frozen=True)
class Asked:
    """A pose, and when it came by the session's clock."""

    pose: Pose
    at: float


async def converse(renderer: Renderer, incoming: AsyncIterator[bytes], send: Send, limits: Limits) -> None:
    """Serves a client from its first message to its last. Raises DeviceFailed, and nothing that a client can cause."""
    first = await first_message(incoming, send)
    if first is None:
        return
    try:
        hello = parse(first)
        if not isinstance(hello, Hello):
            raise BadMessage("invalid_message", "the first message is a hello")
    except BadMessage as bad:
        await send(error(bad.code, str(bad)))
        return
    await send(ready(renderer.name, renderer.gaussians, renderer.reach, renderer.reason))
    await Session(hello, renderer, send, limits).run(incoming)


class Session:
    """Serves one client, from its `hello` on. clock: in seconds."""

    def __init__(
        self, hello: Hello, renderer: Renderer, send: Send, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._quality, self._renderer, self._limits, self._clock = hello.quality, renderer, limits, clock
        self._send_raw, self._sending = send, asyncio.Lock()
        self._asked = LatestValue[Asked]()
        self._credit, self._unacked = asyncio.Semaphore(hello.credit), 0
        self._thread = ThreadPoolExecutor(1, "render")
        self._share = 1.0
        self.dropped = 0

    async def run(self, incoming: AsyncIterator[bytes]) -> None:
        """Serves until the client has gone, is silent for too long, or the session has lasted its time.

        Raises DeviceFailed, which leaves this process without its GPU.
        """
        drawing = asyncio.create_task(self._draw())
        reading = asyncio.create_task(
            read_until_over(incoming, self._limits, self._hear, self._tell_error, self._clock)
        )
        try:
            done, _ = await asyncio.wait([reading, drawing], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (reading, drawing):
                task.cancel()
            await asyncio.gather(reading, drawing, return_exceptions=True)
            # A picture that is being drawn goes on, and the job is not over while it does: it has the processor.
            last = asyncio.wrap_future(self._thread.submit(lambda: None))
            await asyncio.wait([last], timeout=_LAST_PICTURE_S)
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _hear(self, data: bytes) -> None:
        match parse(data):
            case Pose() as pose:
                if self._asked.put(Asked(pose, self._clock())) is not None:
                    self.dropped += 1
            case Ack():
                if self._unacked:
                    self._unacked -= 1
                    self._credit.release()
            case Hello():
                raise BadMessage("invalid_message", "this session has begun; a second hello needs another connection")

    async def _draw(self) -> None:
        small: Asked | None = None
        while True:
            await self._credit.acquire()
            asked, settles = await self._next(small)
            share = 1.0 if settles else self._share
            began = self._clock()
            is_drawn = await self._drawn(asked, share)
            if not settles:
                self._share = next_share(share, self._clock() - began)
            small = asked if is_drawn and share < 1 else None

    async def _next(self, small: Asked | None) -> tuple[Asked, bool]:
        """The newest pose; or the last one, of which there is but a small picture, as soon as its viewer rests."""
        if small is not None:
            try:
                async with asyncio.timeout(_RESTS_AFTER_S):
                    return await self._asked.take(), False
            except TimeoutError:
                return small, True
        return await self._asked.take(), False

    async def _drawn(self, asked: Asked, share: float) -> bool:
        """Draws a pose and sends the picture; whether that went well, else the client is told. Raises DeviceFailed."""
        pose, began = asked.pose, self._clock()
        try:
            data, size, timings = await asyncio.get_running_loop().run_in_executor(
                self._thread, self._made, pose, share
            )
        except DeviceFailed as failure:
            await self._tell_error(failure.code, str(failure), pose.seq)
            raise
        except Exception as failure:  # whatever a pose makes a renderer raise costs that picture alone
            code = "out_of_memory" if isinstance(failure, MemoryError) else "internal"
            log.error("a picture failed", exc_info=failure)
            self._credit.release()
            await self._tell_error(code, "this picture failed; the worker's log says more", pose.seq)
            return False
        timings["wait"] = began - asked.at
        self._unacked += 1
        await self._send(picture(pose, data, size, share == 1, timings, self.dropped))
        return True

    def _made(self, pose: Pose, share: float) -> tuple[bytes, tuple[int, int], dict[str, float]]:
        began = time.perf_counter()
        drawn = self._renderer.draw(pose.camera(share))
        between = time.perf_counter()
        data = jpeg_of(drawn, self._quality)
        size = (drawn.shape[1], drawn.shape[0])
        return data, size, {"render": between - began, "encode": time.perf_counter() - between}

    async def _tell_error(self, code: str, message: str, seq: int | None = None) -> None:
        await self._send(error(code, message, seq))

    async def _send(self, message: bytes) -> None:
        async with self._sending:
            await self._send_raw(message)


def jpeg_of(rgb: Bytes, quality: int) -> bytes:
    """A picture, (h, w, 3) sRGB, as JPEG."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(data, np.uint8).tobytes()
