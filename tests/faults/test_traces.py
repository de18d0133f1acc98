"""A photo's way through processes of their own is one trace at the collector, with what they said at their end."""

from __future__ import annotations

from immichvr_common.testing.collector import Collected, collecting

TRACE_ID, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


async def test_a_gateway_a_worker_and_its_child_tell_one_trace(start_gateway, start_worker, studio) -> None:
    with collecting() as collector:
        gateway = start_gateway(IMMICHVR_GATEWAY_TRACING__ENDPOINT=collector.url).wait_until_ready()
        worker = start_worker("traced", IMMICHVR_AI_TRACING__ENDPOINT=collector.url)
        gateway.client.headers["traceparent"] = f"00-{TRACE_ID}-{CALLER}-01"
        job_id = await gateway.submit("traced.jpg")
        assert (await gateway.until(job_id))["state"] == "succeeded"
        worker.ask_to_end()
        gateway.ask_to_end()
    found: dict[str, Collected] = {one.name: one for one in collector.spans if one.trace_id == TRACE_ID}

    def above(name: str) -> str:
        return next((one.name for one in found.values() if one.span_id == found[name].parent_id), found[name].parent_id)

    asked = "POST /api/photos/{photo_id}/depth"
    assert (above(asked), above("stage"), above("publish"), above("job depth")) == (CALLER, asked, asked, asked)
    assert (above("depth in a child"), above("stored"), above("hear of the end")) == ("job depth", "job depth", asked)
    assert {found[name].service for name in (asked, "stage", "publish", "hear of the end")} == {"immichvr-gateway"}
    assert {found[name].service for name in ("job depth", "depth in a child", "stored")} == {"immichvr-ai"}
    assert found["job depth"].attributes["job_id"] == job_id
