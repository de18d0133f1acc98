"""Spans: within what they are, where they go, and that nothing is recorded where nobody wants them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from immichvr_common.processes import child
from immichvr_common.processes.pool import ChildPool
from immichvr_common.tasks import Task
from immichvr_common.testing.collector import collecting
from immichvr_common.trace import new_traceparent, trace_id
from immichvr_common.tracing import Done, record, send_spans_to, span, within

TRIAL = "immichvr_common.testing.trial:perform"
TRACE = f"00-{'ab' * 16}-{'cd' * 8}-01"
UNSAMPLED = f"00-{'ab' * 16}-{'cd' * 8}-00"


@pytest.fixture
def spans() -> Iterator[list[Done]]:
    """What is recorded meanwhile."""
    found: list[Done] = []
    send_spans_to(found.append)
    yield found
    send_spans_to(None)


def test_a_span_is_within_what_its_caller_names_and_what_is_done_in_it_within_that(spans: list[Done]) -> None:
    with span("outer", TRACE, "server") as outer, span("inner", size=3):
        assert within().startswith(f"00-{'ab' * 16}-")
    inner, told = spans
    assert (inner.name, inner.trace_id, inner.attributes) == ("inner", "ab" * 16, {"size": 3})
    assert (told.name, told.parent_id, told.kind) == ("outer", "cd" * 8, "server")
    assert inner.parent_id == told.span_id == outer.traceparent[36:52]
    assert told.began_ns <= inner.began_ns <= inner.ended_ns <= told.ended_ns
    assert within() == ""


def test_a_span_that_fails_says_by_what(spans: list[Done]) -> None:
    with pytest.raises(KeyError), span("failing", TRACE):
        raise KeyError("secret")
    assert spans[0].error == "KeyError"
    assert "secret" not in repr(spans[0])


def test_nothing_is_recorded_within_nothing_or_where_nobody_looks(spans: list[Done]) -> None:
    for parent in ("", "not a trace", UNSAMPLED, f"00-{'0' * 32}-{'cd' * 8}-01"):
        with span("one", parent):
            record("other", parent, 1, 2)
    assert spans == []
    with span("a request", "not a trace", "server"):
        pass
    assert [one.parent_id for one in spans] == [""]
    send_spans_to(None)
    with span("unwanted", TRACE):
        assert within() == ""
    assert len(spans) == 1


async def test_what_a_child_does_is_within_what_its_parent_asked_for(spans: list[Done], tmp_path: Path) -> None:
    pool = ChildPool(TRIAL)
    task = Task("depth", {"do": "sleep", "seconds": 0.0}, {}, tmp_path, traceparent=TRACE)
    await pool.run(task, lambda *_: None, 60)
    [done] = spans
    assert (done.name, done.trace_id, done.parent_id) == ("depth in a child", "ab" * 16, "cd" * 8)
    assert done.attributes["pid"] != os.getpid()
    await pool.run(Task("depth", {"do": "sleep", "seconds": 0.0}, {}, tmp_path), lambda *_: None, 60)
    assert len(spans) == 1
    pool.close()


async def test_a_child_of_who_records_nothing_records_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Done] = []
    monkeypatch.setattr(child, "pass_on", heard.append)
    pool = ChildPool(TRIAL)
    task = Task("depth", {"do": "sleep", "seconds": 0.0}, {}, tmp_path, traceparent=TRACE)
    await pool.run(task, lambda *_: None, 60)
    # Words come in their order: the answer after the span, were there one.
    assert heard == []
    pool.close()


_SENDER = """
import sys
from immichvr_common.otlp import TracingSettings, begin_tracing
from immichvr_common.tracing import span
begin_tracing(TracingSettings(endpoint=sys.argv[1]), "toy-maker")
with span("making", sys.argv[2], "consumer", job_id="toy-1") as one:
    one.error = "out_of_wood"
    with span("carving"):
        pass
"""


def test_spans_reach_a_collector_before_the_process_ends() -> None:
    trace = new_traceparent()
    with collecting() as collector:
        subprocess.run([sys.executable, "-c", _SENDER, f"{collector.url}/", trace], check=True, timeout=60)
    carving, making = collector.spans
    assert (collector.paths, making.service) == ({"/v1/traces"}, "immichvr-toy-maker")
    assert making.trace_id == carving.trace_id == trace_id(trace)
    assert (making.parent_id, carving.parent_id) == (trace[36:52], making.span_id)
    assert (making.error, making.attributes) == ("out_of_wood", {"job_id": "toy-1"})


def test_who_traces_nothing_imports_nothing_of_opentelemetry() -> None:
    code = "import sys, immichvr_common.service; sys.exit(any(one.startswith('opentelemetry') for one in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
