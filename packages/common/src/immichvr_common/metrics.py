"""What Prometheus may ask every service, on a port of its own."""

from __future__ import annotations

import hmac
import math
import socket
import threading
from collections.abc import Iterable
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import Counter, Gauge, Histogram, make_wsgi_app

from immichvr_common.disk import free_bytes
from immichvr_common.settings import MetricsSettings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

STARTED = Gauge("immichvr_start_time_seconds", "When the process began, in seconds since 1970", ["service"])
JOBS = Counter("immichvr_jobs_total", "Jobs that ended, by outcome", ["service", "pool", "kind", "outcome"])
IN_FLIGHT = Gauge("immichvr_jobs_in_flight", "Jobs that a worker holds", ["service", "pool"])
QUEUE_AGE = Histogram(
    "immichvr_job_queue_seconds",
    "From the request to the start of the work",
    ["service", "pool", "kind"],
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300, 1800),
)
PHASE = Histogram(
    "immichvr_phase_seconds",
    "Time in each phase of a job",
    ["service", "kind", "phase"],
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300),
)
BYTES = Counter("immichvr_storage_bytes_total", "Bytes to and from S3", ["direction"])
CHILD_DEATHS = Counter("immichvr_child_deaths_total", "Working processes that died at or before their work", ["why"])
MODEL_MEMORY = Gauge("immichvr_model_memory_bytes", "Weights of the models in memory", ["model", "device"])
DEVICE_MEMORY = Gauge("immichvr_gpu_memory_bytes", "Memory of the GPU, whoever uses it", ["device", "state"])
DISK_FREE = Gauge("immichvr_disk_free_bytes", "Room where files are written", ["place"])
EXPIRY = Gauge(
    "immichvr_certificate_expiry_timestamp_seconds", "When the certificate ends, in seconds since 1970", ["certificate"]
)
RPC = Histogram(
    "immichvr_rpc_seconds",
    "gRPC calls, by method and status",
    ["method", "status"],
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60),
)


def watch_disk(place: str, folder: Path) -> None:
    """From now on tells how much room there is where `folder` lies, by the name `place`."""
    DISK_FREE.labels(place).set_function(lambda: _room_of(folder))


def _room_of(folder: Path) -> float:
    try:
        return free_bytes(folder)
    except OSError:
        return math.nan


def certificate_ends(name: str, pem: bytes) -> None:
    """Tells when a certificate ends. pem: it, and those of its authorities. Raises ValueError."""
    from cryptography import x509  # most processes have no certificate of their own to look at

    EXPIRY.labels(name).set(x509.load_pem_x509_certificates(pem)[0].not_valid_after_utc.timestamp())


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[WSGIRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)


class _Handler(WSGIRequestHandler):
    timeout = 10

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the log to what happens to jobs."""


def serve_metrics(settings: MetricsSettings, service: str) -> None:
    """Opens the metrics port of a service's process, where one is set. Raises OSError where it is taken."""
    if settings.port is None:
        return
    STARTED.labels(service).set_to_current_time()
    server = _Server((settings.host, settings.port), _Handler)
    server.set_app(_asking_for(settings.token.get_secret_value(), make_wsgi_app()))
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


def _asking_for(token: str, application: WSGIApplication) -> WSGIApplication:
    """The application for who shows the token; for everybody where there is none."""
    wanted = f"Bearer {token}".encode()

    def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        given = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace")
        if token and not hmac.compare_digest(given, wanted):
            start_response("401 Unauthorized", [("WWW-Authenticate", "Bearer"), ("Content-Type", "text/plain")])
            return [b"metrics are for who shows their token\n"]
        return application(environ, start_response)

    return guarded
