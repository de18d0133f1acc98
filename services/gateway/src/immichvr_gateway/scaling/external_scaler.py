"""KEDA's door: gRPC as KEDA calls it, see `proto/immichvr/keda/external_scaler.proto`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

import grpc
from immichvr.keda import external_scaler_pb2 as keda
from immichvr.keda.external_scaler_pb2_grpc import ExternalScalerServicer, add_ExternalScalerServicer_to_server
from immichvr_catalog import POOLS, workers
from immichvr_common.errors import InvalidRequest, Unavailable
from immichvr_common.logs import get_log
from immichvr_common.rpc import RpcServer
from immichvr_common.rpc_settings import RpcSettings
from pydantic import model_validator

from immichvr_gateway.scaling.demand import Demand, Workers
from immichvr_gateway.settings import ScalerSettings

log = get_log(__name__)

JOBS_PER_REPLICA = 4
"""So much weight is one worker's, where the trigger's metadata says nothing of it."""
_MOST_PER_REPLICA = 10_000
_LAST_WORDS_S = 1.0
_SERVICE = "externalscaler.ExternalScaler"
_Context = grpc.aio.ServicerContext[Any, Any]


def workers_of(metadata: Mapping[str, str]) -> Workers:
    """Whom a trigger is about: `service` and `pool`. Raises InvalidRequest."""
    service, pool = metadata.get("service", ""), metadata.get("pool", "")
    there_are = [one.subject for one in workers()]
    if service not in there_are:
        raise InvalidRequest(
            f"service in the trigger's metadata is one of {', '.join(there_are)}, not {service[:60]!r}"
        )
    if pool not in POOLS:
        raise InvalidRequest(f"pool in the trigger's metadata is one of {', '.join(POOLS)}, not {pool[:60]!r}")
    return service, pool


def jobs_per_replica(metadata: Mapping[str, str]) -> int:
    """What one worker is for: `jobsPerReplica`, where it is set. Raises InvalidRequest."""
    told = metadata.get("jobsPerReplica", str(JOBS_PER_REPLICA))
    if not (told.isascii() and told.isdecimal() and len(told) <= 5 and 1 <= int(told) <= _MOST_PER_REPLICA):
        raise InvalidRequest(
            f"jobsPerReplica in the trigger's metadata is a number from 1 to {_MOST_PER_REPLICA}, not {told[:60]!r}"
        )
    return int(told)


class ExternalScaler(ExternalScalerServicer):
    """Answers from what there is to do. is_heard: whether news of jobs arrive.

    Where they do not, nothing is said: KEDA then leaves the workers as they are.
    """

    def __init__(self, demand: Demand, is_heard: Callable[[], bool]) -> None:
        self._demand, self._is_heard = demand, is_heard

    async def IsActive(  # noqa: N802  # KEDA's spelling, here and below
        self, request: keda.ScaledObjectRef, context: _Context
    ) -> keda.IsActiveResponse:
        return keda.IsActiveResponse(result=self._count(workers_of(request.scalerMetadata)) > 0)

    async def StreamIsActive(  # noqa: N802
        self, request: keda.ScaledObjectRef, context: _Context
    ) -> AsyncIterator[keda.IsActiveResponse]:
        async with aclosing(self._demand.activity(workers_of(request.scalerMetadata))) as activity:
            async for is_active in activity:
                yield keda.IsActiveResponse(result=is_active)

    async def GetMetricSpec(  # noqa: N802
        self, request: keda.ScaledObjectRef, context: _Context
    ) -> keda.GetMetricSpecResponse:
        name, target = _metric(workers_of(request.scalerMetadata)), jobs_per_replica(request.scalerMetadata)
        return keda.GetMetricSpecResponse(metricSpecs=[keda.MetricSpec(metricName=name, targetSize=target)])

    async def GetMetrics(  # noqa: N802
        self, request: keda.GetMetricsRequest, context: _Context
    ) -> keda.GetMetricsResponse:
        whose = workers_of(request.scaledObjectRef.scalerMetadata)
        value = keda.MetricValue(metricName=_metric(whose), metricValue=self._count(whose))
        return keda.GetMetricsResponse(metricValues=[value])

    def _count(self, whose: Workers) -> int:
        if not (self._demand.is_known and self._is_heard()):
            raise Unavailable("the gateway does not know yet which jobs there are", down="nats")
        return self._demand.of(whose)


def _metric(whose: Workers) -> str:
    return f"immichvr-{'-'.join(whose)}"


class _OpenSettings(RpcSettings):
    """KEDA has no token to show. It learns how much there is to do, and nothing else can be asked here."""

    @model_validator(mode="after")
    def _is_not_open_to_the_network(self) -> _OpenSettings:
        return self


@asynccontextmanager
async def answering_keda(
    settings: ScalerSettings, demand: Demand, is_heard: Callable[[], bool]
) -> AsyncIterator[RpcServer | None]:
    """Answers KEDA while the block lasts, where a port is set. Raises ValueError, RuntimeError where it is taken."""
    if settings.port is None:
        yield None
        return

    def register(server: grpc.aio.Server) -> None:
        add_ExternalScalerServicer_to_server(ExternalScaler(demand, is_heard), server)

    open_to_all = _OpenSettings(host=settings.host, port=settings.port, tls=settings.tls, max_message_mb=1)
    server = RpcServer(open_to_all, register, [_SERVICE])
    server.is_well = lambda: demand.is_known and is_heard()
    await server.start()
    log.info("KEDA may ask", port=server.port)
    try:
        yield server
    finally:
        # KEDA comes back at once where a stream ends, and later and later where it breaks.
        demand.close()
        await server.stop(_LAST_WORDS_S)
