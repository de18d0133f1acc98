"""The gRPC door of the AI service, for callers that wait for the answer."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from immichvr.ai.v1 import ai_pb2, ai_pb2_grpc
from immichvr.common.v1.common_pb2 import Progress
from immichvr.events.v1.events_pb2 import ModelEvent
from immichvr_common.callers import current_caller
from immichvr_common.errors import InvalidRequest
from immichvr_common.object_refs import check_ref
from immichvr_common.processes import ChildPool
from immichvr_common.storage import CHUNK, ObjectStore, sha256_of
from immichvr_common.tasks import Made, Task
from immichvr_common.telling import News
from immichvr_models import Cache

from immichvr_ai.model_jobs import DOWNLOAD

RPC_NAMES = ["immichvr.ai.v1.AiService"]
_LONGEST_S = 900.0
_LONGEST_DOWNLOAD_S = 12 * 3600.0

Context = Any


@dataclass(frozen=True)
class Finished:
    """The end of a call's work: what was made, and where its files lie until the call ends."""

    made: list[Made]
    folder: Path


class AiServicer(ai_pb2_grpc.AiServiceServicer):
    """Translates calls into tasks and what was made into answers."""

    def __init__(self, pool: ChildPool, store: ObjectStore) -> None:
        self._pool, self._store = pool, store

    async def Depth(  # noqa: N802  # gRPC's spelling
        self, request: ai_pb2.DepthRequest, context: Context
    ) -> AsyncIterator[ai_pb2.DepthResponse]:
        """Estimates depth, telling progress on the way."""
        async for step in self._perform("depth", request.source, request.params, context):
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
        async for step in self._perform("splat", request.source, request.params, context):
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
            data = await asyncio.to_thread(path.read_bytes)
            for start in range(0, len(data), CHUNK):
                yield ai_pb2.SplatResponse(chunk=data[start : start + CHUNK])

    async def DownloadModel(  # noqa: N802  # gRPC's spelling
        self, request: ai_pb2.DownloadModelRequest, context: Context
    ) -> AsyncIterator[ai_pb2.DownloadModelResponse]:
        """Fetches a model, telling how far it is; ends with the state `ready`."""
        accepted = await _accepted([request.key] if request.accepted else [])
        told: asyncio.Queue[ModelEvent | None] = asyncio.Queue()

        def hear(news: News) -> None:
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

    async def _perform(
        self, kind: str, source: ai_pb2.Source, params: Any, context: Context
    ) -> AsyncIterator[Progress | Finished]:
        if source.WhichOneof("source") == "object":
            check_ref("source", source.object, self._store)
        wanted = json_format.MessageToDict(params) | {"accepted": await _accepted(params.accepted)}
        with tempfile.TemporaryDirectory(prefix="call-") as folder:
            photo, out = Path(folder, "source"), Path(folder, "out")
            await asyncio.to_thread(out.mkdir)
            await self._bring(source, photo)
            task = Task(kind=kind, params=wanted, inputs={"source": photo}, folder=out)
            steps: asyncio.Queue[Progress | None] = asyncio.Queue()
            deadline_s = min(context.time_remaining() or _LONGEST_S, _LONGEST_S)
            working = asyncio.create_task(self._pool.run(task, _into(steps), deadline_s))
            working.add_done_callback(lambda _: steps.put_nowait(None))
            try:
                while (step := await steps.get()) is not None:
                    yield step
                yield Finished(working.result(), out)
            finally:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)

    async def _bring(self, source: ai_pb2.Source, path: Path) -> None:
        match source.WhichOneof("source"):
            case "data":
                await asyncio.to_thread(path.write_bytes, source.data)
            case "object":
                await self._store.get_file(source.object, path)
            case _:
                raise InvalidRequest("the request names no photo: set source.data or source.object")


async def _accepted(claimed: Iterable[str]) -> list[str]:
    """Of the models whose licences a call says were accepted, those for which that counts.

    The word of a caller is enough where it was granted that; else what somebody who may has accepted on this machine.
    """
    if current_caller().accepts_licences:
        return sorted(claimed)
    recorded = await asyncio.to_thread(lambda: Cache.from_env().accepted())
    return sorted(set(claimed) & recorded.keys())


def register(server: grpc.aio.Server, pool: ChildPool, store: ObjectStore) -> None:
    """Adds the servicer to a server."""
    ai_pb2_grpc.add_AiServiceServicer_to_server(AiServicer(pool, store), server)


def _into(steps: asyncio.Queue[Progress | None]) -> Callable[[float, str, str], None]:
    def report(fraction: float, stage: str, message: str) -> None:
        steps.put_nowait(Progress(fraction=fraction, stage=stage, message=message))

    return report


def _made_by(made: Made) -> ai_pb2.MadeBy:
    return ai_pb2.MadeBy(model_key=made.model_key, revision=made.model_revision, reason=made.reason)
