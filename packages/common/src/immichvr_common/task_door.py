"""One task for one call of gRPC: files in, the work in a child process, progress on the way, files out.

What a servicer of ours does around its own words is here, and so is what its callers may bring and name.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf import json_format
from immichvr.common.v1.common_pb2 import FileChunk, MadeAsset, ObjectRef, Progress, TaskInput, TaskResult
from immichvr.common.v1.common_pb2 import MadeFile as ToldFile

from immichvr_common.errors import DeadlineExceeded, InvalidRequest, TooLarge
from immichvr_common.object_refs import check_ref
from immichvr_common.parts import let_go
from immichvr_common.processes.pool import Pool
from immichvr_common.storage import CHUNK, LARGEST, ObjectStore, sha256_of
from immichvr_common.tasks import Made, MadeFile, Task
from immichvr_common.telling import ChildEvent, Kept
from immichvr_common.tracing import within

Context = Any
"""gRPC's own, of the call."""
ResponseT = TypeVar("ResponseT")


@dataclass(frozen=True)
class Finished:
    """The end of a task: what was made, and where its files lie until the call ends."""

    made: list[Made]
    folder: Path


class TaskDoor:
    """Takes calls in and has the pool's children do their tasks.

    longest_s: what a call may take that sets no nearer deadline. largest: bytes of one file that is brought.
    at_once: calls whose files lie on disk; further ones wait.
    """

    def __init__(
        self, pool: Pool, store: ObjectStore, longest_s: float, largest: int = LARGEST, at_once: int = 4
    ) -> None:
        self.pool, self.store = pool, store
        self._longest_s, self._largest = longest_s, largest
        self._room = asyncio.Semaphore(at_once)

    def check_input(self, role: str, given: TaskInput) -> None:
        """Refuses, before a byte is moved, a file that is missing or not the caller's. Raises InvalidRequest."""
        brought = given.WhichOneof("input")
        if brought is None:
            raise InvalidRequest(f"the {role} is missing: set its data, or the object where it lies")
        if brought == "object":
            check_ref(role, given.object, self.store)

    def check_size(self, size: int) -> None:
        """Raises TooLarge."""
        if size > self._largest:
            raise TooLarge(f"the file is larger than the {self._largest:,} bytes that are taken")

    @asynccontextmanager
    async def open(self, context: Context) -> AsyncIterator[Call]:
        """A folder for one call, which has to end before the caller's deadline and the service's own.

        Raises DeadlineExceeded.
        """
        remaining_s = context.time_remaining()
        limit_s = self._longest_s if remaining_s is None else min(self._longest_s, remaining_s)
        try:
            ends_at = asyncio.get_running_loop().time() + limit_s
            async with asyncio.timeout_at(ends_at), self._room:
                with tempfile.TemporaryDirectory(prefix="call-") as folder:
                    yield Call(self, Path(folder), ends_at)
        except TimeoutError as error:
            raise DeadlineExceeded(f"the call took longer than the {limit_s:.0f} s it may take") from error

    async def answer(
        self,
        kind: str,
        params: Mapping[str, Any],
        inputs: Mapping[str, TaskInput],
        store_under: str,
        context: Context,
        response: Callable[..., ResponseT],
    ) -> AsyncGenerator[ResponseT, None]:
        """Everything that is told of one task: `progress`, then `result`, then the made files in `chunk`s.

        store_under: where files are stored instead of being sent, a key without its last part; empty sends them.
        Raises InvalidRequest, TooLarge, DeadlineExceeded, and what `ChildPool.run` and the store raise.
        """
        for role, given in inputs.items():
            self.check_input(role, given)
        if store_under:
            check_ref("place for what is made", ObjectRef(key=f"{store_under}/file"), self.store)
        async with self.open(context) as call:
            for role, given in inputs.items():
                await call.bring(role, given)
            async with aclosing(call.steps(kind, params)) as steps:
                async for step in steps:
                    if isinstance(step, Progress):
                        yield response(progress=step)
                        continue
                    yield response(result=await self._result(step, store_under))
                    if store_under:
                        continue
                    async with aclosing(_chunks(step)) as chunks:
                        async for chunk in chunks:
                            yield response(chunk=chunk)

    async def _result(self, finished: Finished, store_under: str) -> TaskResult:
        result = TaskResult()
        for made in finished.made:
            asset = result.assets.add(
                kind=made.kind, model_key=made.model_key, model_revision=made.model_revision, reason=made.reason,
                losses=made.losses, timings=made.timings,
            )  # fmt: skip
            json_format.ParseDict(made.details, asset.details)
            for file in made.files:
                await self._tell(asset, file, finished.folder / file.name, store_under)
        return result

    async def _tell(self, asset: MadeAsset, file: MadeFile, path: Path, store_under: str) -> None:
        told = ToldFile(name=file.name, role=file.role, format=file.format, variant=file.variant)
        if store_under:
            stored = await self.store.put_file(f"{store_under}/{file.name}", path, file.media_type)
            told.object.CopyFrom(stored)
        else:
            size, digest = await asyncio.to_thread(lambda: (path.stat().st_size, sha256_of(path)))
            told.object.CopyFrom(ObjectRef(size=size, sha256=digest, media_type=file.media_type))
        asset.files.append(told)


@dataclass
class Call:
    """One call that is being served. folder: its own, gone when it ends. ends_at: by the clock of the loop."""

    door: TaskDoor
    folder: Path
    ends_at: float
    _inputs: dict[str, Path] = field(default_factory=dict)

    def place(self, role: str) -> Path:
        """Where the file of this role lies, called by it as a job's is, for whoever writes it piece by piece."""
        folder = self.folder / "in"
        folder.mkdir(exist_ok=True)
        return self._inputs.setdefault(role, folder / role)

    async def bring(self, role: str, given: TaskInput) -> None:
        """Puts a file in its place. It was looked at by `check_input`. Raises TooLarge, and what the store raises."""
        if given.WhichOneof("input") == "data":
            self.door.check_size(len(given.data))
            await asyncio.to_thread(self.place(role).write_bytes, given.data)
            return
        # With its size known, storage reads no more than that, whatever the object has become.
        ref = given.object
        size = ref.size or await self.door.store.size(ref.key)
        self.door.check_size(size)
        await self.door.store.get_file(ObjectRef(key=ref.key, size=size, sha256=ref.sha256), self.place(role))

    async def run(self, kind: str, params: Mapping[str, Any]) -> Finished:
        """Does a task with the files that are in place, and tells nothing on the way."""
        async with aclosing(self.steps(kind, params)) as steps:
            async for step in steps:
                if isinstance(step, Finished):
                    return step
        raise AssertionError("a task ends with what it made, or raises")

    async def steps(self, kind: str, params: Mapping[str, Any]) -> AsyncGenerator[Progress | Finished, None]:
        """Does a task with the files that are in place, telling how far it is; `Finished` is the last step.

        Leaving early ends the child that does it. Raises what `ChildPool.run` raises.
        """
        out = self.folder / "out"
        await asyncio.to_thread(out.mkdir)
        task = Task(kind=kind, params=dict(params), inputs=dict(self._inputs), folder=out, traceparent=within())
        told: asyncio.Queue[Progress | None] = asyncio.Queue()

        def report(fraction: float, stage: str, message: str) -> None:
            told.put_nowait(Progress(fraction=fraction, stage=stage, message=message))

        left_s = max(0.0, self.ends_at - asyncio.get_running_loop().time())
        working = asyncio.create_task(self.door.pool.run(task, report, left_s, _keep_nothing))
        working.add_done_callback(lambda _: told.put_nowait(None))
        try:
            while (step := await told.get()) is not None:
                yield step
            yield Finished(working.result(), out)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


async def file_chunks(path: Path) -> AsyncGenerator[bytes, None]:
    """A file in pieces that a message may carry."""
    file = await asyncio.to_thread(path.open, "rb")
    with file:
        while data := await asyncio.to_thread(file.read, CHUNK):
            yield data


def _keep_nothing(news: ChildEvent) -> None:
    """A call that is broken off is made anew."""
    if isinstance(news, Kept):
        let_go(news)


async def _chunks(finished: Finished) -> AsyncGenerator[FileChunk, None]:
    for made in finished.made:
        for file in made.files:
            async with aclosing(file_chunks(finished.folder / file.name)) as pieces:
                async for data in pieces:
                    yield FileChunk(name=file.name, data=data)
