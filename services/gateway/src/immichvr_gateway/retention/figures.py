"""What a pass found, for people and for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from prometheus_client import Counter, Gauge
from pydantic import BaseModel, Field

from immichvr_gateway.retention.collector import Report

_KEPT_OBJECTS = Gauge("immichvr_stored_objects", "Objects in storage that stay, at the last look", ["prefix"])
_KEPT_BYTES = Gauge("immichvr_stored_bytes", "Bytes of the objects in storage that stay", ["prefix"])
_DUE_OBJECTS = Gauge("immichvr_removable_objects", "Objects that went, or would go, at the last look", ["why"])
_DUE_BYTES = Gauge("immichvr_removable_bytes", "Bytes of the objects that went, or would go", ["why"])
_REMOVED = Counter("immichvr_removed_objects_total", "Objects that were removed from storage", ["why"])


class Figures(BaseModel):
    """A number of objects and their bytes."""

    objects: int
    bytes: int


class StorageFigures(BaseModel):
    """What lies in storage, as the last look found it."""

    looked_at: datetime | None = Field(description="by storage's own clock; null before the first look")
    dry_run: bool = Field(description="whether what would go stays all the same")
    kept: dict[str, Figures] = Field(examples=[{"splats": {"objects": 9, "bytes": 70_000_000}}])
    gone: dict[str, Figures] = Field(
        description="what went, or would go, by why; what ends in -soon goes when its grace is over",
        examples=[{"replaced": {"objects": 3, "bytes": 36_000_000}}],
    )
    users: dict[str, dict[str, Figures]] = Field(
        {}, description="the same as in kept, by whose photos it was made of; nobody's where that is not known",
        examples=[{"0c1d2e3f": {"splats": {"objects": 3, "bytes": 20_000_000}}}],
    )  # fmt: skip

    def of(self, user_id: str) -> dict[str, Figures]:
        """What was made of somebody's photos, by kind."""
        return self.users.get(user_id, {})


class StorageView(BaseModel):
    """What lies in storage, as the last look found it. kept, gone, users: for those who manage, else empty."""

    looked_at: datetime | None = Field(description="by storage's own clock; null before the first look")
    mine: dict[str, Figures] = Field(
        description="what was made of your photos, by kind", examples=[{"splats": {"objects": 3, "bytes": 20_000_000}}]
    )
    quota_bytes: int | None = Field(description="that batches may fill for each person; null where there is no end")
    dry_run: bool = Field(description="whether what would go stays all the same")
    kept: dict[str, Figures]
    gone: dict[str, Figures]
    users: dict[str, dict[str, Figures]]


def figures_of(report: Report, owners: Mapping[str, str], at: datetime | None, dry_run: bool) -> StorageFigures:
    """What a report comes to. owners: of sources, by their ids."""
    of_users: dict[str, dict[str, Figures]] = {}
    for source_id, tallies in report.of.items():
        mine = of_users.setdefault(owners.get(source_id, ""), {})
        for name, one in tallies.items():
            known = mine.get(name, Figures(objects=0, bytes=0))
            mine[name] = Figures(objects=known.objects + one.objects, bytes=known.bytes + one.bytes)
    kept = {name: Figures(objects=one.objects, bytes=one.bytes) for name, one in sorted(report.kept.items())}
    gone = {name: Figures(objects=one.objects, bytes=one.bytes) for name, one in sorted(report.gone.items())}
    return StorageFigures(looked_at=at, dry_run=dry_run, kept=kept, gone=gone, users=of_users)


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
