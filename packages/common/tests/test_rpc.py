"""The gRPC runtime: health, errors as status, limits."""

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from immichvr.converter.v1 import converter_pb2, converter_pb2_grpc
from immichvr_common.errors import NotFound, StorageFull, TaskFailed, Unavailable
from immichvr_common.rpc import RpcServer, status_of
from immichvr_common.settings import RpcSettings


class Failing(converter_pb2_grpc.ConverterServiceServicer):
    async def ListFormats(self, request, context):  # noqa: N802  # gRPC's spelling
        raise RuntimeError("a secret detail")

    async def Convert(self, request, context):  # noqa: N802  # gRPC's spelling
        raise NotFound("no object x")

    async def ConvertStream(self, request_iterator, context):  # noqa: N802  # gRPC's spelling
        yield converter_pb2.ConvertStreamResponse(chunk=b"x")
        raise TaskFailed("invalid_splat", "truncated at byte 7")


@pytest.fixture
async def channel():
    server = RpcServer(
        RpcSettings(),
        lambda one: converter_pb2_grpc.add_ConverterServiceServicer_to_server(Failing(), one),
        ["immichvr.converter.v1.ConverterService"],
    )
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel
    await server.stop(0)


async def test_errors_become_status_codes_with_their_words(channel) -> None:
    stub = converter_pb2_grpc.ConverterServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as missing:
        await stub.Convert(converter_pb2.ConvertRequest())
    assert missing.value.code() == grpc.StatusCode.NOT_FOUND
    with pytest.raises(grpc.aio.AioRpcError) as hidden:
        await stub.ListFormats(converter_pb2.ListFormatsRequest())
    assert hidden.value.code() == grpc.StatusCode.INTERNAL
    assert "secret" not in hidden.value.details()
    call = stub.ConvertStream(iter([converter_pb2.ConvertStreamRequest()]))
    with pytest.raises(grpc.aio.AioRpcError) as broken:
        async for _ in call:
            pass
    assert broken.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "invalid_splat: truncated at byte 7" in broken.value.details()


async def test_health_answers_for_readiness_and_liveness(channel) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    for name in ("", "readiness", "liveness"):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_process_that_is_not_well_is_not_ready() -> None:
    server, ill = RpcServer(RpcSettings(), lambda _: None, []), list[str]()
    server.is_well = lambda: not ill
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub, answers = health_pb2_grpc.HealthStub(channel), health_pb2.HealthCheckResponse
        assert (await stub.Check(health_pb2.HealthCheckRequest())).status == answers.SERVING
        ill.append("jobs")
        assert (await stub.Check(health_pb2.HealthCheckRequest())).status == answers.NOT_SERVING
        ill.clear()
        assert (await stub.Check(health_pb2.HealthCheckRequest())).status == answers.SERVING
    await server.stop(0)


def test_a_full_store_is_told_apart_from_one_that_does_not_answer() -> None:
    status, words = status_of(StorageFull("s3", "the object storage takes nothing more"))
    assert status is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert words.startswith("storage_full: the object storage takes nothing more; make room")
    assert status_of(Unavailable("storage does not answer", down="s3"))[0] is grpc.StatusCode.UNAVAILABLE
