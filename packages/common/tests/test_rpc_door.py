"""Who gets past a gRPC server's door, and how much of what they bring is read."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc import StatusCode
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from immichvr.converter.v1 import converter_pb2, converter_pb2_grpc
from immichvr_common.callers import current_caller
from immichvr_common.rpc import RpcServer
from immichvr_common.rpc_client import credential, open_channel
from immichvr_common.rpc_settings import RpcClientSettings, RpcSettings
from immichvr_common.settings import WorkerSettings, settings_or_exit
from immichvr_common.tracing import Done, send_spans_to
from pydantic_settings import SettingsConfigDict

MIB = 1024 * 1024
SERVICE = "immichvr.converter.v1.ConverterService"
GATEWAY, VIEWER = "the-gateways-own-token", "another-callers-token"
CALLERS = {
    "gateway": {"token": GATEWAY, "calls": "ListFormats, Inspect"},
    "viewer": {"token": VIEWER, "calls": "*", "prefix": "theirs/", "accepts_licences": True},
}


class Counting(converter_pb2_grpc.ConverterServiceServicer):
    """Says who called, and holds Inspect until it is let go."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.entered, self.let_go = asyncio.Event(), asyncio.Event()
        self.let_go.set()

    async def ListFormats(self, request, context):  # noqa: N802  # gRPC's spelling
        caller = current_caller()
        told = f"{caller.name} {caller.prefix} {caller.accepts_licences}"
        return converter_pb2.ListFormatsResponse(formats=[converter_pb2.Format(key=told)])

    async def Inspect(self, request, context):  # noqa: N802  # as above
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.entered.set()
        try:
            await self.let_go.wait()
        finally:
            self.inside -= 1
        return converter_pb2.InspectResponse(gaussians=len(request.data))

    async def ConvertStream(self, request_iterator, context):  # noqa: N802  # as above
        self.entered.set()
        async for message in request_iterator:
            yield converter_pb2.ConvertStreamResponse(chunk=message.chunk)


@contextlib.asynccontextmanager
async def serving(servicer: Counting | None = None, **settings) -> AsyncIterator[RpcServer]:
    def register(server: grpc.aio.Server) -> None:
        converter_pb2_grpc.add_ConverterServiceServicer_to_server(servicer or Counting(), server)

    server = RpcServer(RpcSettings(**{"callers": CALLERS, **settings}), register, [SERVICE])
    await server.start()
    try:
        yield server
    finally:
        await server.stop(0)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def connected(port: int) -> grpc.aio.Channel:
    # A connection of its own: another test's server may have had this port.
    options = [("grpc.max_send_message_length", 64 * MIB), ("grpc.use_local_subchannel_pool", 1)]
    return open_channel(f"127.0.0.1:{port}", RpcClientSettings(), options)


REFUSED = {StatusCode.UNAUTHENTICATED, StatusCode.INTERNAL}
"""How a refused stream ends: grpc.aio's client says INTERNAL where the refusal comes while it writes."""


async def open_ended(message: Any) -> AsyncIterator[Any]:
    """A stream whose client has more to say."""
    yield message
    await asyncio.Event().wait()


async def code_of(call) -> StatusCode:
    """How a call ends."""
    try:
        if hasattr(call, "__aiter__"):
            async for _ in call:
                pass
        else:
            await call
    except grpc.aio.AioRpcError as error:
        return error.code()
    return StatusCode.OK


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        bearer(""),
        bearer(GATEWAY + "x"),
        bearer(GATEWAY[:-1]),
        (("authorization", GATEWAY),),
        (("authorization", f"Basic {GATEWAY}"),),
        bearer(GATEWAY) + bearer("another"),
        (("x-authorization", f"Bearer {GATEWAY}"),),
    ],
)
async def test_without_a_callers_token_nothing_is_answered(metadata) -> None:
    servicer = Counting()
    async with serving(servicer, reflection=True) as server, connected(server.port) as channel:
        stub = converter_pb2_grpc.ConverterServiceStub(channel)
        asked = [
            stub.ListFormats(converter_pb2.ListFormatsRequest(), metadata=metadata),
            stub.Inspect(converter_pb2.InspectRequest(data=b"x"), metadata=metadata),
            channel.unary_unary("/no.such.Service/Method")(b"", metadata=metadata),
        ]
        assert {await code_of(call) for call in asked} == {StatusCode.UNAUTHENTICATED}
        streamed = [
            stub.ConvertStream(open_ended(converter_pb2.ConvertStreamRequest(chunk=b"x")), metadata=metadata),
            reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(
                open_ended(reflection_pb2.ServerReflectionRequest(list_services="")), metadata=metadata
            ),
        ]
        assert {await code_of(call) for call in streamed} <= REFUSED
        assert not servicer.entered.is_set()


async def test_a_caller_may_do_what_it_was_granted_and_is_known_by_name() -> None:
    async with serving() as server, connected(server.port) as channel:
        stub = converter_pb2_grpc.ConverterServiceStub(channel)

        async def told(token: str) -> str:
            answer = await stub.ListFormats(converter_pb2.ListFormatsRequest(), metadata=bearer(token))
            return answer.formats[0].key

        assert await told(GATEWAY) == "gateway calls/gateway/ False"
        assert await told(VIEWER) == "viewer theirs/ True"
        convert = stub.Convert(converter_pb2.ConvertRequest(), metadata=bearer(GATEWAY))
        assert await code_of(convert) == StatusCode.PERMISSION_DENIED
        stream = iter([converter_pb2.ConvertStreamRequest(chunk=b"x")])
        assert await code_of(stub.ConvertStream(stream, metadata=bearer(VIEWER))) == StatusCode.OK


async def test_a_call_is_recorded_within_what_its_caller_says_and_no_other_is() -> None:
    spans: list[Done] = []
    send_spans_to(spans.append)
    try:
        async with serving() as server, connected(server.port) as channel:
            stub = converter_pb2_grpc.ConverterServiceStub(channel)
            await stub.ListFormats(converter_pb2.ListFormatsRequest(), metadata=bearer(GATEWAY))
            within = ("traceparent", f"00-{'ab' * 16}-{'cd' * 8}-01")
            await stub.ListFormats(converter_pb2.ListFormatsRequest(), metadata=(*bearer(GATEWAY), within))
    finally:
        send_spans_to(None)
    [one] = spans
    assert (one.name, one.kind) == (f"{SERVICE}/ListFormats", "server")
    assert (one.trace_id, one.parent_id, one.error) == ("ab" * 16, "cd" * 8, "")


async def test_probes_need_no_credential_and_learn_nothing_but_health() -> None:
    async with serving() as server, connected(server.port) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(service="readiness"))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert await code_of(stub.Watch(health_pb2.HealthCheckRequest())) == StatusCode.UNIMPLEMENTED
        asked = open_ended(reflection_pb2.ServerReflectionRequest(list_services=""))
        reflecting = reflection_pb2_grpc.ServerReflectionStub(channel)
        assert (
            await code_of(reflecting.ServerReflectionInfo(asked, metadata=bearer(VIEWER))) == StatusCode.UNIMPLEMENTED
        )


class Relay:
    """Passes bytes on to a server and counts those that the server took."""

    def __init__(self, port: int) -> None:
        self._port, self.taken, self.port = port, 0, 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Relay":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=64 * 1024)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        self._tasks = {
            asyncio.create_task(self._pass(reader, back, True)),
            asyncio.create_task(self._pass(there, writer, False)),
        }

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(64 * 1024):
                target.write(data)
                await target.drain()
                self.taken += len(data) if counted else 0


async def test_of_forty_calls_of_15_mb_by_strangers_next_to_nothing_is_read() -> None:
    async with serving() as server, Relay(server.port) as relay, connected(relay.port) as channel:
        stub = converter_pb2_grpc.ConverterServiceStub(channel)
        health = health_pb2_grpc.HealthStub(channel)
        large = converter_pb2.InspectRequest(data=bytes(15 * MIB))
        probe = health_pb2.HealthCheckRequest(service="x" * 15 * MIB)
        calls = [stub.Inspect(large) for _ in range(35)] + [health.Check(probe) for _ in range(5)]
        codes = await asyncio.gather(*(code_of(call) for call in calls))
        assert set(codes) == {StatusCode.UNAUTHENTICATED, StatusCode.OK}
        assert relay.taken < 4 * MIB


async def refused(ends: set[asyncio.Task[StatusCode]], count: int) -> set[asyncio.Task[StatusCode]]:
    """Waits until so many calls were refused for want of room, and gives the others."""
    while count:
        done, ends = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        assert {one.result() for one in done} == {StatusCode.RESOURCE_EXHAUSTED}
        count -= len(done)
    return ends


async def test_requests_in_memory_are_bounded_and_those_beyond_wait_or_are_refused() -> None:
    servicer = Counting()
    servicer.let_go.clear()
    large = converter_pb2.InspectRequest(data=bytes(15 * MIB))
    async with serving(servicer, in_flight_mb=32, wait_s=0.3) as server, connected(server.port) as channel:
        stub = converter_pb2_grpc.ConverterServiceStub(channel)
        calls = [stub.Inspect(large, metadata=bearer(VIEWER)) for _ in range(6)]
        left = await refused({asyncio.create_task(code_of(call)) for call in calls}, 4)
        servicer.let_go.set()
        assert {await one for one in left} == {StatusCode.OK}
        assert servicer.most == 2


async def test_requests_that_find_no_room_yet_are_served_when_there_is() -> None:
    servicer = Counting()
    large = converter_pb2.InspectRequest(data=bytes(15 * MIB))
    async with serving(servicer, in_flight_mb=32, wait_s=60) as server, connected(server.port) as channel:
        stub = converter_pb2_grpc.ConverterServiceStub(channel)
        calls = [stub.Inspect(large, metadata=bearer(VIEWER)) for _ in range(6)]
        assert {await code_of(call) for call in calls} == {StatusCode.OK}
        assert servicer.most <= 2


async def test_small_questions_do_not_use_up_the_room_of_large_ones() -> None:
    servicer = Counting()
    servicer.let_go.clear()
    settings = {"max_message_mb": 1, "in_flight_mb": 2, "at_once": 20}
    async with serving(servicer, **settings) as server, connected(server.port) as channel:
        stub = converter_pb2_grpc.ConverterServiceStub(channel)
        small = converter_pb2.InspectRequest(data=b"x")
        calls = [asyncio.create_task(code_of(stub.Inspect(small, metadata=bearer(GATEWAY)))) for _ in range(20)]
        while servicer.inside < 20:
            servicer.entered.clear()
            await asyncio.wait_for(servicer.entered.wait(), 10)
        # HTTP/2 lets no more calls be begun on this connection; another one is told.
        async with connected(server.port) as another:
            further = converter_pb2_grpc.ConverterServiceStub(another).Inspect(small, metadata=bearer(GATEWAY))
            assert await code_of(further) == StatusCode.RESOURCE_EXHAUSTED
        servicer.let_go.set()
        assert {await call for call in calls} == {StatusCode.OK}


async def test_a_request_that_never_ends_is_given_up() -> None:
    async with serving(silence_s=0.2) as server, connected(server.port) as channel:
        stream = converter_pb2_grpc.ConverterServiceStub(channel).ConvertStream(
            open_ended(converter_pb2.ConvertStreamRequest(chunk=b"x")), metadata=bearer(VIEWER)
        )
        assert await code_of(stream) == StatusCode.DEADLINE_EXCEEDED


async def test_connections_are_counted_before_anybody_says_a_word() -> None:
    async with serving(connections=3) as server:
        silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(8)]
        ends = {asyncio.create_task(reader.read()) for reader, _ in silent}
        refused: set[asyncio.Task[bytes]] = set()
        while len(refused) < 5:
            done, ends = await asyncio.wait(ends, timeout=5, return_when=asyncio.FIRST_COMPLETED)
            assert done, "more connections than are allowed stay open"
            refused |= done
        for end in ends:
            end.cancel()
        for _, writer in silent:
            writer.close()


async def test_a_message_that_grows_when_it_is_unpacked_is_refused() -> None:
    async with serving() as server, connected(server.port) as channel:
        stub = converter_pb2_grpc.ConverterServiceStub(channel)
        bomb = converter_pb2.InspectRequest(data=bytes(60 * MIB))
        call = stub.Inspect(bomb, metadata=bearer(VIEWER), compression=grpc.Compression.Gzip)
        assert await code_of(call) in (StatusCode.UNIMPLEMENTED, StatusCode.RESOURCE_EXHAUSTED)


async def test_what_is_no_message_of_the_method_is_an_invalid_request() -> None:
    async with serving() as server, connected(server.port) as channel:
        call = channel.unary_unary(f"/{SERVICE}/Inspect")(b"\xff\xff\xff", metadata=bearer(VIEWER))
        assert await code_of(call) == StatusCode.INVALID_ARGUMENT


class Door(WorkerSettings):
    model_config = SettingsConfigDict(env_prefix="DOOR_")
    service = "door"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"HOST": "0.0.0.0"}, "would listen on 0.0.0.0 and ask nobody for a credential"),  # noqa: S104  # refused
        ({"HOST": "::"}, "ask nobody for a credential"),
        ({"HOST": "worker.example"}, "ask nobody for a credential"),
        ({"CALLERS__GATEWAY__TOKEN": "short", "CALLERS__GATEWAY__CALLS": "*"}, "at least 16 characters"),
        ({"CALLERS__GATEWAY__TOKEN": GATEWAY}, "rpc.callers.gateway.calls"),
        ({"CALLERS__GATEWAY__CALLS": "*"}, "rpc.callers.gateway.token"),
        ({"TLS__CERTIFICATE": "a certificate"}, "TLS wants a certificate and its key"),
    ],
)
def test_a_worker_that_would_be_open_to_the_network_does_not_start_and_says_why(
    environment, words, monkeypatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"DOOR_RPC__{name}", value)
    with pytest.raises(SystemExit) as refused:
        settings_or_exit(Door)
    assert words in str(refused.value)
    assert GATEWAY not in str(refused.value)


def test_a_callers_token_may_lie_in_a_file(monkeypatch, tmp_path) -> None:
    (tmp_path / "token").write_text(GATEWAY + "\n")
    monkeypatch.setenv("DOOR_RPC__HOST", "0.0.0.0")  # noqa: S104  # nothing listens
    monkeypatch.setenv("DOOR_RPC__CALLERS__GATEWAY__TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("DOOR_RPC__CALLERS__GATEWAY__CALLS", "StreamFrames,ListFormats")
    gateway = settings_or_exit(Door).rpc.callers["gateway"]
    assert gateway.token.get_secret_value() == GATEWAY
    assert gateway.calls == ("StreamFrames", "ListFormats")


async def test_a_grant_of_what_there_is_not_stops_the_start() -> None:
    with pytest.raises(ValueError, match="granted Splat; there are"):
        async with serving(callers={"gateway": {"token": GATEWAY, "calls": "Splat"}}):
            pass


def certified(name: str, by: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None):
    """A certificate and its key: of an authority, or of a server and client by that authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by[0].subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
    )
    return builder.sign(by[1] if by else key, hashes.SHA256()), key


def pem(one: x509.Certificate | ec.EllipticCurvePrivateKey) -> str:
    if isinstance(one, x509.Certificate):
        return one.public_bytes(serialization.Encoding.PEM).decode()
    form = serialization.PrivateFormat.PKCS8
    return one.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


async def test_with_tls_only_the_right_server_and_the_right_client_speak_to_each_other() -> None:
    ours, other = certified("ours"), certified("other")
    server, client, stranger = certified("worker.test", ours), certified("gateway", ours), certified("gateway", other)
    tls = {"certificate": pem(server[0]), "key": pem(server[1]), "client_ca": pem(ours[0])}
    own = {"certificate": pem(client[0]), "key": pem(client[1]), "token": GATEWAY}
    async with serving(tls=tls) as listening:
        outcomes = []
        for settings in (
            {"ca": pem(ours[0]), **own},
            {"ca": pem(ours[0]), "server_name": "worker.test", **own},
            {"ca": pem(other[0]), **own},
            {"ca": pem(ours[0]), "server_name": "another.test", **own},
            {"ca": pem(ours[0]), "token": GATEWAY},
            {"ca": pem(ours[0]), **own, "certificate": pem(stranger[0]), "key": pem(stranger[1])},
            {"token": GATEWAY},
        ):
            chosen = RpcClientSettings(**settings)
            async with open_channel(f"127.0.0.1:{listening.port}", chosen) as channel:
                stub = converter_pb2_grpc.ConverterServiceStub(channel)
                call = stub.ListFormats(converter_pb2.ListFormatsRequest(), metadata=credential(chosen), timeout=5)
                outcomes.append(await code_of(call))
    assert outcomes == [StatusCode.OK] * 2 + [StatusCode.UNAVAILABLE] * 5
