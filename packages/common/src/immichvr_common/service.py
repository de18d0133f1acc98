"""A worker service as a process: metrics, gRPC, jobs, and a clean end."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grpc
from immichvr_catalog import GPU, SERVICES, kinds_of

from immichvr_common.aftermath import Aftermath
from immichvr_common.bus import Bus, connect_patiently
from immichvr_common.log_masks import secrets_in
from immichvr_common.logs import configure_logs, get_log
from immichvr_common.metrics import serve_metrics, watch_disk
from immichvr_common.otlp import begin_tracing
from immichvr_common.processes.batching import BatchingPool
from immichvr_common.processes.child import Child
from immichvr_common.processes.pool import ChildPool, Pool
from immichvr_common.rpc import RpcServer
from immichvr_common.scratch import keep_clean, own_folder
from immichvr_common.settings import WorkerSettings
from immichvr_common.storage import ObjectStore
from immichvr_common.supervision import Supervisor
from immichvr_common.tasks import Task
from immichvr_common.worker import Worker

log = get_log(__name__)

Register = Callable[[grpc.aio.Server, Pool, ObjectStore], None]


@dataclass(frozen=True)
class ServiceSpec:
    """What a worker service is; which kinds of jobs it does, and how, the catalogue says.

    capability: what its children do, `module:function`. register: adds its gRPC servicers; rpc_names: their full names.
    warm: what a child makes ready ahead in steps while no task waits, `module:function` that gives an iterator of them.
    batch_key: what tasks have in common that the
    capability does together, empty for the others; without it, none are. starts_child: whether a child is there before
    the first task; without it, who never asks has the memory of one process less. aftermath: how what a cancelled job
    began elsewhere is ended.
    """

    capability: str
    register: Register | None = None
    rpc_names: tuple[str, ...] = ()
    warm: str = ""
    batch_key: Callable[[Task], str] | None = None
    starts_child: bool = True
    aftermath: Aftermath | None = None


async def serve(spec: ServiceSpec, settings: WorkerSettings, first: Child | None = None) -> None:
    """Runs a worker service until SIGTERM or SIGINT.

    first: a child that was started ahead, of the same capability.
    """
    configure_logs(settings.log_level, settings.log_json, settings.service, secrets_in(settings))
    begin_tracing(settings.tracing, settings.service)
    with own_folder(settings.work.directory):
        await _serve(spec, settings, first)


async def _serve(spec: ServiceSpec, settings: WorkerSettings, first: Child | None) -> None:
    serve_metrics(settings.metrics, settings.service)
    watch_disk("work", Path(tempfile.gettempdir()))
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stopping.set)
    work = settings.work
    kinds = kinds_of(SERVICES[settings.service].name)
    background = frozenset(kind.name for kind in kinds if kind.in_background)
    supervisor = Supervisor()
    children = ChildPool(
        spec.capability, work.children, work.idle_s, work.memory_mb, spec.warm, background, supervisor=supervisor
    )
    if first is not None:
        children.adopt(first)
    pool: ChildPool | BatchingPool = children
    if spec.batch_key is not None:
        most = work.batch or (max((kind.gpu_batch for kind in kinds), default=1) if work.pool == GPU else 1)
        pool = BatchingPool(children, spec.batch_key, most, work.children)
    store = ObjectStore(settings.s3)
    rpc = None
    if spec.starts_child:
        supervisor.errand("first child", children.warm())
    supervisor.keep("temporary files", partial(keep_clean, work.directory))
    try:
        if settings.rpc.port is not None:
            rpc = _rpc_or_exit(spec, settings, pool, store)
            rpc.is_well = lambda: "jobs" not in supervisor.down
            await rpc.start()
            log.info("gRPC listens", port=rpc.port, callers=sorted(settings.rpc.callers))
        await _work_until(stopping, settings, pool, store, supervisor, spec.aftermath)
    finally:
        await supervisor.stop()
        if rpc is not None:
            await rpc.stop(work.stop_grace_s)
        pool.close()
        store.close()


def _rpc_or_exit(spec: ServiceSpec, settings: WorkerSettings, pool: Pool, store: ObjectStore) -> RpcServer:
    def register(server: grpc.aio.Server) -> None:
        if spec.register is not None:
            spec.register(server, pool, store)

    try:
        return RpcServer(settings.rpc, register, [*spec.rpc_names])
    except (ValueError, RuntimeError) as error:
        sys.exit(f"immichvr-{settings.service}: gRPC: {error}")


async def _work_until(
    stopping: asyncio.Event, settings: WorkerSettings, pool: Pool, store: ObjectStore, supervisor: Supervisor,
    aftermath: Aftermath | None,
) -> None:  # fmt: skip
    bus = await _connected_unless(stopping, settings)
    if bus is None:
        return
    worker = Worker(settings.service, bus, store, pool, settings.work, supervisor, aftermath)
    supervisor.keep("jobs", worker.run)
    log.info("taking jobs", pool=settings.work.pool)
    await stopping.wait()
    await worker.stop()
    await bus.close()


async def _connected_unless(stopping: asyncio.Event, settings: WorkerSettings) -> Bus | None:
    """The connection to NATS, waited for as long as it takes; None where the service is told to stop before."""
    stopped = asyncio.create_task(stopping.wait())
    connecting = asyncio.create_task(connect_patiently(settings.nats, settings.service))
    await asyncio.wait({stopped, connecting}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if connecting.done():
        return connecting.result()
    connecting.cancel()
    await asyncio.gather(connecting, return_exceptions=True)
    return None
