"""Metrics answer on a port of their own."""

import urllib3
from immichvr_common import metrics
from immichvr_common.embedded import free_ports
from immichvr_common.settings import MetricsSettings
from pydantic import SecretStr


def test_metrics_answer_on_their_own_port_and_only_where_one_is_set() -> None:
    port = free_ports(1)[0]
    metrics.serve_metrics(MetricsSettings())
    metrics.serve_metrics(MetricsSettings(port=port))
    metrics.JOBS.labels("asked-about-here", "splat", "succeeded").inc()
    text = urllib3.request("GET", f"http://127.0.0.1:{port}/metrics").data.decode()
    assert 'immichvr_jobs_total{kind="splat",outcome="succeeded",service="asked-about-here"} 1.0' in text
    for name in (
        "immichvr_phase_seconds",
        "immichvr_job_queue_seconds",
        "immichvr_jobs_in_flight",
        "immichvr_storage_bytes_total",
    ):
        assert f"# TYPE {name}" in text or f"# TYPE {name.removesuffix('_total')}" in text


def test_metrics_with_a_token_are_for_who_shows_it() -> None:
    port = free_ports(1)[0]
    metrics.serve_metrics(MetricsSettings(port=port, token=SecretStr("the token")))

    def ask(**headers: str) -> urllib3.BaseHTTPResponse:
        return urllib3.request("GET", f"http://127.0.0.1:{port}/metrics", headers=headers)

    for headers in ({}, {"Authorization": "Bearer another"}, {"Authorization": "Basic dGhlIHRva2Vu"}):
        answer = ask(**headers)
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert b"immichvr_" not in answer.data
    assert b"# TYPE immichvr_jobs_total" in ask(Authorization="Bearer the token").data
