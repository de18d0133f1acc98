"""Writes what is made of the metrics, docs/metrics.md and the dashboard; with --check only tells which differ.

The metrics are those that the modules of the gateway and of the workers declare.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import immichvr_common.service  # noqa: F401  # with it comes what workers declare
import immichvr_gateway.running  # noqa: F401  # and with this a gateway's
import yaml
from prometheus_client.metrics import MetricWrapperBase

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/metrics.md"
RULES = ROOT / "helm/immichvr/files/rules/immichvr.yaml"
DASHBOARD = ROOT / "helm/immichvr/files/dashboards/immichvr.json"
_TABLE = re.compile(r"(<!-- metrics: (\w+) -->\n).*?(\n<!-- end -->)", re.DOTALL)
_NAMED = re.compile(r"\bimmichvr_\w+")
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


@dataclass(frozen=True)
class Declared:
    """A metric. name: without what Prometheus adds; samples: the names under which it is asked for."""

    name: str
    kind: str
    labels: tuple[str, ...]
    words: str
    of_gateway: bool

    @property
    def samples(self) -> tuple[str, ...]:
        return tuple(f"{self.name}{suffix}" for suffix in _SUFFIXES[self.kind])


def declared() -> list[Declared]:
    """Every metric of ours, by name."""
    found: dict[str, Declared] = {}
    for module in sorted(name for name in sys.modules if name.startswith("immichvr_")):
        for value in vars(sys.modules[module]).values():
            if isinstance(value, MetricWrapperBase):
                [metric] = value.describe()
                # The client tells of a metric's labels only with its values.
                labels, of_gateway = tuple(value._labelnames), module.startswith("immichvr_gateway")
                known = found.get(metric.name)
                of_gateway = of_gateway and (known is None or known.of_gateway)
                found[metric.name] = Declared(metric.name, metric.type, labels, metric.documentation, of_gateway)
    return [found[name] for name in sorted(found)]


def unknown(text: str) -> set[str]:
    """The metrics that a text names and that there are not."""
    return set(_NAMED.findall(text)) - {sample for one in declared() for sample in one.samples}


def table(what: str) -> Iterator[str]:
    """The rows of one table of the page."""
    if what == "alerts":
        yield "| alert | severity | after | it says |"
        yield "|---|---|---|---|"
        for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]:
            summary = re.sub(r"\{\{ \$labels\.(\w+) \}\}", r"‹\1›", rule["annotations"]["summary"])
            yield f"| `{rule['alert']}` | {rule['labels']['severity']} | {rule.get('for', 'at once')} | {summary} |"
        return
    yield "| metric | kind | labels | what it is |"
    yield "|---|---|---|---|"
    for one in declared():
        if one.of_gateway is (what == "gateway"):
            name = one.samples[0] if one.kind == "counter" else one.name
            yield f"| `{name}` | {one.kind} | {', '.join(one.labels)} | {one.words} |"


def page(text: str) -> str:
    """The page with its tables as they should be."""
    return _TABLE.sub(lambda found: found[1] + "\n".join(table(found[2])) + found[3], text)


@dataclass(frozen=True)
class Panel:
    """One graph. queries: PromQL by the legend."""

    title: str
    unit: str
    queries: dict[str, str]
    width: int = 8


_LANE, _WAIT = "by (service, pool)", '{state="queued"}'
_OUTCOMES = 'sum by (outcome) (rate(immichvr_jobs_total{service=~"$service"}[$__rate_interval]))'


def _quantile(share: float, metric: str, by: str, only: str = "") -> str:
    return f"histogram_quantile({share}, sum by (le, {by}) (rate({metric}_bucket{only}[$__rate_interval])))"


_OURS = '{service=~"$service"}'
PANELS: dict[str, list[Panel]] = {
    "Queue": [
        Panel("Jobs that wait", "short", {
            "{{service}} {{pool}}": f"sum {_LANE} (max by (service, pool, class) (immichvr_queue_jobs{_WAIT}))"
        }),
        Panel("The oldest job that waits", "s", {
            "{{service}} {{pool}}": f"max {_LANE} (immichvr_queue_oldest_seconds)"
        }),
        Panel("Jobs under way", "short", {
            "{{service}} {{pool}}": f"sum {_LANE} (immichvr_jobs_in_flight{_OURS})"
        }),
    ],
    "Work": [
        Panel("Jobs that ended", "ops", {"{{outcome}}": _OUTCOMES}),
        Panel("From the request to the start", "s", {
            "{{kind}}, half": _quantile(0.5, "immichvr_job_queue_seconds", "kind", _OURS),
            "{{kind}}, 95 %": _quantile(0.95, "immichvr_job_queue_seconds", "kind", _OURS),
        }),
        Panel("Time in each phase, 95 %", "s", {
            "{{kind}} {{phase}}": _quantile(0.95, "immichvr_phase_seconds", "kind, phase", _OURS)
        }),
        Panel("Processes that died", "short", {
            "{{instance}} {{why}}": "sum by (instance, why) (increase(immichvr_child_deaths_total[$__rate_interval]))"
        }),
        Panel("Jobs that failed for good", "short", {"jobs": "max(immichvr_dead_jobs)"}),
        Panel("Messages set aside", "short", {
            "{{stream}} {{reason}}":
                "sum by (stream, reason) (increase(immichvr_messages_set_aside_total[$__rate_interval]))"
        }),
    ],
    "Models and live": [
        Panel("Models in memory", "bytes", {
            "{{model}} {{device}}": "sum by (model, device) (immichvr_model_memory_bytes)"
        }),
        Panel("Memory of GPUs", "bytes", {
            "{{instance}} {{device}} {{state}}": "max by (instance, device, state) (immichvr_gpu_memory_bytes)"
        }),
        Panel("Live sessions", "short", {"open": "sum(immichvr_live_sessions)"}),
    ],
    "Storage": [
        Panel("To and from S3", "Bps", {
            "{{direction}}": "sum by (direction) (rate(immichvr_storage_bytes_total[$__rate_interval]))"
        }),
        Panel("What is kept", "bytes", {"{{prefix}}": "max by (prefix) (immichvr_stored_bytes)"}),
        Panel("Room where files are written", "bytes", {
            "{{instance}} {{place}}": "min by (instance, place) (immichvr_disk_free_bytes)"
        }),
    ],
    "Around it": [
        Panel("Calls to Immich", "reqps", {
            "{{outcome}}": "sum by (outcome) (rate(immichvr_immich_request_seconds_count[$__rate_interval]))"
        }),
        Panel("Immich answers, 95 %", "s", {
            "{{method}}": _quantile(0.95, "immichvr_immich_request_seconds", "method")
        }),
        Panel("gRPC, 95 %", "s", {"{{method}}": _quantile(0.95, "immichvr_rpc_seconds", "method")}),
        Panel("Certificates end in", "s", {
            "{{instance}} {{certificate}}":
                "min by (instance, certificate) (immichvr_certificate_expiry_timestamp_seconds) - time()"
        }),
    ],
}  # fmt: skip
_HEIGHT, _SOURCE = 8, {"type": "prometheus", "uid": "${datasource}"}


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it."""
    panels: list[dict[str, Any]] = []
    y = 0
    for row, graphs in PANELS.items():
        place = {"x": 0, "y": y, "w": 24, "h": 1}
        panels.append({"id": len(panels) + 1, "type": "row", "title": row, "collapsed": False, "gridPos": place})
        y, x = y + 1, 0
        for graph in graphs:
            if x + graph.width > 24:
                x, y = 0, y + _HEIGHT
            panels.append(_graph(len(panels) + 1, graph, {"x": x, "y": y, "w": graph.width, "h": _HEIGHT}))
            x += graph.width
        y += _HEIGHT
    return {
        "title": "ImmichVR", "uid": "immichvr", "tags": ["immichvr"], "schemaVersion": 39, "version": 1,
        "editable": True, "refresh": "30s", "time": {"from": "now-6h", "to": "now"}, "timezone": "browser",
        "templating": {"list": [
            {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
            {
                "name": "service", "type": "query", "label": "service", "datasource": _SOURCE, "includeAll": True,
                "multi": True, "allValue": ".*", "refresh": 2, "current": {"text": ["All"], "value": ["$__all"]},
                "query": {"query": "label_values(immichvr_start_time_seconds, service)", "refId": "services"},
            },
        ]},
        "panels": panels,
    }  # fmt: skip


def _graph(number: int, graph: Panel, place: dict[str, int]) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + index), "datasource": _SOURCE, "expr": expr, "legendFormat": legend}
        for index, (legend, expr) in enumerate(graph.queries.items())
    ]
    return {
        "id": number, "type": "timeseries", "title": graph.title, "datasource": _SOURCE, "gridPos": place,
        "fieldConfig": {"defaults": {"unit": graph.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": targets,
    }  # fmt: skip


def main(check: bool) -> int:
    """Writes, or looks at, both; how many differed."""
    now = {PAGE: page(PAGE.read_text()), DASHBOARD: json.dumps(dashboard(), indent=1) + "\n"}
    differed = [one for one, text in now.items() if not one.exists() or one.read_text() != text]
    for one in differed:
        print(f"{one.relative_to(ROOT)} {'is not what the metrics make of it: run make generated' * check}".rstrip())
        if not check:
            one.write_text(now[one])
    return len(differed) if check else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
