"""Models: the list, licences, jobs about them, who may, and what they mean for asking for depth and splats."""

import asyncio
import json
from typing import Any

import pytest
from immichvr.events.v1.events_pb2 import ModelEvent
from immichvr_common.reporting import encode
from immichvr_models import registry

FREE, LICENSED = "da3-base", "da2-large"
"""A model that nobody has to accept, too large to be fetched unasked; one whose licence asks for a yes."""
LICENCE = registry[LICENSED].licence


@pytest.fixture(autouse=True)
def online(studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Downloads are allowed, from where nobody answers."""
    monkeypatch.setenv("IMMICHVR_MODELS_OFFLINE", "")
    monkeypatch.setenv("HF_HUB_OFFLINE", "")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")


class Worker:
    """Tells of models as a worker does, and looks into the queue."""

    def __init__(self, bus: Any, live: Any, name: str = "w1", service: str = "ai") -> None:
        self._bus, self._live, self.name, self.service = bus, live, name, service

    async def tell(self, key: str, state: str, **facts: Any) -> dict[str, Any]:
        """Tells an event, and waits until it has been heard."""
        event = ModelEvent(key=key, state=state, worker=self.name, **facts)
        event.at.GetCurrentTime()
        heard = len(self._live.heard)
        await self._bus.publish(f"events.{self.service}.model.{key}", encode(event))
        async with asyncio.timeout(10):
            while not (news := [one for kind, one in self._live.heard[heard:] if one.get("key") == key]):
                self._live._news.clear()
                await self._live._news.wait()
        return news[0]

    def _subject(self, kind: str, name: str) -> str:
        return f"jobs.{self.service}.cpu.interactive.model-{kind}.{name}"

    async def queued(self, kind: str, key: str) -> dict[str, Any]:
        """The job of that kind, as it lies in the queue."""
        name = f"model-{kind}-{key}"
        message = await self._bus.js.get_last_msg("JOBS", self._subject(kind, name))
        return json.loads(message.data)

    async def end(self, kind: str, key: str, state: str, **error: str) -> None:
        """Takes the job from the queue and tells its end, as a worker does."""
        job = await self.queued(kind, key)
        message = await self._bus.js.get_last_msg(
            "JOBS", f"jobs.{self.service}.cpu.interactive.model-{kind}.{job['id']}"
        )
        event = {"jobId": job["id"], "kind": job["kind"], "run": job["run"], "attempt": 1, "seq": 1, "state": state}
        await self._bus.publish(
            f"events.{self.service}.job.{job['id']}", json.dumps(event | ({"error": error} if error else {})).encode()
        )
        await self._bus.js.delete_msg("JOBS", message.seq)
        await self._live.job(job["id"], run=job["run"])


@pytest.fixture
def worker(empty_bus, live) -> Worker:
    return Worker(empty_bus, live)


async def model(gateway, key: str, as_user: str = "") -> dict[str, Any]:
    answer = await gateway.get(f"/api/models/{key}", as_user)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ask(gateway, key: str, deed: str, as_user: str = "", **body: Any) -> Any:
    headers = {"x-api-key": f"{as_user}-key"} if as_user else {}
    if deed == "delete":
        return await gateway.client.delete(f"/api/models/{key}", headers=headers)
    return await gateway.client.post(f"/api/models/{key}/{deed}", json=body or None, headers=headers)


async def test_the_list_is_the_registry_with_states_and_needs_no_worker(gateway) -> None:
    listed = (await gateway.get("/api/models")).json()
    assert [one["key"] for one in listed["models"]] == list(registry.keys())
    assert listed["may_manage"] is True
    by_key = {one["key"]: one for one in listed["models"]}
    assert (by_key["heuristic"]["state"], by_key["heuristic"]["possible"]) == ("ready", [])
    assert (by_key[FREE]["state"], by_key[FREE]["possible"]) == ("downloadable", ["download"])
    assert (by_key[LICENSED]["state"], by_key[LICENSED]["possible"]) == ("needs_licence", ["accept"])
    assert by_key[LICENSED]["licence"] == {"name": LICENCE.name, "url": LICENCE.url, "permissive": False}
    assert by_key[FREE]["size"] == registry[FREE].size
    assert by_key["sharp"]["splat_models"] == ["sharp"]
    unknown = await gateway.get("/api/models/nobody")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_model")
    assert unknown.json()["accepted"] == list(registry.keys())


async def test_a_model_of_videos_is_a_matter_of_the_service_that_runs_it(gateway, worker, live, empty_bus) -> None:
    video = Worker(empty_bus, live, service="video-depth")
    answer = await ask(gateway, "vda-small", "download")
    assert answer.status_code == 202, answer.text
    assert (await video.queued("download", "vda-small"))["params"]["key"] == "vda-small"
    news = await video.tell("vda-small", "downloading", done_bytes=5, total_bytes=10, remaining_s=1)
    assert (news["state"], news["done"]) == ("downloading", 5)
    await video.tell("vda-small", "ready")
    await video.end("download", "vda-small", "JOB_STATE_SUCCEEDED")
    assert (await model(gateway, "vda-small"))["possible"] == ["load", "delete"]
    for deed in ("load", "delete"):
        assert (await ask(gateway, "vda-small", deed)).status_code == 202
        await video.queued(deed, "vda-small")
        await video.end(deed, "vda-small", "JOB_STATE_SUCCEEDED")
    await video.tell("vda-small", "loaded")
    assert (await ask(gateway, "vda-small", "unload")).status_code == 202
    await video.queued("unload", "vda-small")
    others = await empty_bus.client.subscribe("control.model.*")
    await empty_bus.client.flush()
    await video.tell("vda-small", "unloading")
    assert (await others.next_msg(timeout=10)).subject == "control.model.vda-small"
    await video.end("unload", "vda-small", "JOB_STATE_SUCCEEDED")


async def test_a_licence_is_accepted_by_its_name_and_kept_with_who_and_when(gateway, live, empty_bus) -> None:
    refused = await ask(gateway, LICENSED, "download")
    assert (refused.status_code, refused.json()["code"]) == (403, "licence_required")
    assert refused.json()["licence_url"] == LICENCE.url
    other = await ask(gateway, LICENSED, "accept", licence="MIT")
    assert (other.status_code, other.json()["code"]) == (409, "other_licence")
    answer = await ask(gateway, LICENSED, "accept", licence=LICENCE.name)
    assert (answer.status_code, answer.json()["state"]) == (200, "downloadable")
    assert answer.json()["accepted"]["name"] == "local"
    kept = json.loads((await (await empty_bus.js.key_value("state")).get(f"licence.{LICENSED}")).value)
    assert (kept["who"], kept["licence"], kept["url"]) == ("local", LICENCE.name, LICENCE.url)
    await live.first("model:progress", lambda news: (news["key"], news["state"]) == (LICENSED, "downloadable"))
    again = await ask(gateway, FREE, "accept", licence="Apache-2.0")
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_accept")


async def test_a_licence_that_changed_since_is_asked_for_anew(gateway, empty_bus) -> None:
    await ask(gateway, LICENSED, "accept", licence=LICENCE.name)
    bucket = await empty_bus.js.key_value("state")
    kept = json.loads((await bucket.get(f"licence.{LICENSED}")).value)
    await bucket.put(f"licence.{LICENSED}", json.dumps({**kept, "licence": "an older one"}).encode())
    async with asyncio.timeout(5):
        while (await model(gateway, LICENSED))["state"] != "needs_licence":  # noqa: ASYNC110  # nobody is told
            await asyncio.sleep(0.1)


async def test_a_download_is_a_job_whose_progress_everybody_hears(gateway, worker, live) -> None:
    answer = await ask(gateway, FREE, "download")
    assert answer.status_code == 202, answer.text
    job = answer.json()["job"]
    assert (job["id"], job["kind"], job["params"]) == (f"model-download-{FREE}", "model-download", {"model": FREE})
    assert answer.headers["location"] == f"/api/jobs/{job['id']}"
    queued = await worker.queued("download", FREE)
    assert queued["params"] == {"key": FREE, "accepted": [FREE]}
    assert queued["deadlineS"] > 3600
    shown = await model(gateway, FREE)
    assert (shown["state"], shown["job"]["state"], shown["possible"]) == ("downloadable", "queued", ["cancel"])
    news = await worker.tell(FREE, "downloading", done_bytes=10, total_bytes=100, rate=5.0, remaining_s=18.0)
    assert news == {
        "key": FREE, "state": "downloading", "done": 10, "total": 100, "rate": 5.0, "remaining_s": 18.0, "error": None,
    }  # fmt: skip
    assert (await ask(gateway, FREE, "download")).json()["job"]["id"] == job["id"]
    busy = await ask(gateway, FREE, "delete")
    assert (busy.status_code, busy.json()["code"]) == (409, "busy")
    assert (await worker.tell(FREE, "ready"))["state"] == "ready"
    await worker.end("download", FREE, "JOB_STATE_SUCCEEDED")
    ended = await model(gateway, FREE)
    assert (ended["state"], ended["job"], ended["possible"]) == ("ready", None, ["load", "delete"])
    twice = await ask(gateway, FREE, "download")
    assert (twice.status_code, twice.json()["code"]) == (409, "already_there")


async def test_a_download_that_fails_or_is_cancelled_says_so_and_can_be_tried_again(gateway, worker) -> None:
    await ask(gateway, "zoedepth", "download")
    await worker.tell("zoedepth", "downloading", done_bytes=10, total_bytes=100)
    await worker.end("download", "zoedepth", "JOB_STATE_FAILED", code="poison", message="it ended its worker")
    failed = await model(gateway, "zoedepth")
    assert (failed["state"], failed["error"]["code"], failed["possible"]) == ("failed", "poison", ["download"])
    again = await ask(gateway, "zoedepth", "download")
    assert (again.status_code, again.json()["job"]["run"]) == (202, 2)
    await worker.tell("zoedepth", "downloading", done_bytes=10, total_bytes=100)
    await worker.end("download", "zoedepth", "JOB_STATE_CANCELLED")
    cancelled = await model(gateway, "zoedepth")
    assert (cancelled["state"], cancelled["error"]) == ("downloadable", None)


async def test_memory_is_told_by_each_worker_and_deleting_ends_it_everywhere(gateway, worker, empty_bus, live) -> None:
    second, key = Worker(empty_bus, live, "w2"), "da3metric-large"
    for deed, code in (("load", "not_downloaded"), ("unload", "not_loaded"), ("delete", "not_downloaded")):
        refused = await ask(gateway, key, deed)
        assert (refused.status_code, refused.json()["code"]) == (409, code)
    await worker.tell(key, "ready")
    assert (await ask(gateway, key, "load")).status_code == 202
    await worker.end("load", key, "JOB_STATE_SUCCEEDED")
    await worker.tell(key, "loading")
    assert (await model(gateway, key))["state"] == "loading"
    await worker.tell(key, "loaded")
    await second.tell(key, "loaded")
    loaded = await model(gateway, key)
    assert (loaded["state"], loaded["loaded_on"], loaded["possible"]) == ("loaded", ["w1", "w2"], ["unload", "delete"])
    assert (await ask(gateway, key, "load")).json()["code"] == "already_loaded"
    await worker.tell(key, "unloaded")
    assert (await model(gateway, key))["loaded_on"] == ["w2"]
    assert (await ask(gateway, key, "delete")).status_code == 202
    assert (await worker.tell(key, "absent"))["state"] == "downloadable"
    assert (await model(gateway, key))["loaded_on"] == []


async def test_of_two_deeds_asked_for_at_once_one_is_done(gateway, worker) -> None:
    key = "da3mono-large"
    await worker.tell(key, "ready")
    answers = await asyncio.gather(*(ask(gateway, key, deed) for deed in ("load", "delete", "load", "delete")))
    assert sorted(one.status_code for one in answers) == [202, 202, 409, 409]
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"busy"}
    assert len({one.json()["job"]["id"] for one in answers if one.status_code == 202}) == 1


async def test_a_job_about_a_model_is_asked_for_anew_so_that_who_may_is_asked_anew(gateway, worker) -> None:
    job = (await ask(gateway, "da3mono-large", "download")).json()["job"]
    await worker.end("download", "da3mono-large", "JOB_STATE_FAILED", code="no_network", message="no network")
    refused = await gateway.client.post(f"/api/jobs/{job['id']}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_retriable")
    assert (await ask(gateway, "da3mono-large", "download")).json()["job"]["run"] == 2


async def test_what_is_built_in_can_be_neither_fetched_nor_deleted(gateway) -> None:
    for deed in ("download", "load", "unload", "delete"):
        assert (await ask(gateway, "heuristic", deed)).json()["code"] == "built_in"


async def test_only_an_administrator_of_immich_may_manage_models_and_everybody_sees_them(shared) -> None:
    assert (await shared.get("/api/models")).status_code == 401
    listed = (await shared.get("/api/models", "bob")).json()
    assert listed["may_manage"] is False
    assert all(one["possible"] == [] for one in listed["models"])
    for deed in ("accept", "download", "load", "unload", "delete"):
        body = {"licence": LICENCE.name} if deed == "accept" else {}
        refused = await ask(shared, LICENSED, deed, "bob", **body)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    assert (await ask(shared, LICENSED, "accept", "ann", licence=LICENCE.name)).json()["accepted"]["name"] == "Ann"
    assert (await model(shared, LICENSED, "bob"))["state"] == "downloadable"
    await ask(shared, "midas-dpt-large", "download", "ann")
    seen_by_ann, seen_by_bob = [await model(shared, "midas-dpt-large", one) for one in ("ann", "bob")]
    assert (seen_by_ann["job"]["requesters"], seen_by_ann["possible"]) == (["ann"], ["cancel"])
    assert (seen_by_bob["job"]["requesters"], seen_by_bob["possible"]) == ([], [])


async def test_a_photo_is_not_given_to_a_model_whose_licence_nobody_accepted(gateway, empty_bus) -> None:
    for what, name in (("depth", LICENSED), ("splat", f"lift-{LICENSED}"), ("splat", "sharp")):
        refused = await gateway.post("beach.jpg", what, model=name)
        assert (refused.status_code, refused.json()["code"]) == (403, "licence_required"), refused.text
        assert refused.json()["licence_url"].startswith("https://")
    large = await gateway.post("beach.jpg", "depth", model=FREE)
    assert (large.status_code, large.json()["code"]) == (403, "consent_required")
    assert (await empty_bus.js.stream_info("JOBS")).state.messages == 0


async def test_a_photo_waits_for_no_large_download(gateway, worker) -> None:
    await ask(gateway, LICENSED, "accept", licence=LICENCE.name)
    for code in ("consent_required", "downloading"):
        for what, name in (("depth", LICENSED), ("splat", f"lift-{LICENSED}")):
            assert (await gateway.post("beach.jpg", what, model=name)).json()["code"] == code
        await worker.tell(LICENSED, "downloading", done_bytes=1, total_bytes=10)
    # A small one is fetched by the job itself, by every job that needs it.
    await worker.tell("da2-small", "downloading", done_bytes=1, total_bytes=10)
    assert (await gateway.post("beach.jpg", "depth", model="da2-small")).status_code == 202


async def test_a_photos_job_carries_what_was_accepted_and_shows_it_to_nobody(gateway, empty_bus, worker) -> None:
    await ask(gateway, LICENSED, "accept", licence=LICENCE.name)
    await worker.tell(LICENSED, "ready")
    job = (await gateway.post("beach.jpg", "depth", model=LICENSED)).json()["job"]
    assert job["params"] == {"model": LICENSED}
    message = await empty_bus.js.get_last_msg("JOBS", f"jobs.ai.cpu.interactive.depth.{job['id']}")
    assert json.loads(message.data)["params"] == {"model": LICENSED, "accepted": [LICENSED]}


async def test_what_the_gateway_may_not_have_downloaded_is_refused_before_a_job_is_made(
    serving, settings, monkeypatch, empty_bus
) -> None:
    monkeypatch.setenv("IMMICHVR_MODELS_OFFLINE", "1")
    async with serving(settings) as gateway:
        gateway.ids = {one["name"]: one["id"] for one in (await gateway.get("/api/photos")).json()["items"]}
        assert (await model(gateway, FREE))["state"] == "unavailable"
        for refused in (await ask(gateway, FREE, "download"), await gateway.post("beach.jpg", "depth", model=FREE)):
            assert (refused.status_code, refused.json()["code"]) == (403, "consent_required")
    assert (await empty_bus.js.stream_info("JOBS")).state.messages == 0


async def test_states_and_licences_outlive_the_gateway_and_its_events(serving, settings, empty_bus) -> None:
    async with serving(settings) as gateway, gateway.listening() as live:
        worker = Worker(empty_bus, live)
        await ask(gateway, LICENSED, "accept", licence=LICENCE.name)
        await worker.tell(LICENSED, "ready")
        await worker.tell(FREE, "downloading", done_bytes=10, total_bytes=100)
    await empty_bus.js.purge_stream("EVENTS")
    async with serving(settings) as gateway:
        known = await model(gateway, LICENSED)
        assert (known["state"], known["accepted"]["name"]) == ("ready", "local")
        assert (await model(gateway, FREE))["state"] == "downloading"


async def test_better_weights_anywhere_have_auto_make_depth_anew_once(gateway, worker, workers, live) -> None:
    first = await gateway.make(live, "beach.jpg", "depth")
    assert (await gateway.post("beach.jpg", "depth")).status_code == 200
    await worker.tell("da2-small", "ready")
    again = await gateway.make(live, "beach.jpg", "depth")
    assert (again["id"], again["run"]) == (first["id"], 2)
    # The worker still had to fall back: that is no reason to try for ever.
    assert (await gateway.post("beach.jpg", "depth")).status_code == 200


async def test_a_second_gateway_knows_what_was_accepted_and_told_at_the_first(serving, settings, empty_bus) -> None:
    async with serving(settings) as one, serving(settings) as other, other.listening() as live:
        assert (await model(other, "depthpro"))["state"] == "needs_licence"
        await ask(one, "depthpro", "accept", licence=registry["depthpro"].licence.name)
        assert (await Worker(empty_bus, live).tell("depthpro", "downloading"))["state"] == "downloading"
        async with asyncio.timeout(5):
            while (await model(other, "depthpro"))["accepted"] is None:  # noqa: ASYNC110  # nobody is told
                await asyncio.sleep(0.1)
            while (await model(one, "depthpro"))["state"] != "downloading":  # noqa: ASYNC110  # nobody is told
                await asyncio.sleep(0.1)
