"""The gRPC door: translates a call into a task for a child process, and what was made into an answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from immichvr.common.v1.common_pb2 import TaskInput
from immichvr.converter.v1 import converter_pb2_grpc
from immichvr.converter.v1.converter_pb2 import (
    Bounds,
    Camera,
    ConvertParams,
    ConvertRequest,
    ConvertResponse,
    ConvertStreamRequest,
    ConvertStreamResponse,
    ConvertStreamSummary,
    Format,
    InspectRequest,
    InspectResponse,
    ListFormatsRequest,
    ListFormatsResponse,
    LodParams,
    Loss,
    RunConvertRequest,
    RunConvertResponse,
    RunLodRequest,
    RunLodResponse,
)
from immichvr_catalog import FORMATS
from immichvr_common.errors import InvalidRequest, TaskFailed
from immichvr_common.object_refs import check_ref
from immichvr_common.processes.pool import Pool
from immichvr_common.storage import CHUNK, ObjectStore, sha256_of
from immichvr_common.task_door import Call, TaskDoor, file_chunks

from immichvr_converter.conversion.errors import ConversionError
from immichvr_converter.conversion.options import options_of
from immichvr_converter.conversion.targets import check_readable
from immichvr_converter.parameters import CONVERT, INPUT, INSPECT, LOD, camera_in, targets_of
from immichvr_converter.settings import ConverterSettings

SERVICE = "immichvr.converter.v1.ConverterService"

_NO_MODEL = "-"
_LARGEST_INLINE = 8 * 1024 * 1024
_LARGEST_UINT32 = 2**32 - 1
_Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True)
class _Answer:
    """A converted file and what is told of it."""

    path: Path
    media_type: str
    gaussians: int
    losses: list[Loss]


def register(settings: ConverterSettings, server: grpc.aio.Server, pool: Pool, store: ObjectStore) -> None:
    """Adds the service to a server."""
    converter_pb2_grpc.add_ConverterServiceServicer_to_server(ConverterService(settings, pool, store), server)


class ConverterService(converter_pb2_grpc.ConverterServiceServicer):
    """immichvr.converter.v1.ConverterService; the work itself is done by the pool's children."""

    def __init__(self, settings: ConverterSettings, pool: Pool, store: ObjectStore) -> None:
        self._store = store
        largest = settings.limits.max_input_bytes
        self._door = TaskDoor(pool, store, settings.work.deadline_s, largest, settings.calls.at_once)

    async def ListFormats(self, request: ListFormatsRequest, context: _Context) -> ListFormatsResponse:  # noqa: N802  # gRPC's spelling
        return ListFormatsResponse(
            formats=[
                Format(
                    key=row.name,
                    extensions=row.extensions,
                    media_type=row.media_type,
                    can_read=row.can_read,
                    can_write=row.can_write,
                    max_sh_degree=row.max_sh_degree,
                    description=row.description,
                    keeps_camera=row.keeps_camera,
                    keeps_order=row.keeps_order,
                    frame=row.frame,
                    options=options_of(row) if row.can_write else [],
                )
                for row in FORMATS.values()
            ]
        )

    def RunConvert(  # noqa: N802  # as above
        self, request: RunConvertRequest, context: _Context
    ) -> AsyncIterator[RunConvertResponse]:
        _check_params(request.params, as_job=True)
        params, inputs = _task_params(request.params), {INPUT: request.splat}
        return self._door.answer(CONVERT, params, inputs, request.store_under, context, RunConvertResponse)

    def RunLod(self, request: RunLodRequest, context: _Context) -> AsyncIterator[RunLodResponse]:  # noqa: N802  # as above
        camera_in(request.params)
        params, inputs = _task_params(request.params), {INPUT: request.splat}
        return self._door.answer(LOD, params, inputs, request.store_under, context, RunLodResponse)

    async def Convert(self, request: ConvertRequest, context: _Context) -> ConvertResponse:  # noqa: N802  # as above
        _check_params(request.params)
        check_ref("input", request.input, self._store)
        check_ref("output", request.output, self._store)
        async with self._door.open(context) as call:
            await call.bring(INPUT, TaskInput(object=request.input))
            answer = await _converted(call, request.params)
            stored = await self._store.put_file(request.output.key, answer.path, answer.media_type)
        return ConvertResponse(output=stored, gaussians=answer.gaussians, losses=answer.losses)

    async def ConvertStream(  # noqa: N802  # as above
        self, request_iterator: AsyncIterator[ConvertStreamRequest], context: _Context
    ) -> AsyncIterator[ConvertStreamResponse]:
        async with self._door.open(context) as call:
            params = await self._receive(request_iterator, call.place(INPUT))
            answer = await _converted(call, params)
            async with aclosing(_messages(answer)) as messages:
                async for message in messages:
                    yield message

    async def Inspect(self, request: InspectRequest, context: _Context) -> InspectResponse:  # noqa: N802  # as above
        source = request.WhichOneof("source")
        if source is None or len(request.data) > _LARGEST_INLINE:
            raise InvalidRequest(f"wants a reference, or a file of at most {_LARGEST_INLINE:,} bytes")
        file = TaskInput(object=request.input) if source == "input" else TaskInput(data=request.data)
        self._door.check_input("input", file)
        with _refusing():
            if request.from_format:
                check_readable(request.from_format)
        async with self._door.open(context) as call:
            await call.bring(INPUT, file)
            params = {"from_format": request.from_format, "from_frame": request.from_frame}
            [made] = (await call.run(INSPECT, params)).made
        return _inspected(made.details["inspected"])

    async def _receive(self, requests: AsyncIterator[ConvertStreamRequest], path: Path) -> ConvertParams:
        """Writes the file a client sends, and gives the parameters that came before it."""
        first = await anext(requests, None)
        if first is None or first.WhichOneof("message") != "params":
            raise InvalidRequest("the first message has to be the parameters")
        _check_params(first.params)
        received = 0
        with path.open("xb") as file:
            async for message in requests:
                if message.WhichOneof("message") != "chunk" or len(message.chunk) > CHUNK:
                    raise InvalidRequest(f"after the parameters come chunks of at most {CHUNK:,} bytes")
                received += len(message.chunk)
                self._door.check_size(received)
                await asyncio.to_thread(file.write, message.chunk)
        return first.params


async def _converted(call: Call, params: ConvertParams) -> _Answer:
    finished = await call.run(CONVERT, _task_params(params))
    [made] = finished.made
    [file] = made.files
    facts = made.details["converted"][file.name]
    losses = [Loss(**loss) for loss in facts["losses"]]
    return _Answer(finished.folder / file.name, file.media_type, facts["gaussians"], losses)


def _task_params(params: ConvertParams | LodParams) -> dict[str, Any]:
    """As a task takes them. A call rewrites no manifest, so that no model need be named."""
    named = json_format.MessageToDict(params, preserving_proto_field_name=True)
    return {**named, "model_key": params.model_key or _NO_MODEL}


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except ConversionError as error:
        raise TaskFailed(error.code, str(error)) from error


def _check_params(params: ConvertParams, as_job: bool = False) -> None:
    """Refuses what can be refused before any byte is moved. as_job: more than one file may be made."""
    if params.to_formats and not as_job:
        raise InvalidRequest("to_formats is for jobs: a call makes the one file of to_format")
    camera_in(params)
    with _refusing():
        targets_of(params)
        if params.from_format:
            check_readable(params.from_format)


def _inspected(facts: dict[str, Any]) -> InspectResponse:
    answer = InspectResponse(
        format=facts["format"],
        gaussians=facts["gaussians"],
        sh_degree=facts["sh_degree"],
        losses=[Loss(**loss) for loss in facts["losses"]],
    )
    if facts["bounds"] is not None:
        low, high = facts["bounds"]
        answer.bounds.CopyFrom(Bounds(low=low, high=high))
    if (camera := facts["camera"]) is not None:
        sides = {side: min(camera[side], _LARGEST_UINT32) for side in ("width", "height")}
        answer.camera.CopyFrom(Camera(**camera | sides))
    return answer


async def _messages(answer: _Answer) -> AsyncGenerator[ConvertStreamResponse, None]:
    size, digest = await asyncio.to_thread(lambda: (answer.path.stat().st_size, sha256_of(answer.path)))
    summary = ConvertStreamSummary(size=size, sha256=digest, gaussians=answer.gaussians, losses=answer.losses)
    yield ConvertStreamResponse(summary=summary)
    async with aclosing(file_chunks(answer.path)) as pieces:
        async for data in pieces:
            yield ConvertStreamResponse(chunk=data)
