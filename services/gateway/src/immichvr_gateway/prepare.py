"""Makes streams, durables, buckets and the bucket of storage: python -m immichvr_gateway.prepare.

The gateway does the same at its start. By itself it is for what comes before: KEDA asks about durables while no gateway
is there yet. It waits for NATS and S3, may be run again, and ends when all is there.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial

from immichvr_common.bus import connect_patiently, ensure_streams
from immichvr_common.errors import ServiceError
from immichvr_common.logs import configure_logs, get_log
from immichvr_common.retrying import until_up
from immichvr_common.storage import ObjectStore

from immichvr_gateway.settings import GatewaySettings

log = get_log(__name__)


async def prepare(settings: GatewaySettings) -> None:
    """Makes what is missing, and brings up to date what is there."""
    bus = await connect_patiently(settings.nats, "prepare")
    store = ObjectStore(settings.s3)
    try:
        make = partial(ensure_streams, bus, settings.lease_s)
        await until_up(make, "waiting for the streams", outage=(ServiceError,))
        await until_up(store.ensure_bucket, "waiting for S3", outage=(ServiceError,))
    finally:
        await bus.close()
        store.close()
    log.info("streams and bucket are there", bucket=settings.s3.bucket)


def main() -> None:
    """Does so by the environment's settings."""
    try:
        settings = GatewaySettings()
    except ValueError as error:
        sys.exit(f"immichvr-gateway: {error}")
    configure_logs(settings.log_level, settings.log_json, settings.service)
    asyncio.run(prepare(settings))


if __name__ == "__main__":
    main()
