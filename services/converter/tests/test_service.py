"""Calls to a real server on a free port, with real children and, by reference, a real SeaweedFS."""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import grpc
import numpy as np
import pytest
import pytest_asyncio
from grpc import StatusCode
from immichvr.common.v1.common_pb2 import ObjectRef, TaskInput
from immichvr.converter.v1.converter_pb2 import (
    Camera,
    ConvertParams,
    ConvertRequest,
    ConvertStreamRequest,
    InspectRequest,
    ListFormatsRequest,
    LodParams,
    RunConvertRequest,
    RunLodRequest,
)
from immichvr.converter.v1.converter_pb2_grpc import ConverterServiceStub
from immichvr_common.processes.pool import ChildPool
from immichvr_common.rpc import RpcServer
from immichvr_common.rpc_settings import RpcSettings
from immichvr_common.settings import WorkSettings
from immichvr_common.storage import ObjectStore
from immichvr_converter.service import SERVICE, register
from immichvr_converter.settings import CAPABILITY, ConversionLimits, ConverterSettings
from immichvr_splats import FORMATS, read, to_bytes

pytestmark = pytest.mark.asyncio(loop_scope="module")
MIB = 1024 * 1024
STAND_INS = Path(__file__).parent / "stand_ins"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pool() -> AsyncIterator[ChildPool]:
    """A child that converts, for every server of this module that needs one."""
    pool = ChildPool(CAPABILITY)
    yield pool
    pool.close()


@contextlib.asynccontextmanager
async def serving(
    pool: ChildPool, store: ObjectStore, folder: Path, rpc: RpcSettings | None = None, **settings
) -> AsyncIterator[ConverterServiceStub]:
    folder.mkdir(exist_ok=True)
    chosen = ConverterSettings(work=WorkSettings(directory=folder), **settings)
    server = RpcServer(rpc or RpcSettings(), lambda one: register(chosen, one, pool, store), [SERVICE])
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield ConverterServiceStub(channel)
    await server.stop(0)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stub(pool: ChildPool, objects: ObjectStore, tmp_path_factory) -> AsyncIterator[ConverterServiceStub]:
    async with serving(pool, objects, tmp_path_factory.mktemp("calls")) as stub:
        yield stub


@pytest_asyncio.fixture(loop_scope="module")
async def stalling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[ChildPool, Path]]:
    """A child that never finishes, and a pipe that it writes to when it begins and that ends when it does."""
    os.mkfifo(tmp_path / "life")
    monkeypatch.setenv("STALLING_PIPE", str(tmp_path / "life"))
    monkeypatch.setenv("PYTHONPATH", str(STAND_INS))
    pool = ChildPool("stalling:perform")
    await pool.warm()
    yield pool, tmp_path / "life"
    pool.close()


def messages(data: bytes, piece: int = MIB, **params: str | int) -> list[ConvertStreamRequest]:
    chunks = [ConvertStreamRequest(chunk=data[at : at + piece]) for at in range(0, len(data), piece)]
    return [ConvertStreamRequest(params=ConvertParams(**params)), *chunks]


async def never_ending(*first: ConvertStreamRequest) -> AsyncIterator[ConvertStreamRequest]:
    for message in first:
        yield message
    await asyncio.Event().wait()


async def refusal_of(call) -> tuple[StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        if hasattr(call, "__aiter__"):
            async for _ in call:
                pass
        else:
            await call
    return refused.value.code(), refused.value.details()


async def test_two_megabytes_stream_through_and_the_summary_describes_them(stub, make_cloud) -> None:
    cloud = make_cloud(37_000)
    data = to_bytes(cloud, "ply")
    assert len(data) > 2_000_000
    answers = [one async for one in stub.ConvertStream(iter(messages(data, to_format="splat")))]
    summary, chunks = answers[0].summary, [one.chunk for one in answers[1:]]
    made = b"".join(chunks)
    assert (summary.size, summary.gaussians) == (len(made), cloud.count)
    assert summary.sha256 == hashlib.sha256(made).hexdigest()
    assert max(map(len, chunks)) <= MIB
    assert read(made, "splat").cloud.count == cloud.count


async def test_losses_are_told_with_what_and_how_many(stub, make_cloud) -> None:
    data = to_bytes(make_cloud(20, degree=1), "ply")
    [summary, _] = [one async for one in stub.ConvertStream(iter(messages(data, to_format="splat")))]
    assert [(loss.what, loss.count) for loss in summary.summary.losses] == [("sh_degree", 20)]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"to_format": "obj"}, "'obj' is not written, wants one of ply"),
        ({"to_format": "ply", "from_format": "obj"}, "'obj' is not read, wants one of ply"),
        ({"to_format": "spz", "variant": "tiny"}, "wants one of full, light"),
        ({"to_format": "splat", "spz_version": 2}, "splat takes sh_degree, order"),
    ],
)
async def test_an_unknown_format_is_refused_before_the_file_is_sent(stub, params, words) -> None:
    code, details = await refusal_of(stub.ConvertStream(never_ending(*messages(b"", **params))))
    assert code == StatusCode.INVALID_ARGUMENT
    assert details.startswith("unsupported_format: ")
    assert words in details


@pytest.mark.parametrize("data", [b"", b"ply\nbroken\nend_header\n", bytes(64)])
async def test_a_bad_file_is_invalid_splat(stub, data: bytes) -> None:
    code, details = await refusal_of(stub.ConvertStream(iter(messages(data, to_format="spz"))))
    assert (code, details.partition(":")[0]) == (StatusCode.INVALID_ARGUMENT, "invalid_splat")


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [ConvertStreamRequest(chunk=b"ply")],
        messages(b"", to_format="spz") * 2,
        messages(bytes(MIB + 1), MIB + 1, to_format="spz"),
    ],
    ids=["nothing", "no parameters", "parameters twice", "a chunk too long"],
)
async def test_messages_out_of_order_are_refused(stub, wrong) -> None:
    code, details = await refusal_of(stub.ConvertStream(iter(wrong)))
    assert (code, details.partition(":")[0]) == (StatusCode.INVALID_ARGUMENT, "invalid_request")


async def test_a_file_over_the_limit_is_refused_while_it_arrives_and_leaves_nothing(
    pool, objects, tmp_path: Path
) -> None:
    limits = ConversionLimits(max_input_bytes=100_000)
    async with serving(pool, objects, tmp_path / "calls", limits=limits) as stub:
        stream = never_ending(*messages(bytes(120_000), 30_000, to_format="spz"))
        code, details = await refusal_of(stub.ConvertStream(stream))
        assert (code, details.partition(":")[0]) == (StatusCode.INVALID_ARGUMENT, "too_large")
        assert "100,000 bytes" in details
        assert not list((tmp_path / "calls").iterdir())
        ref = await objects.put_bytes("calls/in/large", bytes(120_000), "application/octet-stream")
        unsized = ObjectRef(key=ref.key)
        for one in (ref, unsized):
            request = ConvertRequest(input=one, output=ObjectRef(key="calls/x"), params=ConvertParams(to_format="spz"))
            _, details = await refusal_of(stub.Convert(request))
            assert details.startswith("too_large: ")


async def test_a_client_that_falls_silent_is_let_go(pool, objects, tmp_path: Path) -> None:
    async with serving(pool, objects, tmp_path / "calls", rpc=RpcSettings(silence_s=0.2)) as stub:
        code, details = await refusal_of(stub.ConvertStream(never_ending(*messages(b"ply\n", to_format="spz"))))
        assert (code, details.partition(":")[0]) == (StatusCode.DEADLINE_EXCEEDED, "deadline_exceeded")
        assert not list((tmp_path / "calls").iterdir())


async def test_a_client_that_does_not_read_is_let_go(pool, objects, tmp_path: Path, make_cloud) -> None:
    data = to_bytes(make_cloud(200_000), "ply")
    async with serving(pool, objects, tmp_path / "calls", rpc=RpcSettings(silence_s=1.5)) as stub:
        call = stub.ConvertStream(iter(messages(data, to_format="ply")))
        assert (await call.read()).summary.size == len(data)
        async with asyncio.timeout(30):
            while list((tmp_path / "calls").iterdir()):  # noqa: ASYNC110  # the server tells nobody
                await asyncio.sleep(0.05)
        call.cancel()


async def test_cancelling_a_call_ends_its_child(stalling, objects, tmp_path: Path) -> None:
    pool, child_life = stalling
    async with serving(pool, objects, tmp_path / "calls") as stub:
        call = stub.ConvertStream(iter(messages(b"ply\n", to_format="spz")))
        with await asyncio.to_thread(child_life.open) as life:
            assert life.readline() == "started\n"
            call.cancel()
            assert await asyncio.wait_for(asyncio.to_thread(life.read), 5) == ""
        assert not list((tmp_path / "calls").iterdir())


async def test_the_callers_deadline_ends_the_child(stalling, objects, tmp_path: Path) -> None:
    pool, child_life = stalling
    async with serving(pool, objects, tmp_path / "calls") as stub:
        call = stub.ConvertStream(iter(messages(b"ply\n", to_format="spz")), timeout=1)
        with await asyncio.to_thread(child_life.open) as life:
            assert life.readline() == "started\n"
            assert (await refusal_of(call))[0] == StatusCode.DEADLINE_EXCEEDED
            assert await asyncio.wait_for(asyncio.to_thread(life.read), 5) == ""


async def test_a_stored_file_is_converted_by_reference(stub, objects, make_cloud) -> None:
    cloud = make_cloud(500)
    source = await objects.put_bytes("calls/in/a", to_bytes(cloud, "ply"), "application/x-ply")
    params = ConvertParams(to_format="spz")
    request = ConvertRequest(input=source, output=ObjectRef(key="calls/made/a.spz"), params=params)
    answer = await stub.Convert(request)
    stored = await objects.get_bytes("calls/made/a.spz")
    assert (answer.output.key, answer.output.size) == ("calls/made/a.spz", len(stored.data))
    assert answer.output.sha256 == hashlib.sha256(stored.data).hexdigest()
    assert answer.output.media_type == FORMATS["spz"].media_type
    assert answer.gaussians == read(stored.data, "spz").cloud.count == 500


async def test_a_file_of_which_nothing_is_left_fails_and_replaces_nothing(stub, objects, make_cloud) -> None:
    data = to_bytes(make_cloud(20), "splat")
    rows = np.frombuffer(data, np.float32).reshape(20, 8).copy()
    rows[:, 0] = np.nan
    source = await objects.put_bytes("calls/in/damaged", rows.tobytes(), "application/x-splat")
    good = await objects.put_bytes("calls/made/good.spz", b"made with care", "application/x-spz")
    for params in ({"to_format": "spz"}, {"variant": "light"}, {"to_format": "ply", "lod_count": 5}):
        asked = ConvertParams(from_format="splat", **params)
        code, details = await refusal_of(stub.Convert(ConvertRequest(input=source, output=good, params=asked)))
        assert (code, details.partition(":")[0]) == (StatusCode.INVALID_ARGUMENT, "invalid_splat")
        assert "20 Gaussians dropped: 20 with non-finite means" in details
    assert (await objects.get_bytes(good.key)).data == b"made with care"


async def test_references_that_do_not_hold_are_refused(stub, objects) -> None:
    source = await objects.put_bytes("calls/in/b", b"ply\n", "application/x-ply")
    asked = partial(ConvertRequest, output=ObjectRef(key="calls/made/b"), params=ConvertParams(to_format="spz"))
    missing = asked(input=ObjectRef(key="calls/in/none"))
    elsewhere = asked(input=ObjectRef(key="calls/in/b", bucket="another"))
    changed = asked(input=ObjectRef(key="calls/in/b", size=source.size, sha256="0" * 64))
    nowhere = ConvertRequest(input=source, params=ConvertParams(to_format="spz"))
    assert (await refusal_of(stub.Convert(missing)))[0] == StatusCode.NOT_FOUND
    assert "wants 'immichvr'" in (await refusal_of(stub.Convert(elsewhere)))[1]
    assert (await refusal_of(stub.Convert(changed)))[1].startswith("corrupt_object: ")
    assert "output has no key" in (await refusal_of(stub.Convert(nowhere)))[1]
    assert not await objects.exists("calls/made/b")


async def test_what_is_not_the_callers_is_neither_read_nor_overwritten(stub, objects, make_cloud) -> None:
    manifest = "splats/photo_sharp/recipe/manifest.json"
    kept = await objects.put_bytes(manifest, b"{}", "application/json")
    photo = await objects.put_bytes("sources/photo/version", b"a photo", "image/jpeg")
    own = await objects.put_bytes("calls/in/own", to_bytes(make_cloud(5), "ply"), "application/x-ply")
    asked = partial(ConvertRequest, params=ConvertParams(to_format="spz"))
    calls = [stub.Convert(asked(input=own, output=ObjectRef(key=manifest)))]
    calls += [stub.Convert(asked(input=own, output=ObjectRef(key=key))) for key in ("calls/../x", "calls/a//b", "..")]
    calls += [stub.Convert(asked(input=photo, output=ObjectRef(key="calls/x")))]
    calls += [stub.Inspect(InspectRequest(input=photo))]
    refusals = [await refusal_of(call) for call in calls]
    assert {(code, words.partition(":")[0]) for code, words in refusals} == {
        (StatusCode.INVALID_ARGUMENT, "invalid_request")
    }
    assert (await objects.get_bytes(kept.key)).data == b"{}"


async def test_the_formats_are_those_of_the_table(stub) -> None:
    answer = await stub.ListFormats(ListFormatsRequest())
    told = {one.key: one for one in answer.formats}
    assert list(told) == list(FORMATS)
    ply = told["ply"]
    assert (list(ply.extensions), ply.can_read, ply.can_write, ply.max_sh_degree) == ([".ply"], True, True, 3)
    assert (ply.description, ply.keeps_camera, ply.keeps_order, ply.frame) == (
        FORMATS["ply"].description, True, True, "rdf",
    )  # fmt: skip
    assert list(told["spz"].options) == ["spz_version", "sh_degree", "frame", "order"]


async def test_options_are_told_by_those_who_call(stub, make_cloud) -> None:
    data = to_bytes(make_cloud(40, degree=2), "ply")
    asked = messages(data, to_format="spz", spz_version=4, sh_degree=1, lod_count=10)
    [summary, chunk] = [one async for one in stub.ConvertStream(iter(asked))]
    assert chunk.chunk[:4] == b"NGSP"
    found = read(chunk.chunk, "spz").cloud
    assert (found.count, found.sh_degree, summary.summary.gaussians) == (10, 1, 10)
    code, details = await refusal_of(stub.ConvertStream(iter(messages(data, to_format="spz", spz_version=9))))
    assert (code, details.partition(":")[0]) == (StatusCode.INVALID_ARGUMENT, "unsupported_format")
    assert "takes one of 2, 3, 4" in details


async def test_inspecting_tells_what_a_file_holds_by_reference_and_by_its_bytes(stub, objects, make_cloud) -> None:
    cloud = make_cloud(60, camera=True)
    data = to_bytes(cloud, "ply")
    source = await objects.put_bytes("calls/in/inspected", data, "application/x-ply")
    by_bytes = await stub.Inspect(InspectRequest(data=data))
    by_reference = await stub.Inspect(InspectRequest(input=ObjectRef(key=source.key)))
    assert by_bytes == by_reference
    assert (by_bytes.format, by_bytes.gaussians, by_bytes.sh_degree) == ("ply", 60, 0)
    assert list(by_bytes.bounds.low) == cloud.means.min(axis=0).tolist()
    assert (by_bytes.camera.fx, by_bytes.camera.width, len(by_bytes.camera.extrinsic)) == (600, 640, 16)
    assert not by_bytes.losses


async def test_inspecting_tells_what_reading_loses(stub, make_cloud) -> None:
    cloud = make_cloud(5)
    data = bytearray(to_bytes(cloud, "splat"))
    data[:4] = b"\xff" * 4
    answer = await stub.Inspect(InspectRequest(data=bytes(data), from_format="splat"))
    assert (answer.gaussians, answer.HasField("camera")) == (4, False)
    assert [(loss.what, loss.count) for loss in answer.losses] == [("dropped", 1)]


async def test_the_axes_of_a_file_can_be_told_to_calls(stub, make_cloud) -> None:
    cloud = make_cloud(20)
    data = to_bytes(cloud, "spz", frame="rub")
    answer = await stub.Inspect(InspectRequest(data=data, from_frame="rub"))
    np.testing.assert_allclose(list(answer.bounds.low), cloud.means.min(axis=0), atol=2**-12)
    messages_ = messages(data, to_format="splat", from_frame="rub")
    [_, chunk] = [one async for one in stub.ConvertStream(iter(messages_))]
    np.testing.assert_allclose(read(chunk.chunk, "splat").cloud.means, cloud.means, atol=2**-12)


async def test_inspecting_refuses_nothing_at_all_too_much_and_what_is_no_splat(stub) -> None:
    assert (await refusal_of(stub.Inspect(InspectRequest())))[1].startswith("invalid_request: ")
    assert "8,388,608" in (await refusal_of(stub.Inspect(InspectRequest(data=bytes(8 * MIB + 1)))))[1]
    assert (await refusal_of(stub.Inspect(InspectRequest(data=b"ply\nx"))))[1].startswith("invalid_splat: ")
    unknown = InspectRequest(data=b"ply\n", from_format="obj")
    assert (await refusal_of(stub.Inspect(unknown)))[1].startswith("unsupported_format: ")


async def test_a_call_of_kind_convert_makes_every_format_that_its_job_would(stub, make_cloud) -> None:
    cloud = make_cloud(300, degree=1)
    request = RunConvertRequest(
        splat=TaskInput(data=to_bytes(cloud, "ply")), params=ConvertParams(to_formats=["splat", "spz"])
    )
    told = [one async for one in stub.RunConvert(request)]
    assert [one.WhichOneof("message") for one in told][-4:] == ["progress", "result", "chunk", "chunk"]
    [asset] = next(one.result for one in told if one.HasField("result")).assets
    assert [file.name for file in asset.files] == ["splat.splat", "splat.spz"]
    assert any("splat.splat" in loss for loss in asset.losses)
    sent = {one.chunk.name: one.chunk.data for one in told if one.HasField("chunk")}
    assert {read(data, name.partition(".")[2]).cloud.count for name, data in sent.items()} == {300}


async def test_a_call_of_kind_lod_stores_its_levels_where_the_caller_says(stub, objects, make_cloud) -> None:
    source = await objects.put_bytes("calls/in/many", to_bytes(make_cloud(900), "ply"), "application/x-ply")
    request = RunLodRequest(
        splat=TaskInput(object=source), params=LodParams(counts=[100, 300]), store_under="calls/levels"
    )
    told = [one async for one in stub.RunLod(request)]
    [asset] = told[-1].result.assets
    levels = {file.variant: file.object.key for file in asset.files if file.role == "level"}
    assert set(levels) == {"lod-100", "lod-300"}
    stored = await objects.get_bytes(levels["lod-100"])
    assert read(stored.data, "spz").cloud.count == 100
    assert (await objects.get_bytes("calls/levels/levels.json")).data


async def test_what_a_job_would_refuse_a_call_refuses(stub, make_cloud) -> None:
    file = TaskInput(data=to_bytes(make_cloud(5), "ply"))
    unknown = stub.RunConvert(RunConvertRequest(splat=file, params=ConvertParams(to_format="obj")))
    assert (await refusal_of(unknown))[1].startswith("unsupported_format: ")
    nothing = stub.RunLod(RunLodRequest(params=LodParams(counts=[10])))
    assert (await refusal_of(nothing))[1].startswith("invalid_request: the splat is missing")
    broken = stub.RunLod(RunLodRequest(splat=TaskInput(data=b"ply\nx"), params=LodParams(counts=[10])))
    assert (await refusal_of(broken))[1].startswith("invalid_splat: ")


async def test_a_camera_that_cannot_be_is_refused_before_anything_is_sent(stub) -> None:
    camera = Camera(fx=900, fy=900, cx=480, cy=360, width=960, height=720, extrinsic=[1, 0, 0])
    params = ConvertParams(variant="light", camera=camera)
    file = TaskInput(data=b"ply\nx")
    for call in (
        stub.ConvertStream(never_ending(ConvertStreamRequest(params=params))),
        stub.RunConvert(RunConvertRequest(splat=file, params=params)),
        stub.RunLod(RunLodRequest(splat=file, params=LodParams(counts=[10], camera=camera))),
    ):
        code, details = await refusal_of(call)
        assert (code, details.partition(": ")[0]) == (StatusCode.INVALID_ARGUMENT, "invalid_request")
        assert "16 values or none" in details
