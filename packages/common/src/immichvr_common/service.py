"""A worker service as a process: metrics, gRPC, jobs, and a clean end."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable

import grpc

from immichvr_common.batches import BatchingPool
from immichvr_common.bus.connection import Bus, connect
from immichvr_common.children import Child
from immichvr_common.errors import Unavailable
from immichvr_common.logs import configure_logs, get_log
from immichvr_common.metrics import serve_metrics
from immichvr_common.processes import ChildPool
from immichvr_common.rpc import RpcServer
from immichvr_common.scratch import keep_clean, own_folder
from immichvr_common.settings import NatsSettings, WorkerSettings
from immichvr_common.storage import ObjectStore
from immichvr_common.tasks import Task
from immichvr_common.worker import Worker

log = get_log(__name__)

Register = Callable[[grpc.aio.Server, ChildPool, ObjectStore], None]
_GPU_BATCH = 4


def _never_together(task: Task) -> str:
    return ""


async def serve(
    settings: WorkerSettings,
    target: str,
    register: Register | None = None,
    rpc_names: list[str] | None = None,
    warm: str = "",
    aside: frozenset[str] = frozenset(),
    together: Callable[[Task], str] = _never_together,
    first: Child | None = None,
) -> None:
    """Runs a worker service until SIGTERM or SIGINT.

    target: the capability, `module:function`. register: adds the service's gRPC servicer. warm: what a child calls
    before its first task, `module:function`; the first child starts with the service.
    aside: kinds of jobs that wait rather than compute, done beside the others. together: what tasks have in common
    that the capability does together, see `batches`. first: a child that was started ahead, of the same capability.
    """
    configure_logs(settings.log_level, settings.log_json, settings.service)
    with own_folder(settings.work.directory):
        await _serve(settings, target, register, rpc_names or [], warm, aside, together, first)


async def _serve(
    settings: WorkerSettings,
    target: str,
    register: Register | None,
    rpc_names: list[str],
    warm: str,
    aside: frozenset[str],
    together: Callable[[Task], str],
    first: Child | None,
) -> None:
    serve_metrics(settings.metrics)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stopping.set)
    work = settings.work
    most = work.batch or (_GPU_BATCH if work.pool == "gpu" else 1)
    pool = BatchingPool(target, work.children, work.idle_s, work.memory_mb, warm, aside, key=together, most=most)
    if first is not None:
        pool.adopt(first)
    store = ObjectStore(settings.s3)
    rpc = None
    warming = asyncio.create_task(pool.warm())
    cleaning = asyncio.create_task(keep_clean(work.directory))
    try:
        if settings.rpc.port is not None:
            rpc = _rpc_or_exit(settings, lambda one: register(one, pool, store) if register else None, rpc_names or [])
            await rpc.start()
            log.info("gRPC listens", port=rpc.port, callers=sorted(settings.rpc.callers))
        await _work_until(stopping, settings, pool, store)
    finally:
        warming.cancel()
        cleaning.cancel()
        await asyncio.gather(warming, cleaning, return_exceptions=True)
        if rpc is not None:
            await rpc.stop(work.stop_grace_s)
        pool.close()
        store.close()


def _rpc_or_exit(settings: WorkerSettings, register: Callable[[grpc.aio.Server], None], names: list[str]) -> RpcServer:
    try:
        return RpcServer(settings.rpc, register, names)
    except (ValueError, RuntimeError) as error:
        sys.exit(f"immichvr-{settings.service}: gRPC: {error}")


async def _work_until(stopping: asyncio.Event, settings: WorkerSettings, pool: ChildPool, store: ObjectStore) -> None:
    stopped = asyncio.create_task(stopping.wait())
    connecting = asyncio.create_task(connect_patiently(settings.nats, settings.service))
    await asyncio.wait({stopped, connecting}, return_when=asyncio.FIRST_COMPLETED)
    if not connecting.done():
        connecting.cancel()
        return
    bus: Bus = connecting.result()
    worker = Worker(settings.service, bus, store, pool, settings.work)
    working = asyncio.create_task(worker.run())
    log.info("taking jobs", pool=settings.work.pool)
    await asyncio.wait({stopped, working}, return_when=asyncio.FIRST_COMPLETED)
    if working.done():
        working.result()
    await worker.stop()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await bus.close()


async def connect_patiently(settings: NatsSettings, name: str) -> Bus:
    """Connects to NATS, waiting for it as long as it takes."""
    delay = 0.2
    while True:
        try:
            return await connect(settings, name)
        except Unavailable as error:
            log.warning("waiting for NATS", error=error.message)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 3)
