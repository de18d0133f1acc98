"""One live session: frames come in, results go out, and nothing piles up between.

Decoding, inference, packing and sending each work on a frame of their own at the same time. Between two of them there
is room for one frame, and a newer one takes the place of an older: latency and memory are bounded by the number of
stages, whatever the client does. While a result waits for the client's `ack`, no new frame is begun.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from immichvr_common.errors import code_of
from immichvr_common.logs import get_log
from immichvr_inference.errors import DeviceFailed

from immichvr_ai.live import messages, protocol
from immichvr_ai.live.frames import Picture
from immichvr_ai.live.messages import Ack, BadMessage
from immichvr_ai.live.models import LiveModel
from immichvr_ai.live.pipeline import FrameContext, FramePipeline, Seen, result_of
from immichvr_ai.live.protocol import Capture, Frame, Hello
from immichvr_ai.live.reading import Limits, Send, read_until_over
from immichvr_ai.live.slots import LatestValue

log = get_log(__name__)

T = TypeVar("T")

_STALE_S = 0.25
"""A result that waited longer for its `ack` gives way to a newer frame, if there is one."""


class Session:
    """Serves one client, from its `hello` on.

    model: in memory already. send: gives a message to the client, and returns when it has gone. clock: in seconds.
    """

    def __init__(
        self, hello: Hello, model: LiveModel, send: Send, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._hello, self._limits, self._clock = hello, limits, clock
        self._pipeline = FramePipeline(hello, model)
        self._send_raw, self._sending = send, asyncio.Lock()
        self._raw = LatestValue[FrameContext]()
        self._decoded = LatestValue[tuple[FrameContext, Picture]]()
        self._seen = LatestValue[tuple[FrameContext, Seen]]()
        self._packed = LatestValue[tuple[FrameContext, bytes]]()
        self._captures = LatestValue[Capture]()
        self._credit = asyncio.Semaphore(hello.credit)
        self._unacked: set[int] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._usual_s = 0.0
        names = ("decode", "infer", "pack", "capture")
        self._threads = {name: ThreadPoolExecutor(1, f"live-{name}") for name in names}
        self.dropped = 0

    async def run(self, incoming: AsyncIterator[bytes]) -> None:
        """Serves until the client has gone, is silent for too long, or the session has lasted its time.

        Raises DeviceFailed, which leaves this process without its GPU.
        """
        stages = (self._decode, self._infer, self._pack, self._deliver, self._capture)
        tasks = [asyncio.create_task(stage()) for stage in stages]
        reading = asyncio.create_task(
            read_until_over(incoming, self._limits, self._hear, self._tell_error, self._clock)
        )
        try:
            done, _ = await asyncio.wait([reading, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (reading, *tasks):
                task.cancel()
            await asyncio.gather(reading, *tasks, return_exceptions=True)
            for threads in self._threads.values():
                threads.shutdown(wait=False, cancel_futures=True)

    def _hear(self, data: bytes) -> None:
        """Takes in a message; a flood of frames costs nothing but reading it. Raises BadMessage."""
        self._take(protocol.parse(data))

    def _take(self, message: Hello | Frame | Capture | Ack) -> None:
        match message:
            case Frame():
                self._take_frame(message)
            case Capture():
                if self._captures.put(message) is not None:
                    self.dropped += 1
            case Ack():
                if message.seq in self._unacked:
                    self._unacked.discard(message.seq)
                    self._credit.release()
            case Hello():
                raise BadMessage("invalid_message", "this session has begun; a second hello needs another connection")

    def _take_frame(self, frame: Frame) -> None:
        model = self._pipeline.model
        output = frame.output or self._hello.output
        if output not in model.makes:
            raise BadMessage("output_unavailable", f"{model.key} makes no {output}", frame.seq)
        underway = FrameContext(frame, output, self._clock())
        before = self._raw.put(underway)
        if before is not None:
            self.dropped += 1
            if frame.output is None and before.frame.output is not None:
                # What was wanted once is made of the newest frame.
                underway.frame = frame.model_copy(update={"output": before.frame.output})
                underway.output = before.output

    async def _decode(self) -> None:
        while True:
            await self._flowing.wait()
            underway = await self._raw.take()
            picture = await self._step("decode", underway, partial(self._pipeline.decode, underway.frame))
            if picture is not None:
                self._pass_on(self._decoded, (underway, picture))

    async def _infer(self) -> None:
        while True:
            underway, picture = await self._decoded.take()
            seen = await self._step("infer", underway, partial(self._pipeline.infer, picture, underway.output))
            if seen is not None:
                self._pass_on(self._seen, (underway, seen))

    async def _pack(self) -> None:
        while True:
            underway, seen = await self._seen.take()
            work = partial(self._pipeline.pack, underway.frame, underway.output, seen)
            payload = await self._step("pack", underway, work)
            if payload is None:
                continue
            message = result_of(underway, self._hello.format, payload, self.dropped)
            self._usual_s += 0.2 * (self._clock() - underway.received - self._usual_s)
            self._pass_on(self._packed, (underway, message))
            if self._credit.locked():
                self._flowing.clear()

    async def _deliver(self) -> None:
        while True:
            await self._credit.acquire()
            underway, message = await self._packed.take()
            while self._is_stale(underway):
                self.dropped += 1
                self._flowing.set()
                underway, message = await self._packed.take()
            self._flowing.set()
            self._unacked.add(underway.frame.seq)
            await self._send(message)

    def _is_stale(self, underway: FrameContext) -> bool:
        """Whether a result that waited for its `ack` is worth less than the frame that comes after it."""
        age = self._clock() - underway.received
        return age > max(_STALE_S, 2 * self._usual_s) and self._raw.is_full

    async def _capture(self) -> None:
        while True:
            capture = await self._captures.take()
            frame = Frame(type="frame", seq=capture.seq, t=capture.t, jpeg=capture.jpeg)
            underway = FrameContext(frame, self._hello.output, self._clock())
            payload = await self._step("capture", underway, partial(self._pipeline.capture, capture))
            if payload is not None:
                timings = {"infer": round(underway.timings["capture"], 5)}
                message = protocol.result(
                    "capture", capture, payload.count, "spz", payload.data, timings, self.dropped, payload.more
                )
                await self._send(message)

    async def _step(self, name: str, underway: FrameContext, work: Callable[[], T]) -> T | None:
        """Does one stage's work in its thread; None where it failed, which the client is told. Raises DeviceFailed."""
        began = time.perf_counter()
        try:
            made = await asyncio.get_running_loop().run_in_executor(self._threads[name], work)
        except DeviceFailed as error:
            # No frame that follows can do better in this process.
            await self._tell_error(error.code, str(error), underway.frame.seq)
            raise
        except Exception as error:  # whatever a picture makes a model raise costs that frame alone
            code = code_of(error, "out_of_memory" if isinstance(error, MemoryError) else "internal")
            words = str(error)
            if code == "internal":
                log.error("a frame failed", stage=name, exc_info=error)
                words = f"this frame failed in {name}; the worker's log says more"
            await self._tell_error(code, words, underway.frame.seq)
            return None
        underway.timings[name] = time.perf_counter() - began
        return made

    def _pass_on(self, slot: LatestValue[T], item: T) -> None:
        if slot.put(item) is not None:
            self.dropped += 1

    async def _tell_error(self, code: str, message: str, seq: int | None = None) -> None:
        await self._send(messages.error(code, message, seq))

    async def _send(self, message: bytes) -> None:
        async with self._sending:
            await self._send_raw(message)
