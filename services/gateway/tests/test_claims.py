"""Workers that say what is not so, each with the account of its own service: the gateway believes what it published."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr.events.v1.events_pb2 import (
    JOB_STATE_FAILED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    AssetEvent,
    Job,
    JobEvent,
    JobState,
    ModelEvent,
    Output,
)
from immichvr_common.bus import Bus, connect
from immichvr_common.bus.reading import read_message
from immichvr_common.bus.subjects import Told, event_subject
from immichvr_common.embedded import NatsServer
from immichvr_common.errors import Unavailable
from immichvr_common.manifests import AssetFile, Manifest, asset_prefix
from immichvr_common.reporting import encode
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from immichvr_gateway.assets.index import ManifestReader
from immichvr_gateway.assets.results import Results
from immichvr_gateway.upkeep.aside import Refused
from PIL import Image

Telling = Callable[..., Awaitable[None]]


class Liar:
    """A worker's account, used to say anything."""

    def __init__(self, bus: Bus, service: str) -> None:
        self.bus, self.service = bus, service

    async def tell(self, about: Job, state: JobState, /, seq: int = 1, run: int = 1, **facts: Any) -> None:
        event = JobEvent(job_id=about.id, kind=about.kind, run=run, attempt=1, seq=seq, state=state, **facts)
        if source := Source.of(about):
            source.put(event)
        event.at.GetCurrentTime()
        await self.bus.publish(event_subject(self.service, "job", about.id), encode(event))


@pytest.fixture
async def liars(nats_server: NatsServer, empty_bus: Bus) -> AsyncIterator[Callable[[str], Awaitable[Liar]]]:
    opened: list[Bus] = []

    async def open_for(service: str) -> Liar:
        opened.append(await connect(nats_server.settings(service), service))
        return Liar(opened[-1], service)

    yield open_for
    await asyncio.gather(*(bus.close() for bus in opened))


class Aside:
    """What the gateway set aside."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._reasons: list[str] = []
        self._news = asyncio.Event()

    async def open(self) -> Aside:
        async def on_message(message: Any) -> None:
            self._reasons.append(json.loads(message.data)["reason"])
            self._news.set()

        await self._bus.client.subscribe("dead.aside.*", cb=on_message)
        return self

    def forget(self) -> None:
        """From now on only what is set aside then counts."""
        self._reasons.clear()

    async def until(self, reason: str) -> None:
        async with asyncio.timeout(10):
            while reason not in self._reasons:
                self._news.clear()
                await self._news.wait()


@pytest.fixture
async def aside(empty_bus: Bus) -> Aside:
    return await Aside(empty_bus).open()


async def queued(gateway: Any, bus: Bus, name: str, what: str = "depth", **wish: Any) -> Job:
    """A job nobody has begun."""
    answer = await gateway.post(name, what, **wish)
    assert answer.status_code == 202, answer.text
    return await published(bus, answer.json()["job"]["id"])


async def published(bus: Bus, job_id: str) -> Job:
    return read_message((await bus.js.get_last_msg("JOBS", f"jobs.*.*.*.*.{job_id}")).data, Job())


async def state_of(gateway: Any, job: Job) -> dict[str, Any]:
    return (await gateway.get(f"/api/jobs/{job.id}")).json()


async def honest_work_goes_on(gateway: Any, live: Any, working: Any, name: str = "Ünder way.jpg") -> None:
    async with working("ai"):
        assert (await gateway.make(live, name, "depth"))["state"] == "succeeded"


@pytest.mark.parametrize("service", ["ai", "converter"])
@pytest.mark.parametrize(("code", "run"), [("returned", 1), ("worker_crashed", 7)])
async def test_a_job_that_nobody_asked_for_is_not_made_by_giving_it_back(
    service: str, code: str, run: int, gateway, liars, aside, empty_bus
) -> None:
    forged = Job(id="model-download-da2-base", kind="model-download", run=run, bucket="gateway-tests")
    forged.params.update({"key": "da2-base", "accepted": ["da2-base"]})
    liar = await liars(service)
    await liar.tell(forged, JOB_STATE_FAILED, run=run, job=forged, error={"code": code, "message": "stopped"})
    await aside.until("unknown_job")
    assert (await empty_bus.js.stream_info("JOBS")).state.messages == 0
    assert (await gateway.get(f"/api/jobs/{forged.id}")).status_code == 404
    assert (await gateway.get("/api/models/da2-base")).json()["state"] == "needs_licence"


async def test_a_job_given_back_is_queued_as_it_was_published_whatever_its_worker_makes_of_it(
    gateway, live, liars, empty_bus
) -> None:
    job = await queued(gateway, empty_bus, "beach.jpg")
    twisted = Job()
    twisted.CopyFrom(job)
    twisted.params.update({"accepted": ["da2-base"], "model": "da2-base"})
    twisted.inputs["source"].key, twisted.requesters[:] = "sources/another", ["mallory"]
    await (await liars("ai")).tell(job, JOB_STATE_FAILED, job=twisted, error={"code": "returned"})
    shown = await live.job(job.id, "queued", run=2)
    anew = await published(empty_bus, job.id)
    job.run, anew_at = 2, anew.created_at
    job.created_at.CopyFrom(anew_at)
    assert anew == job
    assert (shown["requesters"], shown["params"]) == (["local"], {"model": "auto"})


async def test_what_was_given_to_one_service_no_other_can_end(gateway, liars, aside, empty_bus) -> None:
    job = await queued(gateway, empty_bus, "beach.jpg")
    liar = await liars("converter")
    await liar.tell(job, JOB_STATE_SUCCEEDED)
    await aside.until("not_its_own")
    with pytest.raises(Unavailable):
        await liar.bus.publish(event_subject("ai", "job", job.id), b"{}")
    assert (await state_of(gateway, job))["state"] == "queued"


async def test_a_run_that_nobody_asked_for_is_not_begun(gateway, liars, aside, empty_bus) -> None:
    job = await queued(gateway, empty_bus, "beach.jpg")
    await (await liars("ai")).tell(job, JOB_STATE_RUNNING, run=2**31)
    await aside.until("unknown_job")
    assert (await state_of(gateway, job))["run"] == 1


@pytest.mark.parametrize("other", ["photo", "kind"])
async def test_an_event_of_another_source_than_the_jobs_changes_nothing(
    gateway, liars, aside, empty_bus, other: str
) -> None:
    job = await queued(gateway, empty_bus, "beach.jpg")
    elsewhere = Job(id=job.id, kind=job.kind)
    (Source.photo(gateway.ids["hut.png"]) if other == "photo" else Source("video", job.source.id)).put(elsewhere)
    await (await liars("ai")).tell(elsewhere, JOB_STATE_FAILED)
    await aside.until("other_job")
    assert (await state_of(gateway, job))["state"] == "queued"


def manifest_of(job: Job, **changes: Any) -> Manifest:
    """The manifest that a worker writes when it has made the job's depth."""
    facts: dict[str, Any] = {
        "kind": "depth", "source": Source.of(job), "source_version": job.source_version, "model_key": "heuristic",
        "recipe": job.recipes["depth"], "job_id": job.id, "run": job.run, "attempt": 1,
        "requested_at": job.created_at.ToJsonString(), "files": [],
    }  # fmt: skip
    made = Manifest(**{**facts, **changes})
    prefix = asset_prefix("depth", Source.photo(job.photo_id), "heuristic", made.recipe)
    if "files" not in changes:
        made.files = [
            AssetFile(
                name="depth.png", role="depth", format="png", media_type="image/png", size=4, sha256="0" * 64,
                key=f"{prefix}/depth-{job.run}-1/depth.png",
            )
        ]  # fmt: skip
    return made


def output_of(key: str, bucket: str = "gateway-tests") -> Output:
    return Output(kind="depth", asset_key="depth-heuristic", manifest=ObjectRef(bucket=bucket, key=key))


LIES: dict[str, Callable[[Job, ObjectStore], Awaitable[list[Output]]]] = {}


def lie(make: Callable[[Job, ObjectStore], Awaitable[list[Output]]]) -> None:
    LIES[make.__name__.replace("_", " ")] = make


@lie
async def without_a_result(job: Job, store: ObjectStore) -> list[Output]:
    return []


@lie
async def whose_manifest_is_not_there(job: Job, store: ObjectStore) -> list[Output]:
    return [output_of(manifest_of(job).key)]


@lie
async def whose_manifest_does_not_read(job: Job, store: ObjectStore) -> list[Output]:
    await store.put_bytes(manifest_of(job).key, b"[" * 10_000, "application/json")
    return [output_of(manifest_of(job).key)]


@lie
async def whose_files_are_not_there(job: Job, store: ObjectStore) -> list[Output]:
    await store.put_bytes(manifest_of(job).key, manifest_of(job).encode(), "application/json")
    return [output_of(manifest_of(job).key)]


@lie
async def whose_files_are_shorter(job: Job, store: ObjectStore) -> list[Output]:
    made = manifest_of(job)
    await store.put_bytes(made.files[0].key, b"abc", "image/png")
    await store.put_bytes(made.key, made.encode(), "application/json")
    return [output_of(made.key)]


@lie
async def whose_files_lie_elsewhere(job: Job, store: ObjectStore) -> list[Output]:
    made = manifest_of(job)
    made.files[0].key = "sources/secret"
    await store.put_bytes("sources/secret", b"abcd", "image/png")
    await store.put_bytes(made.key, made.encode(), "application/json")
    return [output_of(made.key)]


@lie
async def with_the_result_of_another_recipe(job: Job, store: ObjectStore) -> list[Output]:
    made = manifest_of(job, recipe="0123456789abcdef")
    await store.put_bytes(made.files[0].key, b"abcd", "image/png")
    await store.put_bytes(made.key, made.encode(), "application/json")
    return [output_of(made.key)]


async def of_another(source: Source, job: Job, store: ObjectStore) -> list[Output]:
    made = manifest_of(job)
    await store.put_bytes(made.files[0].key, b"abcd", "image/png")
    await store.put_bytes(made.key, made.model_copy(update={"source": source}).encode(), "application/json")
    return [output_of(made.key)]


@lie
async def with_a_manifest_that_is_of_another_photo(job: Job, store: ObjectStore) -> list[Output]:
    return await of_another(Source.photo("another"), job, store)


@lie
async def with_a_manifest_that_is_of_a_video_of_the_same_id(job: Job, store: ObjectStore) -> list[Output]:
    return await of_another(Source("video", job.source.id), job, store)


@lie
async def with_a_result_in_another_bucket(job: Job, store: ObjectStore) -> list[Output]:
    return [output_of(manifest_of(job).key, "elsewhere")]


@pytest.fixture
def photos_lied_about(photos: Path) -> dict[str, str]:
    """For each lie the name of a photo, which no other is about."""
    names = {what: f"lie-{number}.png" for number, what in enumerate(LIES)}
    for number, name in enumerate(names.values()):
        Image.new("RGB", (8, 6), (number, 20, 30)).save(photos / name)
    return names


async def test_a_success_is_not_believed(
    photos_lied_about, gateway, live, liars, aside, empty_bus, storage, subtests: pytest.Subtests
) -> None:
    liar = await liars("ai")
    for what, name in photos_lied_about.items():
        with subtests.test(what):
            aside.forget()
            job = await queued(gateway, empty_bus, name)
            outputs = await LIES[what](job, storage)
            for output in outputs:
                event = AssetEvent(photo_id=job.photo_id, output=output)
                event.at.GetCurrentTime()
                await liar.bus.publish(event_subject("ai", "asset", job.photo_id), encode(event))
            await liar.tell(job, JOB_STATE_SUCCEEDED, outputs=outputs)
            told = await live.job(job.id, "failed")
            assert (told["error"]["code"], told["error"]["retriable"], told["outputs"]) == ("result_missing", True, [])
            await aside.until("unproven")
            shown = (await gateway.get(f"/api/photos/{job.photo_id}")).json()
            assert shown["badges"]["depth"] is False


async def test_a_forced_run_does_not_end_with_what_the_run_before_made(
    gateway, live, working, liars, empty_bus
) -> None:
    async with working("ai"):
        made = await gateway.make(live, "beach.jpg", "depth")
        assert made["state"] == "succeeded"
    job = await queued(gateway, empty_bus, "beach.jpg", force=True)
    assert job.run == 2
    prefix = asset_prefix("depth", Source.photo(job.photo_id), "heuristic", job.recipes["depth"])
    await (await liars("ai")).tell(job, JOB_STATE_SUCCEEDED, run=2, outputs=[output_of(f"{prefix}/manifest.json")])
    assert (await live.job(job.id, run=2))["error"]["code"] == "result_missing"


async def test_a_conversion_is_not_done_with_the_splat_alone(gateway, live, working, liars, empty_bus) -> None:
    async with working("ai"):
        assert (await gateway.make(live, "beach.jpg", "splat"))["state"] == "succeeded"
    job = await queued(gateway, empty_bus, "beach.jpg", "splat/convert", format="ksplat")
    prefix = asset_prefix("splat", Source.photo(job.photo_id), "lift-heuristic", job.recipes["splat"])
    reference = ObjectRef(bucket="gateway-tests", key=f"{prefix}/manifest.json")
    output = Output(kind="splat", asset_key="splat-lift-heuristic", manifest=reference)
    await (await liars("converter")).tell(job, JOB_STATE_SUCCEEDED, outputs=[output])
    shown = await live.job(job.id)
    assert (shown["state"], shown["error"]["code"]) == ("failed", "result_missing")


async def test_an_asset_of_many_files_is_there_when_all_of_them_are(storage: ObjectStore) -> None:
    job = Job(id="depth-many-r", kind="depth", photo_id="many", run=1)
    job.recipes["depth"] = "r"
    job.created_at.GetCurrentTime()
    made = manifest_of(job)
    made.files = [
        made.files[0].model_copy(update={"name": f"{number}.png", "key": f"{made.files[0].key}-{number}"})
        for number in range(20)
    ]
    for file in made.files:
        await storage.put_bytes(file.key, b"abcd", "image/png")
    await storage.put_bytes(made.key, made.encode(), "application/json")
    event = AssetEvent(photo_id="many", output=output_of(made.key))
    told = Told("ai", "asset", "many")
    assert len((await Results(storage, ManifestReader(storage)).asset(told, event)).files) == 20
    await storage.delete(made.files[11].key)
    with pytest.raises(Refused, match=r"depth\.png-11 is not there"):
        await Results(storage, ManifestReader(storage)).asset(told, event)


async def test_thousands_of_invented_jobs_are_neither_kept_nor_remembered(
    gateway, live, working, liars, empty_bus
) -> None:
    liar, invented = await liars("ai"), 1500
    for number in range(invented):
        job = Job(id=f"depth-{number}-forged", kind="depth", photo_id=str(number), requesters=["local"])
        event = JobEvent(job_id=job.id, kind="depth", photo_id=str(number), run=1, seq=1, state=JOB_STATE_SUCCEEDED)
        event.job.CopyFrom(job)
        await liar.bus.client.publish(event_subject("ai", "job", job.id), encode(event))
    await honest_work_goes_on(gateway, live, working)
    assert len((await gateway.get("/api/jobs")).json()["items"]) == 1
    assert (await empty_bus.js.stream_info("KV_jobs")).state.messages == 1
    assert 0 < (await empty_bus.js.stream_info("DEAD")).state.messages < invented / 10


async def test_what_is_told_of_models_is_bounded_and_comes_from_who_runs_them(
    gateway, live, liars, aside, empty_bus
) -> None:
    ai = await liars("ai")
    with pytest.raises(Unavailable):
        await (await liars("converter")).bus.publish(event_subject("converter", "model", "da2-small"), b"{}")
    for facts in ({"key": "da2-small", "state": "conquered"}, {"key": "sharp", "state": "ready"}):
        await ai.bus.publish(event_subject("ai", "model", "da2-small"), json.dumps(facts).encode())
    await aside.until("impossible")
    await aside.until("misplaced")
    endless = {
        "key": "da2-small", "state": "downloading", "doneBytes": str(2**64 - 1), "totalBytes": str(2**64 - 1),
        "rate": "NaN", "remainingS": "Infinity", "worker": "w" * 10_000, "at": "9999-12-31T00:00:00Z",
    }  # fmt: skip
    await ai.bus.publish(event_subject("ai", "model", "da2-small"), json.dumps(endless).encode())
    news = await live.first("model:progress", lambda news: news["key"] == "da2-small")
    assert news["done"] <= 2**50 and news["rate"] == 0
    for number in range(500):
        event = ModelEvent(key="da2-small", state="loaded", worker=f"w{number}")
        await ai.bus.client.publish(event_subject("ai", "model", "da2-small"), encode(event))
    await ai.bus.publish(event_subject("ai", "model", "da2-base"), encode(ModelEvent(key="da2-base", state="failed")))
    await live.first("model:progress", lambda news: news["key"] == "da2-base")
    kept = json.loads((await (await empty_bus.js.key_value("state")).get("model.da2-small")).value)
    assert len(kept["loaded"]) == 100
    event = ModelEvent(key="da2-small", state="absent")
    await ai.bus.publish(event_subject("ai", "model", "da2-small"), encode(event))
    await live.first("model:progress", lambda news: news["key"] == "da2-small" and news["state"] == "unavailable")


POISON = {
    "bytes that are no text": b"\xff\xfe\x00",
    "another type": b"[1, 2]",
    "nothing": b"",
    "what is nested too deep": b'{"job":' * 5000,
    "a list nested too deep": b"[" * 200_000,
    "a number for a text": b'{"jobId": 1}',
    "numbers that are too large": b'{"run": 1e400, "seq": 99999999999999999999}',
    "a time out of range": b'{"at": "99999-12-31T00:00:00Z"}',
    "text that is no text": b'{"jobId": "\\ud800"}',
    "very much": b'{"worker": "' + b"w" * 800_000 + b'"}',
}


async def test_what_cannot_be_read_is_set_aside_and_stops_nothing(
    gateway, live, working, liars, aside, empty_bus
) -> None:
    liar = await liars("ai")
    for what, about in (("job", "depth-a-b"), ("asset", "a"), ("model", "da2-small")):
        for data in POISON.values():
            await liar.bus.client.publish(event_subject("ai", what, about), data)  # type: ignore[arg-type]
        await aside.until("unreadable")
    await liar.bus.client.publish("events.ai.job.*", b"{}")
    await liar.bus.client.publish("events.ai.job.>", b"{}")
    await honest_work_goes_on(gateway, live, working)
    assert (await gateway.client.get("/api/ready")).status_code == 200


async def test_nonsense_about_a_job_of_its_own_does_not_reach_people(gateway, live, liars, aside, empty_bus) -> None:
    job = await queued(gateway, empty_bus, "beach.jpg")
    liar = await liars("ai")
    facts = {
        "jobId": job.id, "kind": "depth", "photoId": job.photo_id, "run": 1, "attempt": 1, "state": "JOB_STATE_RUNNING",
        "progress": {"fraction": "NaN", "stage": "s" * 5000, "message": "m" * 50_000}, "seq": 1,
        "at": "9999-12-31T00:00:00Z", "timeline": [{"stage": "t", "seconds": "Infinity", "at": "0001-01-01T00:00:00Z"}],
    }  # fmt: skip
    await liar.bus.publish(event_subject("ai", "job", job.id), json.dumps(facts).encode())
    shown = await live.job(job.id, "running")
    assert shown["progress"]["fraction"] == 0 and len(shown["progress"]["message"]) <= 500
    assert shown["timeline"][-1]["seconds"] == 0
    for impossible in ({"seq": 2**31 - 1}, {"attempt": 2**31}, {"state": "JOB_STATE_QUEUED", "seq": 5}):
        await liar.bus.publish(event_subject("ai", "job", job.id), json.dumps(facts | impossible).encode())
    await aside.until("impossible")
    failed = facts | {"seq": 9, "state": "JOB_STATE_FAILED", "error": {"code": "<b>", "message": "x" * 100_000}}
    await liar.bus.publish(event_subject("ai", "job", job.id), json.dumps(failed).encode())
    shown = await live.job(job.id, "failed")
    assert shown["error"]["code"] == "internal" and len(shown["error"]["message"]) <= 2000
    assert shown["updated_at"] < "9999"
