"""The gRPC door of the inpaint service, for callers that wait for the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf import json_format
from immichvr.common.v1.common_pb2 import TaskInput
from immichvr.inpaint.v1 import inpaint_pb2, inpaint_pb2_grpc
from immichvr_catalog import KINDS, is_of_model
from immichvr_common.errors import InvalidRequest
from immichvr_common.processes.pool import Pool
from immichvr_common.storage import ObjectStore
from immichvr_common.task_door import TaskDoor
from immichvr_models.granting import accepted_of

from immichvr_inpaint.kinds import DATASET, INPAINT, POINTS, RECONSTRUCT

RPC_NAMES = ("immichvr.inpaint.v1.InpaintService",)
_LONGEST_DOWNLOAD_S = 12 * 3600.0
_MOST_PHOTOS = 200

Context = Any


class InpaintServicer(inpaint_pb2_grpc.InpaintServiceServicer):
    """Translates calls into tasks and what was made into answers."""

    def __init__(self, pool: Pool, store: ObjectStore) -> None:
        self._models = TaskDoor(pool, store, _LONGEST_DOWNLOAD_S)
        kinds = (RECONSTRUCT, POINTS, DATASET, INPAINT)
        self._doors = {kind: TaskDoor(pool, store, KINDS[kind].deadline_s) for kind in kinds}

    def RunReconstruct(  # noqa: N802  # gRPC's spelling
        self, request: inpaint_pb2.RunReconstructRequest, context: Context
    ) -> AsyncIterator[inpaint_pb2.RunReconstructResponse]:
        """Does a job of kind reconstruct."""
        return self._done(RECONSTRUCT, request, _pictures(request), context, inpaint_pb2.RunReconstructResponse)

    def RunPoints(  # noqa: N802  # gRPC's spelling
        self, request: inpaint_pb2.RunPointsRequest, context: Context
    ) -> AsyncIterator[inpaint_pb2.RunPointsResponse]:
        """Does a job of kind points."""
        return self._done(POINTS, request, _pictures(request), context, inpaint_pb2.RunPointsResponse)

    def RunDataset(  # noqa: N802  # gRPC's spelling
        self, request: inpaint_pb2.RunDatasetRequest, context: Context
    ) -> AsyncIterator[inpaint_pb2.RunDatasetResponse]:
        """Does a job of kind dataset."""
        inputs = {"splat": request.splat, "views": request.views}
        return self._done(DATASET, request, inputs, context, inpaint_pb2.RunDatasetResponse)

    def RunInpaint(  # noqa: N802  # gRPC's spelling
        self, request: inpaint_pb2.RunInpaintRequest, context: Context
    ) -> AsyncIterator[inpaint_pb2.RunInpaintResponse]:
        """Does a job of kind inpaint; a splat without cameras is seen from where its file says."""
        inputs = {"splat": request.splat}
        if request.HasField("cameras"):
            inputs["cameras"] = request.cameras
        return self._done(INPAINT, request, inputs, context, inpaint_pb2.RunInpaintResponse)

    async def RunModel(  # noqa: N802  # gRPC's spelling
        self, request: inpaint_pb2.RunModelRequest, context: Context
    ) -> AsyncIterator[inpaint_pb2.RunModelResponse]:
        """Does a job about a model itself."""
        if not is_of_model(request.kind):
            known = ", ".join(sorted(filter(is_of_model, KINDS)))
            raise InvalidRequest(f"{request.kind!r} is none of {known}")
        params = await _params(request)
        answer = self._models.answer(request.kind, params, {}, "", context, inpaint_pb2.RunModelResponse)
        async with aclosing(answer) as messages:
            async for message in messages:
                yield message

    async def _done(
        self, kind: str, request: Any, inputs: Mapping[str, TaskInput], context: Context, response: Callable[..., Any]
    ) -> AsyncIterator[Any]:
        params = await _params(request)
        answer = self._doors[kind].answer(kind, params, inputs, request.store_under, context, response)
        async with aclosing(answer) as messages:
            async for message in messages:
                yield message


def register(server: grpc.aio.Server, pool: Pool, store: ObjectStore) -> None:
    """Adds the servicer to a server."""
    inpaint_pb2_grpc.add_InpaintServiceServicer_to_server(InpaintServicer(pool, store), server)


def _pictures(request: Any) -> dict[str, TaskInput]:
    """What a place is made of, by role. Raises InvalidRequest where that is too much, or nothing."""
    if len(request.photos) > _MOST_PHOTOS:
        raise InvalidRequest(f"{len(request.photos)} photos: a place is made of at most {_MOST_PHOTOS}")
    found = {f"photo_{place:03}": photo for place, photo in enumerate(request.photos)}
    if request.HasField("video"):
        found["clip" if found else "video"] = request.video
    if found and request.HasField("transforms"):
        found["transforms"] = request.transforms
    if not found:
        raise InvalidRequest("set photos, or a video, that the place is to be made of")
    return found


async def _params(request: Any) -> dict[str, Any]:
    """The parameters as a task takes them."""
    params = dict(json_format.MessageToDict(request.params))
    if "accepted" in request.params.DESCRIPTOR.fields_by_name:
        params["accepted"] = await accepted_of(request.params.accepted)
    return params
