"""Which streams and buckets exist, and how subjects are spelled.

The gateway (or an init job) makes them; workers, which may be scaled to zero, only use them.
"""

from __future__ import annotations

from dataclasses import replace

from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    KeyValueConfig,
    RePublish,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import BadRequestError, NotFoundError

from immichvr_common.bus.subjects import PUBLISHED

JOBS, EVENTS, DEAD = "JOBS", "EVENTS", "DEAD"
CANCELS, KV_JOBS, KV_ASSETS, KV_STATE = "cancels", "jobs", "assets", "state"
SERVICES = ("ai", "converter")
MODEL_SERVICE = "ai"
"""The service that downloads and runs models."""
POOLS = ("cpu", "gpu")
CLASSES = ("interactive", "batch")
MAX_DELIVER = 64
"""Deliveries before NATS gives a job up. Most of them may be of a job that workers merely held when they ended."""

_DAY = 24 * 3600
_ADVISORIES = [
    f"$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.{JOBS}.>",
    f"$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.{JOBS}.>",
]


def job_subject(service: str, pool: str, job_class: str, kind: str, job_id: str) -> str:
    """Where a job lies in the stream JOBS; one message per subject makes it unique."""
    return f"jobs.{service}.{pool}.{job_class}.{kind}.{job_id}"


def durable_name(service: str, pool: str, job_class: str) -> str:
    """The one consumer that all workers of a service, pool and class share."""
    return f"{service}-{pool}-{job_class}"


def stream_configs() -> list[StreamConfig]:
    """The streams as they shall be."""
    return [
        StreamConfig(
            name=JOBS,
            subjects=["jobs.>"],
            retention=RetentionPolicy.WORK_QUEUE,
            storage=StorageType.FILE,
            discard=DiscardPolicy.NEW,
            discard_new_per_subject=True,
            max_msgs_per_subject=1,
            duplicate_window=120,
            allow_direct=True,
            # What was published can be known after it was done, without asking whoever did it.
            republish=RePublish(src="jobs.>", dest=f"{PUBLISHED}.>"),
        ),
        StreamConfig(
            name=EVENTS,
            subjects=["events.>"],
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            max_age=7 * _DAY,
            duplicate_window=120,
            allow_direct=True,
        ),
        StreamConfig(
            name=DEAD,
            subjects=["dead.>", *_ADVISORIES],
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            max_age=30 * _DAY,
        ),
    ]


def consumer_configs(ack_wait_s: float) -> list[ConsumerConfig]:
    """One durable per service, pool and class."""
    return [
        ConsumerConfig(
            durable_name=durable_name(service, pool, job_class),
            filter_subject=f"jobs.{service}.{pool}.{job_class}.>",
            ack_policy=AckPolicy.EXPLICIT,
            deliver_policy=DeliverPolicy.ALL,
            ack_wait=ack_wait_s,
            max_deliver=MAX_DELIVER,
            max_ack_pending=1024,
        )
        for service in SERVICES
        for pool in POOLS
        for job_class in CLASSES
    ]


async def ensure_streams(js: JetStreamContext, ack_wait_s: float = 30) -> None:
    """Makes every stream, durable and bucket, or brings them up to date. Safe to call again."""
    for config in stream_configs():
        await _ensure_stream(js, config)
    for consumer in consumer_configs(ack_wait_s):
        await js.add_consumer(JOBS, consumer)
    await _ensure_bucket(js, KeyValueConfig(bucket=CANCELS, ttl=_DAY, direct=True))
    await _ensure_bucket(js, KeyValueConfig(bucket=KV_JOBS, history=1, ttl=90 * _DAY, direct=True))
    await _ensure_bucket(js, KeyValueConfig(bucket=KV_ASSETS, history=1, direct=True))
    await _ensure_bucket(js, KeyValueConfig(bucket=KV_STATE, history=8, direct=True))


async def _ensure_stream(js: JetStreamContext, config: StreamConfig) -> None:
    try:
        await js.add_stream(config)
    except BadRequestError as error:
        # 10058: a stream of that name exists with another configuration.
        if error.err_code != 10058:
            raise
        await js.update_stream(config)


async def _ensure_bucket(js: JetStreamContext, config: KeyValueConfig) -> None:
    try:
        await js.key_value(config.bucket)
    except NotFoundError:
        await js.create_key_value(replace(config, storage=StorageType.FILE))
