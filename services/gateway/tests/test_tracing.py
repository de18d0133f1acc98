"""One trace shows a photo's whole way: the request, the queue, the worker, its child, and what the gateway heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from immichvr_common.tracing import Done, send_spans_to

TRACE_ID, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def spans() -> Iterator[list[Done]]:
    """What is recorded meanwhile, in every process of the test."""
    found: list[Done] = []
    send_spans_to(found.append)
    yield found
    send_spans_to(None)


@pytest.fixture
async def workers(working: Callable[..., Any]) -> AsyncIterator[None]:
    """One worker each for the ai service and the converter, whose children do all of the work."""
    async with working("ai", apart=True), working("converter", apart=True):
        yield


async def recorded(spans: list[Done], *names: str) -> None:
    """Waits for spans of these names: one ends after what it told of its end was heard."""
    async with asyncio.timeout(20):
        while not {one.name for one in spans} >= set(names):  # noqa: ASYNC110  # nobody is told of it
            await asyncio.sleep(0.02)


def way_up(spans: list[Done], one: Done) -> list[str]:
    """The names of what a span is within, itself first."""
    by_id = {span.span_id: span for span in spans}
    names = [one.name]
    while (above := by_id.get(one.parent_id)) is not None:
        one = above
        names.append(one.name)
    return [*names, one.parent_id]


async def test_one_trace_shows_a_photos_whole_way(spans, gateway, workers, live) -> None:
    path = f"/api/photos/{gateway.ids['beach.jpg']}/splat"
    header = {"traceparent": f"00-{TRACE_ID}-{CALLER}-01"}
    answer = await gateway.client.post(path, json={"model": "lift-heuristic", "quality": "light"}, headers=header)
    assert answer.status_code == 202
    await live.job(answer.json()["job"]["id"])
    await recorded(spans, "job splat", "job convert", "hear of the end")

    ours = [one for one in spans if one.trace_id == TRACE_ID]
    first = {one.name: one for one in reversed(ours)}
    request = "POST /api/photos/{photo_id}/splat"
    assert way_up(ours, first[request]) == [request, CALLER]
    assert first[request].attributes["http.response.status_code"] == 202
    for name in ("stage", "publish", "job splat", "job convert", "hear of the end"):
        assert way_up(ours, first[name]) == [name, request, CALLER]
    for name in ("staged", "decoded", "stored", "splat in a child"):
        assert way_up(ours, first[name]) == [name, "job splat", request, CALLER]
    assert way_up(ours, first["convert in a child"]) == ["convert in a child", "job convert", request, CALLER]
    assert first["job splat"].attributes["outcome"] == "succeeded"
    assert all(one.began_ns <= one.ended_ns and one.error == "" for one in ours)

    assert "beach.jpg" not in repr(ours)


async def test_what_probes_ask_is_not_recorded(spans, gateway) -> None:
    spans.clear()
    for name in ("started", "ready", "health"):
        assert (await gateway.client.get(f"/api/{name}")).status_code == 200, name
    assert [one.name for one in spans if one.kind == "server"] == []
    await gateway.client.get("/api/models")
    assert [one.name for one in spans if one.kind == "server"] == ["GET /api/models"]


async def test_a_job_that_fails_says_so_in_its_trace(spans, gateway, workers, live) -> None:
    job = await gateway.make(live, "fail-fog.jpg", "depth", model="heuristic")
    assert job["state"] == "failed"
    await recorded(spans, "job depth")
    failed = [one for one in spans if one.name == "job depth"]
    assert failed[-1].error == "invalid_image"
