"""The gRPC door of the video depth service, for callers that wait for the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf import json_format
from immichvr.common.v1.common_pb2 import TaskInput
from immichvr.videodepth.v1 import videodepth_pb2, videodepth_pb2_grpc
from immichvr_catalog import KINDS, is_of_model
from immichvr_common.errors import InvalidRequest
from immichvr_common.processes.pool import Pool
from immichvr_common.storage import ObjectStore
from immichvr_common.task_door import TaskDoor
from immichvr_models.granting import accepted_of

from immichvr_video_depth.kinds import MOTION, STEREO, VIDEO_DEPTH

RPC_NAMES = ("immichvr.videodepth.v1.VideoDepthService",)
_SOURCE, _DEPTH = "source", "depth"
_LONGEST_DOWNLOAD_S = 12 * 3600.0

Context = Any


class VideoDepthServicer(videodepth_pb2_grpc.VideoDepthServiceServicer):
    """Translates calls into tasks and what was made into answers."""

    def __init__(self, pool: Pool, store: ObjectStore) -> None:
        self._models = TaskDoor(pool, store, _LONGEST_DOWNLOAD_S)
        self._doors = {kind: TaskDoor(pool, store, KINDS[kind].deadline_s) for kind in (VIDEO_DEPTH, STEREO, MOTION)}

    async def RunVideoDepth(  # noqa: N802  # gRPC's spelling
        self, request: videodepth_pb2.RunVideoDepthRequest, context: Context
    ) -> AsyncIterator[videodepth_pb2.RunVideoDepthResponse]:
        """Does a job of kind video-depth."""
        params = _params(request) | {"accepted": await accepted_of(request.params.accepted)}
        answer = self._doors[VIDEO_DEPTH].answer(
            VIDEO_DEPTH, params, {_SOURCE: request.source}, request.store_under, context,
            videodepth_pb2.RunVideoDepthResponse,
        )  # fmt: skip
        async with aclosing(answer) as messages:
            async for message in messages:
                yield message

    def RunStereo(  # noqa: N802  # gRPC's spelling
        self, request: videodepth_pb2.RunStereoRequest, context: Context
    ) -> AsyncIterator[videodepth_pb2.RunStereoResponse]:
        """Does a job of kind stereo."""
        inputs = {_SOURCE: request.source, _DEPTH: request.depth, "frames": request.frames}
        return self._doors[STEREO].answer(
            STEREO, _params(request), inputs, request.store_under, context, videodepth_pb2.RunStereoResponse
        )

    def RunMotion(  # noqa: N802  # gRPC's spelling
        self, request: videodepth_pb2.RunMotionRequest, context: Context
    ) -> AsyncIterator[videodepth_pb2.RunMotionResponse]:
        """Does a job of kind motion; without a depth, one is guessed."""
        inputs: dict[str, TaskInput] = {_SOURCE: request.source}
        if request.HasField(_DEPTH):
            inputs[_DEPTH] = request.depth
        return self._doors[MOTION].answer(
            MOTION, _params(request), inputs, request.store_under, context, videodepth_pb2.RunMotionResponse
        )

    async def RunModel(  # noqa: N802  # gRPC's spelling
        self, request: videodepth_pb2.RunModelRequest, context: Context
    ) -> AsyncIterator[videodepth_pb2.RunModelResponse]:
        """Does a job about a model itself."""
        if not is_of_model(request.kind):
            known = ", ".join(sorted(filter(is_of_model, KINDS)))
            raise InvalidRequest(f"{request.kind!r} is none of {known}")
        params = _params(request) | {"accepted": await accepted_of(request.params.accepted)}
        answer = self._models.answer(request.kind, params, {}, "", context, videodepth_pb2.RunModelResponse)
        async with aclosing(answer) as messages:
            async for message in messages:
                yield message


def register(server: grpc.aio.Server, pool: Pool, store: ObjectStore) -> None:
    """Adds the servicer to a server."""
    videodepth_pb2_grpc.add_VideoDepthServiceServicer_to_server(VideoDepthServicer(pool, store), server)


def _params(request: Any) -> dict[str, Any]:
    """The parameters as a task takes them."""
    return dict(json_format.MessageToDict(request.params))
