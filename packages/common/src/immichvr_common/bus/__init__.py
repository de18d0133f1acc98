"""The bus: jobs, events and small state on NATS JetStream."""

from immichvr_common.bus.connection import Bus, connect
from immichvr_common.bus.pull import Puller
from immichvr_common.bus.streams import CLASSES, POOLS, durable_name, ensure_streams, job_subject

__all__ = [
    "CLASSES",
    "POOLS",
    "Bus",
    "Puller",
    "connect",
    "durable_name",
    "ensure_streams",
    "job_subject",
]
