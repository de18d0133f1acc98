"""One task for one call, asked for by a real client: what may be brought, what is told, what comes back."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import StatusCode
from immichvr.ai.v1 import ai_pb2, ai_pb2_grpc
from immichvr.common.v1.common_pb2 import ObjectRef, TaskInput
from immichvr_common.processes.pool import ChildPool
from immichvr_common.rpc import RpcServer
from immichvr_common.rpc_settings import RpcSettings
from immichvr_common.storage import ObjectStore
from immichvr_common.task_door import TaskDoor

SERVICE = "immichvr.ai.v1.AiService"
LARGEST = 1_000_000


class Trying(ai_pb2_grpc.AiServiceServicer):
    """Has the trial do what `does` says."""

    def __init__(self, door: TaskDoor) -> None:
        self.door, self.does = door, dict[str, Any]()

    async def RunDepth(self, request, context):  # noqa: N802  # gRPC's spelling
        inputs = {"source": request.source}
        async for message in self.door.answer(
            "trial", self.does, inputs, request.store_under, context, ai_pb2.RunDepthResponse
        ):
            yield message


@asynccontextmanager
async def serving(store: ObjectStore, **limits: Any) -> AsyncIterator[tuple[Trying, ai_pb2_grpc.AiServiceStub]]:
    pool = ChildPool("immichvr_common.testing.trial:perform", memory_mb=512)
    trying = Trying(TaskDoor(pool, store, **{"longest_s": 30, "largest": LARGEST, **limits}))
    server = RpcServer(RpcSettings(), lambda one: ai_pb2_grpc.add_AiServiceServicer_to_server(trying, one), [SERVICE])
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield trying, ai_pb2_grpc.AiServiceStub(channel)
    await server.stop(0)
    pool.close()


def asked(data: bytes = b"", store_under: str = "", **object_: Any) -> ai_pb2.RunDepthRequest:
    source = TaskInput(object=ObjectRef(**object_)) if object_ else TaskInput(data=data)
    return ai_pb2.RunDepthRequest(source=source, store_under=store_under)


async def refusal(call: Any) -> tuple[StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        _ = [message async for message in call]
    return refused.value.code(), refused.value.details()


async def test_a_call_tells_how_far_it_is_then_what_was_made_then_sends_the_files(store: ObjectStore) -> None:
    photo = b"0123456789" * 90_000
    async with serving(store) as (_, stub):
        told = [one async for one in stub.RunDepth(asked(photo), timeout=60)]
    kinds = [one.WhichOneof("message") for one in told]
    assert kinds == ["progress", "result", "chunk"]
    assert (told[0].progress.stage, told[0].progress.message) == ("decoded", "looking")
    [asset] = told[1].result.assets
    assert (asset.kind, asset.model_key, asset.details["near"], asset.timings["thinking"]) == ("depth", "trial", 1, 0.1)
    [file] = asset.files
    made = photo[::-1]
    assert (file.name, file.role, file.format, file.object.media_type) == ("depth.png", "depth", "png", "image/png")
    assert (file.object.key, file.object.size) == ("", len(made))
    assert file.object.sha256 == hashlib.sha256(made).hexdigest()
    assert (told[2].chunk.name, told[2].chunk.data) == ("depth.png", made)


async def test_a_file_is_brought_and_what_is_made_is_stored_by_reference(store: ObjectStore) -> None:
    brought = await store.put_bytes("calls/in/photo", b"abc", "image/jpeg")
    async with serving(store) as (_, stub):
        request = asked(key=brought.key, size=brought.size, sha256=brought.sha256, store_under="calls/made")
        told = [one async for one in stub.RunDepth(request, timeout=60)]
    assert [one.WhichOneof("message") for one in told] == ["progress", "result"]
    stored = told[1].result.assets[0].files[0].object
    assert (stored.bucket, stored.key, stored.media_type) == (store.bucket, "calls/made/depth.png", "image/png")
    assert (await store.get_bytes(stored.key)).data == b"cba"


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (ai_pb2.RunDepthRequest(), "the source is missing: set its data, or the object where it lies"),
        (asked(key="sources/photo/version"), "the source is not yours to name"),
        (asked(key="calls/in/x", bucket="another"), "the source lies in the bucket 'another', wants 'immichvr'"),
        (asked(key="calls/in/x", sha256="0"), "the source has a sha256 that is none"),
        (asked(b"x", store_under="splats/photo_sharp"), "the place for what is made is not yours to name"),
        (asked(b"x", store_under="calls/../x"), "the place for what is made has the key"),
    ],
)
async def test_what_may_not_be_named_is_refused_before_a_child_hears_of_it(
    store: ObjectStore, request_: ai_pb2.RunDepthRequest, words: str
) -> None:
    async with serving(store) as (trying, stub):
        trying.does = {"do": "crash"}
        code, told = await refusal(stub.RunDepth(request_, timeout=60))
    assert code == StatusCode.INVALID_ARGUMENT
    assert told.startswith(f"invalid_request: {words}")


async def test_a_file_over_the_limit_is_refused_however_it_is_brought(store: ObjectStore) -> None:
    large = await store.put_bytes("calls/in/large", bytes(LARGEST + 1), "image/jpeg")
    async with serving(store) as (_, stub):
        for request in (asked(bytes(LARGEST + 1)), asked(key=large.key), asked(key=large.key, size=large.size)):
            code, told = await refusal(stub.RunDepth(request, timeout=60))
            assert (code, told.partition(":")[0]) == (StatusCode.INVALID_ARGUMENT, "too_large")
            assert "1,000,000 bytes" in told


async def test_an_object_that_is_not_what_its_reference_says_is_refused(store: ObjectStore) -> None:
    brought = await store.put_bytes("calls/in/other", b"abc", "image/jpeg")
    async with serving(store) as (_, stub):
        code, told = await refusal(stub.RunDepth(asked(key=brought.key, size=3, sha256="0" * 64), timeout=60))
        assert told.startswith("corrupt_object: ")
        assert (await refusal(stub.RunDepth(asked(key="calls/in/none"), timeout=60)))[0] == StatusCode.NOT_FOUND
    assert code == StatusCode.INVALID_ARGUMENT


async def test_the_failure_of_the_work_is_the_calls_own(store: ObjectStore) -> None:
    async with serving(store) as (trying, stub):
        trying.does = {"do": "fail"}
        code, told = await refusal(stub.RunDepth(asked(b"x"), timeout=60))
        assert (code, told) == (StatusCode.INVALID_ARGUMENT, "invalid_image: photo.jpg: not an image")
        trying.does = {"do": "crash"}
        assert (await refusal(stub.RunDepth(asked(b"x"), timeout=60)))[0] == StatusCode.INTERNAL


async def test_a_call_ends_at_the_services_own_limit_and_its_child_with_it(store: ObjectStore, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with serving(store, longest_s=1.5) as (trying, stub):
        trying.does = {"do": "sleep", "seconds": 60, "marker": str(marker)}
        code, told = await refusal(stub.RunDepth(asked(b"x"), timeout=60))
        assert (code, told.partition(":")[0]) == (StatusCode.DEADLINE_EXCEEDED, "deadline_exceeded")
        await _gone(int(marker.read_text()))


async def test_who_leaves_ends_the_child(store: ObjectStore, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with serving(store) as (trying, stub):
        trying.does = {"do": "sleep", "seconds": 60, "marker": str(marker)}
        call = stub.RunDepth(asked(b"x"), timeout=60)
        while (await call.read()).progress.stage != "inferred":
            pass
        call.cancel()
        await _gone(int(marker.read_text()))


async def test_calls_beyond_those_whose_files_may_lie_here_wait(store: ObjectStore, tmp_path: Path) -> None:
    async with serving(store, at_once=1) as (_, stub):
        answers = await asyncio.gather(*(_told(stub, bytes([number])) for number in range(3)))
    assert answers == [bytes([number]) for number in range(3)]


async def _told(stub: ai_pb2_grpc.AiServiceStub, photo: bytes) -> bytes:
    return b"".join([one.chunk.data async for one in stub.RunDepth(asked(photo), timeout=60)])


async def _gone(process: int) -> None:
    async with asyncio.timeout(10):
        while Path(f"/proc/{process}").exists():  # noqa: ASYNC110  # the system tells nobody
            await asyncio.sleep(0.02)
