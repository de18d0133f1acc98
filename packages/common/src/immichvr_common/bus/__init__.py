"""The bus: jobs, events and small state on NATS JetStream."""

from immichvr_common.bus.buckets import Bucket, read_bucket
from immichvr_common.bus.connection import Bus, connect
from immichvr_common.bus.pull import Puller
from immichvr_common.bus.streams import CLASSES, POOLS, durable_name, ensure_streams, job_subject

__all__ = [
    "CLASSES",
    "POOLS",
    "Bucket",
    "Bus",
    "Puller",
    "connect",
    "durable_name",
    "ensure_streams",
    "job_subject",
    "read_bucket",
]
