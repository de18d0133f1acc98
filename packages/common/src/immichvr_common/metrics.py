"""What Prometheus may ask every service, on a port of its own."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram, start_http_server

from immichvr_common.settings import MetricsSettings

JOBS = Counter("immichvr_jobs_total", "Jobs that ended, by outcome", ["service", "kind", "outcome"])
IN_FLIGHT = Gauge("immichvr_jobs_in_flight", "Jobs being worked on", ["service"])
QUEUE_AGE = Histogram(
    "immichvr_job_queue_seconds",
    "From the request to the start of the work",
    ["service", "kind"],
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300, 1800),
)
PHASE = Histogram(
    "immichvr_phase_seconds",
    "Time in each phase of a job",
    ["service", "kind", "phase"],
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300),
)
BYTES = Counter("immichvr_storage_bytes_total", "Bytes to and from S3", ["direction"])
RPC = Histogram(
    "immichvr_rpc_seconds",
    "gRPC calls, by method and status",
    ["method", "status"],
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60),
)


def serve_metrics(settings: MetricsSettings) -> None:
    """Opens the metrics port, where one is set."""
    if settings.port is not None:
        start_http_server(settings.port, addr=settings.host)
