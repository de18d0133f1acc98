"""What a pass found, for people and for Prometheus."""

from __future__ import annotations

from datetime import datetime

from prometheus_client import Counter, Gauge
from pydantic import BaseModel, Field

from immichvr_gateway.retention.collector import Report

_KEPT_OBJECTS = Gauge("immichvr_stored_objects", "Objects in storage that stay, at the last look", ["prefix"])
_KEPT_BYTES = Gauge("immichvr_stored_bytes", "Their bytes", ["prefix"])
_DUE_OBJECTS = Gauge("immichvr_removable_objects", "Objects that went, or would go, at the last look", ["why"])
_DUE_BYTES = Gauge("immichvr_removable_bytes", "Their bytes", ["why"])
_REMOVED = Counter("immichvr_removed_objects_total", "Objects that were removed from storage", ["why"])


class Figures(BaseModel):
    """A number of objects and their bytes."""

    objects: int
    bytes: int


class StorageView(BaseModel):
    """What lies in storage, as the last look found it."""

    looked_at: datetime | None = Field(description="by storage's own clock; null before the first look")
    dry_run: bool = Field(description="whether what would go stays all the same")
    kept: dict[str, Figures] = Field(examples=[{"splats": {"objects": 9, "bytes": 70_000_000}}])
    gone: dict[str, Figures] = Field(
        description="what went, or would go, by why; what ends in -soon goes when its grace is over",
        examples=[{"replaced": {"objects": 3, "bytes": 36_000_000}}],
    )


def view_of(report: Report, at: datetime | None, dry_run: bool) -> StorageView:
    """A report as it is shown."""
    kept = {name: Figures(objects=one.objects, bytes=one.bytes) for name, one in sorted(report.kept.items())}
    gone = {name: Figures(objects=one.objects, bytes=one.bytes) for name, one in sorted(report.gone.items())}
    return StorageView(looked_at=at, dry_run=dry_run, kept=kept, gone=gone)


def tell(report: Report, dry_run: bool) -> None:
    """Sets what Prometheus reads."""
    for gauge in (_KEPT_OBJECTS, _KEPT_BYTES, _DUE_OBJECTS, _DUE_BYTES):
        gauge.clear()
    for name, tally in report.kept.items():
        _KEPT_OBJECTS.labels(name).set(tally.objects)
        _KEPT_BYTES.labels(name).set(tally.bytes)
    for name, tally in report.gone.items():
        _DUE_OBJECTS.labels(name).set(tally.objects)
        _DUE_BYTES.labels(name).set(tally.bytes)
        if not dry_run and not name.endswith("-soon"):
            _REMOVED.labels(name).inc(tally.objects)
