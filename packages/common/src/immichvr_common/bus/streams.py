"""Which streams and buckets exist, and how subjects are spelled.

The gateway (or an init job) makes them; workers, which may be scaled to zero, only use them.
"""

from __future__ import annotations

from dataclasses import replace

from immichvr_catalog import CLASSES, POOLS, workers
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

from immichvr_common.bus.connection import Bus
from immichvr_common.bus.faults import translated
from immichvr_common.bus.subjects import PUBLISHED

JOBS, EVENTS, DEAD, HOOKS = "JOBS", "EVENTS", "DEAD", "HOOKS"
CANCELS, KV_JOBS, KV_ASSETS, KV_STATE, KV_ANSWERS = "cancels", "jobs", "assets", "state", "answers"
MAX_DELIVER = 64
"""Deliveries before NATS gives a job up. Most of them may be of a job that workers merely held when they ended."""

DUPLICATES_S = 120
"""For so long NATS remembers the names of messages in JOBS and EVENTS, and drops another of the same name."""
_HOUR, _DAY = 3600, 24 * 3600
_BY_ITSELF = {"max_waiting": 512, "num_replicas": 0}
"""What nats-server sets of a consumer where nobody does."""
_ELSEWHERE = {"name", "metadata", "pause_until"}
"""What is said of a consumer otherwise than by its configuration here: `pause` says until when it is paused."""
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
            duplicate_window=DUPLICATES_S,
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
            duplicate_window=DUPLICATES_S,
            allow_direct=True,
        ),
        StreamConfig(
            name=DEAD,
            subjects=["dead.>", *_ADVISORIES],
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            max_age=30 * _DAY,
        ),
        StreamConfig(
            name=HOOKS,
            subjects=["hooks.>"],
            retention=RetentionPolicy.WORK_QUEUE,
            storage=StorageType.FILE,
            max_age=2 * _DAY,
            max_msgs=100_000,  # bytes would be reserved, which a small store has not
            # A subject is a webhook's: what floods one drops the oldest of its own.
            max_msgs_per_subject=2000,
            duplicate_window=_HOUR,
        ),
    ]


def consumer_configs(ack_wait_s: float) -> list[ConsumerConfig]:
    """One durable per service, pool and class."""
    return [
        ConsumerConfig(
            durable_name=durable_name(service.subject, pool, job_class),
            filter_subject=f"jobs.{service.subject}.{pool}.{job_class}.>",
            ack_policy=AckPolicy.EXPLICIT,
            deliver_policy=DeliverPolicy.ALL,
            ack_wait=ack_wait_s,
            max_deliver=MAX_DELIVER,
            max_ack_pending=1024,
        )
        for service in workers()
        for pool in POOLS
        for job_class in CLASSES
    ]


def bucket_configs() -> list[KeyValueConfig]:
    """The buckets as they shall be."""
    return [
        KeyValueConfig(bucket=CANCELS, ttl=_DAY, direct=True),
        KeyValueConfig(bucket=KV_JOBS, history=1, ttl=90 * _DAY, direct=True),
        KeyValueConfig(bucket=KV_ASSETS, history=1, direct=True),
        KeyValueConfig(bucket=KV_STATE, history=8, direct=True),
        KeyValueConfig(bucket=KV_ANSWERS, history=1, ttl=_DAY, direct=True),
    ]


async def ensure_streams(bus: Bus, ack_wait_s: float = 30) -> None:
    """Makes every stream, durable and bucket, or brings them up to date. Safe to call again. Raises Unavailable."""
    with translated("the streams"):
        for config in stream_configs():
            await _ensure_stream(bus.js, config)
        # Making one that is there costs NATS more than telling of all of them.
        there = {one.name: one.config for one in await bus.consumers(JOBS)}
        for consumer in consumer_configs(ack_wait_s):
            if not _is_as_wanted(there.get(str(consumer.durable_name)), consumer):
                await bus.js.add_consumer(JOBS, consumer)
        for bucket in bucket_configs():
            await _ensure_bucket(bus.js, bucket)


def _is_as_wanted(there: ConsumerConfig | None, wanted: ConsumerConfig) -> bool:
    """Whether a consumer is as it shall be: what is not said of it is as the server has it by itself."""
    if there is None:
        return False
    found = {name: value for name, value in there.as_dict().items() if name not in _ELSEWHERE}
    return found == {**_BY_ITSELF, **wanted.as_dict()}


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
