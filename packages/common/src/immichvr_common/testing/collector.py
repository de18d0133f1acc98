"""A collector of spans in memory: what is sent to it by OTLP over HTTP can be looked at."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Collected:
    """A span as it arrived. service: whose it is; ids are hex digits."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, str]
    error: str


class Collector:
    """url: where spans are to be sent; spans: those that have come; paths: where they were posted."""

    def __init__(self, url: str) -> None:
        self.url, self.spans, self.paths = url, list[Collected](), set[str]()

    def take(self, path: str, body: bytes) -> None:
        """Takes in what was posted."""
        self.paths.add(path)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {one.key: one.value.string_value for one in resource.resource.attributes}
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                self.spans.append(
                    Collected(
                        named["service.name"], span.name, span.trace_id.hex(), span.span_id.hex(),
                        span.parent_span_id.hex(), {one.key: one.value.string_value for one in span.attributes},
                        span.status.message,
                    )
                )  # fmt: skip


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a free port, as long as the block lasts."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # http.server's spelling
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.take(self.path, gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Is quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
