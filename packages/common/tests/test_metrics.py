"""Metrics answer on a port of their own."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import urllib3
from immichvr_common import metrics
from immichvr_common.certificates import ensure_certificates
from immichvr_common.embedded import free_ports
from immichvr_common.settings import MetricsSettings
from prometheus_client import REGISTRY
from pydantic import SecretStr


def test_metrics_answer_on_their_own_port_and_only_where_one_is_set() -> None:
    port = free_ports(1)[0]
    metrics.serve_metrics(MetricsSettings(), "toy-maker")
    metrics.serve_metrics(MetricsSettings(port=port), "toy-maker")
    metrics.JOBS.labels("asked-about-here", "gpu", "splat", "succeeded").inc()
    text = urllib3.request("GET", f"http://127.0.0.1:{port}/metrics").data.decode()
    assert 'immichvr_jobs_total{kind="splat",outcome="succeeded",pool="gpu",service="asked-about-here"} 1.0' in text
    assert 'immichvr_start_time_seconds{service="toy-maker"} 1.' in text
    for name in (
        "immichvr_phase_seconds",
        "immichvr_job_queue_seconds",
        "immichvr_jobs_in_flight",
        "immichvr_storage_bytes_total",
    ):
        assert f"# TYPE {name}" in text or f"# TYPE {name.removesuffix('_total')}" in text


def test_the_end_of_a_certificate_and_the_room_on_a_disk_are_told(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, "toy-maker", datetime(2026, 1, 1, tzinfo=UTC))
    metrics.certificate_ends("toy", (tmp_path / "cert.pem").read_bytes())
    ends = REGISTRY.get_sample_value("immichvr_certificate_expiry_timestamp_seconds", {"certificate": "toy"}) or 0
    assert datetime.fromtimestamp(ends, UTC) > datetime(2026, 6, 1, tzinfo=UTC)
    metrics.watch_disk("toy", tmp_path)
    free = shutil.disk_usage(tmp_path).free
    told = REGISTRY.get_sample_value("immichvr_disk_free_bytes", {"place": "toy"}) or 0
    assert told == pytest.approx(free, rel=0.5)


def test_metrics_with_a_token_are_for_who_shows_it() -> None:
    port = free_ports(1)[0]
    metrics.serve_metrics(MetricsSettings(port=port, token=SecretStr("the token")), "toy-maker")

    def ask(**headers: str) -> urllib3.BaseHTTPResponse:
        return urllib3.request("GET", f"http://127.0.0.1:{port}/metrics", headers=headers)

    for headers in ({}, {"Authorization": "Bearer another"}, {"Authorization": "Basic dGhlIHRva2Vu"}):
        answer = ask(**headers)
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert b"immichvr_" not in answer.data
    assert b"# TYPE immichvr_jobs_total" in ask(Authorization="Bearer the token").data
