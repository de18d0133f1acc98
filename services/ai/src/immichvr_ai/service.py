"""The gRPC door of the AI service, for callers that wait for the answer."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf import json_format
from immichvr.ai.v1 import ai_pb2, ai_pb2_grpc
from immichvr.common.v1.common_pb2 import Progress, TaskInput
from immichvr.events.v1.events_pb2 import ModelEvent
from immichvr_catalog import DEPTH, KINDS, SPLAT, is_of_model
from immichvr_common.errors import InvalidRequest
from immichvr_common.processes.pool import Pool
from immichvr_common.storage import ObjectStore, sha256_of
from immichvr_common.task_door import Finished, TaskDoor, file_chunks
from immichvr_common.tasks import Made, Task
from immichvr_common.telling import ChildEvent
from immichvr_inference.model_jobs import DOWNLOAD
from immichvr_models.granting import accepted_of

RPC_NAMES = ("immichvr.ai.v1.AiService",)
_LONGEST_S = 900.0
_LONGEST_DOWNLOAD_S = 12 * 3600.0
_SOURCE = "source"

Context = Any
ResponseT = TypeVar("ResponseT")


class AiServicer(ai_pb2_grpc.AiServiceServicer):
    """Translates calls into tasks and what was made into answers."""

    def __init__(self, pool: Pool, store: ObjectStore) -> None:
        self._pool = pool
        self._door = TaskDoor(pool, store, _LONGEST_S)
        self._model_door = TaskDoor(pool, store, _LONGEST_DOWNLOAD_S)

    def RunDepth(  # noqa: N802  # gRPC's spelling
        self, request: ai_pb2.RunDepthRequest, context: Context
    ) -> AsyncIterator[ai_pb2.RunDepthResponse]:
        """Does a job of kind depth."""
        return _of_a_photo(self._door, DEPTH, request, context, ai_pb2.RunDepthResponse)

    def RunSplat(  # noqa: N802  # gRPC's spelling
        self, request: ai_pb2.RunSplatRequest, context: Context
    ) -> AsyncIterator[ai_pb2.RunSplatResponse]:
        """Does a job of kind splat."""
        return _of_a_photo(self._door, SPLAT, request, context, ai_pb2.RunSplatResponse)

    async def RunModel(  # noqa: N802  # gRPC's spelling
        self, request: ai_pb2.RunModelRequest, context: Context
    ) -> AsyncIterator[ai_pb2.RunModelResponse]:
        """Does a job about a model itself."""
        if not is_of_model(request.kind):
            known = ", ".join(sorted(filter(is_of_model, KINDS)))
            raise InvalidRequest(f"{request.kind!r} is none of {known}")
        params = await _granted(request.params)
        answer = self._model_door.answer(request.kind, params, {}, "", context, ai_pb2.RunModelResponse)
        async with aclosing(answer) as messages:
            async for message in messages:
                yield message

    async def Depth(  # noqa: N802  # gRPC's spelling
        self, request: ai_pb2.DepthRequest, context: Context
    ) -> AsyncIterator[ai_pb2.DepthResponse]:
        """Estimates depth, telling progress on the way."""
        async with aclosing(self._steps("depth", request, context)) as steps:
            async for step in steps:
                if isinstance(step, Progress):
                    yield ai_pb2.DepthResponse(progress=step)
                    continue
                [made] = step.made
                facts = made.details["depth"]
                png = await asyncio.to_thread((step.folder / "depth.png").read_bytes)
                yield ai_pb2.DepthResponse(
                    result=ai_pb2.DepthResult(
                        png=png, near=facts["near"], far=facts["far"], metric=facts["metric"], made_by=_made_by(made)
                    )
                )

    async def Splat(  # noqa: N802  # gRPC's spelling
        self, request: ai_pb2.SplatRequest, context: Context
    ) -> AsyncIterator[ai_pb2.SplatResponse]:
        """Makes a splat, telling progress on the way; its SPZ follows the result in chunks."""
        async with aclosing(self._steps("splat", request, context)) as steps:
            async for step in steps:
                if isinstance(step, Progress):
                    yield ai_pb2.SplatResponse(progress=step)
                    continue
                made = step.made[0]
                path = step.folder / "splat.spz"
                yield ai_pb2.SplatResponse(
                    result=ai_pb2.SplatResult(
                        size=path.stat().st_size,
                        sha256=await asyncio.to_thread(sha256_of, path),
                        gaussians=made.details["gaussians"],
                        made_by=_made_by(made),
                    )
                )
                async with aclosing(file_chunks(path)) as pieces:
                    async for data in pieces:
                        yield ai_pb2.SplatResponse(chunk=data)

    async def DownloadModel(  # noqa: N802  # gRPC's spelling
        self, request: ai_pb2.DownloadModelRequest, context: Context
    ) -> AsyncIterator[ai_pb2.DownloadModelResponse]:
        """Fetches a model, telling how far it is; ends with the state `ready`."""
        accepted = await accepted_of([request.key] if request.accepted else [])
        told: asyncio.Queue[ModelEvent | None] = asyncio.Queue()

        def hear(news: ChildEvent) -> None:
            if isinstance(news, ModelEvent) and news.state in ("downloading", "ready"):
                told.put_nowait(news)

        with tempfile.TemporaryDirectory(prefix="call-") as folder:
            task = Task(DOWNLOAD, {"key": request.key, "accepted": accepted}, {}, Path(folder))
            deadline_s = min(context.time_remaining() or _LONGEST_DOWNLOAD_S, _LONGEST_DOWNLOAD_S)
            working = asyncio.create_task(self._pool.run(task, lambda *_: None, deadline_s, hear))
            working.add_done_callback(lambda _: told.put_nowait(None))
            try:
                while (event := await told.get()) is not None:
                    yield ai_pb2.DownloadModelResponse(
                        done_bytes=event.done_bytes, total_bytes=event.total_bytes, rate=event.rate,
                        remaining_s=event.remaining_s, state=event.state,
                    )  # fmt: skip
                working.result()
            finally:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)

    async def _steps(
        self, kind: str, request: ai_pb2.DepthRequest | ai_pb2.SplatRequest, context: Context
    ) -> AsyncGenerator[Progress | Finished, None]:
        source = _input(request.source)
        self._door.check_input(_SOURCE, source)
        params = await _granted(request.params)
        async with self._door.open(context) as call:
            await call.bring(_SOURCE, source)
            async with aclosing(call.steps(kind, params)) as steps:
                async for step in steps:
                    yield step


def _input(source: ai_pb2.Source) -> TaskInput:
    match source.WhichOneof("source"):
        case "data":
            return TaskInput(data=source.data)
        case "object":
            return TaskInput(object=source.object)
        case _:
            return TaskInput()


async def _of_a_photo(
    door: TaskDoor, kind: str, request: Any, context: Context, response: Callable[..., ResponseT]
) -> AsyncGenerator[ResponseT, None]:
    params = await _granted(request.params)
    answer = door.answer(kind, params, {_SOURCE: request.source}, request.store_under, context, response)
    async with aclosing(answer) as messages:
        async for message in messages:
            yield message


async def _granted(params: Any) -> dict[str, Any]:
    """The parameters of a task, with those licences alone that count as accepted."""
    return json_format.MessageToDict(params) | {"accepted": await accepted_of(params.accepted)}


def register(server: grpc.aio.Server, pool: Pool, store: ObjectStore) -> None:
    """Adds the servicer to a server."""
    ai_pb2_grpc.add_AiServiceServicer_to_server(AiServicer(pool, store), server)


def _made_by(made: Made) -> ai_pb2.MadeBy:
    return ai_pb2.MadeBy(model_key=made.model_key, revision=made.model_revision, reason=made.reason)
