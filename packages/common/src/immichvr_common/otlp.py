"""Sending spans to a collector by OTLP over HTTP, with OpenTelemetry's own SDK.

That is imported only where an address is configured. Beside ours, its own variables count: OTEL_EXPORTER_OTLP_HEADERS
for a collector that wants a credential, OTEL_RESOURCE_ATTRIBUTES for what names this deployment.
"""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from immichvr_common.tracing import Done, Kind, send_spans_to

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanContext

_PATH = "/v1/traces"
_PATIENCE_S = 5


class TracingSettings(BaseModel):
    """Where spans go; without an address none are recorded."""

    endpoint: str = Field("", pattern=r"^(https?://\S+)?$", description="OTLP over HTTP, like http://collector:4318")


class _Sending:
    """What sends this process's spans; None where nothing does."""

    processor: BatchSpanProcessor | None = None


def begin_tracing(settings: TracingSettings, service: str) -> None:
    """Has this process's spans sent, where an address is set; what is left is sent when it ends."""
    if not settings.endpoint:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": f"immichvr-{service}"})
    exporter = OTLPSpanExporter(settings.endpoint.rstrip("/") + _PATH, timeout=_PATIENCE_S)
    processor = _Sending.processor = BatchSpanProcessor(exporter)
    send_spans_to(lambda done: processor.on_end(readable(done, resource)))
    atexit.register(processor.shutdown)


def send_what_is_left() -> None:
    """Waits until what was recorded is sent, for a process that a signal ends before its own end; not for long."""
    if _Sending.processor is not None:
        _Sending.processor.force_flush(_PATIENCE_S * 1000)


def readable(done: Done, resource: Resource) -> ReadableSpan:
    """A span as OpenTelemetry's exporters take it."""
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.status import Status, StatusCode

    kinds: dict[Kind, SpanKind] = {
        "internal": SpanKind.INTERNAL, "server": SpanKind.SERVER, "client": SpanKind.CLIENT,
        "producer": SpanKind.PRODUCER, "consumer": SpanKind.CONSUMER,
    }  # fmt: skip
    return ReadableSpan(
        done.name,
        context=_context(done.trace_id, done.span_id),
        parent=_context(done.trace_id, done.parent_id) if done.parent_id else None,
        resource=resource,
        attributes=done.attributes,
        kind=kinds[done.kind],
        status=Status(StatusCode.ERROR, done.error) if done.error else Status(),
        start_time=done.began_ns,
        end_time=done.ended_ns,
        instrumentation_scope=InstrumentationScope("immichvr"),
    )


def _context(trace_id: str, span_id: str) -> SpanContext:
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(int(trace_id, 16), int(span_id, 16), False, TraceFlags(TraceFlags.SAMPLED))
