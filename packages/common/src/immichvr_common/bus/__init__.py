"""The bus: jobs, events and small state on NATS JetStream."""

from immichvr_common.bus.buckets import Bucket, read_bucket
from immichvr_common.bus.connection import Bus, connect, connect_patiently
from immichvr_common.bus.faults import BusFull
from immichvr_common.bus.kv import Kept, KeyValueStore
from immichvr_common.bus.messages import BusMessage, Delivery, Stored
from immichvr_common.bus.pull import Puller
from immichvr_common.bus.streams import durable_name, ensure_streams, job_subject

__all__ = [
    "Bucket",
    "Bus",
    "BusFull",
    "BusMessage",
    "Delivery",
    "Kept",
    "KeyValueStore",
    "Puller",
    "Stored",
    "connect",
    "connect_patiently",
    "durable_name",
    "ensure_streams",
    "job_subject",
    "read_bucket",
]
