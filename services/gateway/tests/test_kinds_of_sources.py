"""Jobs and assets of videos, sets and scenes: as those of photos, for whoever sees all of what they are made of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from immichvr.events.v1.events_pb2 import Job
from immichvr_catalog import PHOTO
from immichvr_common.bus import Bus
from immichvr_common.manifests import read_manifest
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from immichvr_common.testing.jobs import submit
from immichvr_gateway.jobs.records import new_record
from immichvr_gateway.library import Credential, Identity
from immichvr_gateway.requests.recipes import job_id
from immichvr_gateway.settings import GatewaySettings, ImmichSettings
from immichvr_gateway.sources.composites import Composites

ANN = Identity("ann", "Ann", Credential("none"))
KINDS = ["video", "set", "scene"]
PEOPLE = ["ann", "bob", "cleo"]
"""Who sees all of the source; who sees one of its photos, or not the video; who sees nothing."""


@pytest.fixture(params=KINDS)
async def source(request: pytest.FixtureRequest, storage: ObjectStore, house: Any) -> Source:
    """A video; a set of a photo that only Ann sees and one that Bob sees too; a scene of that set."""
    if request.param == "video":
        house.library.videos["a-video"] = {"ann"}
        return Source("video", "a-video")
    composites = Composites(storage)
    burst = await composites.add_set([house.ids["beach.jpg"], house.ids["hut.png"]])
    return burst if request.param == "set" else await composites.add_scene(burst, "627000b15d110362")


class House:
    """Ann's, Bob's and Cleo's library, and a gateway in front of it once it is opened."""

    def __init__(self, library: Any, ids: dict[str, str], opening: Callable[[], Any]) -> None:
        self.library, self.ids, self.open = library, ids, opening


@pytest.fixture
async def house(
    serving: Any, settings: GatewaySettings, photos: Path, tmp_path: Path, shared_library: type[Any]
) -> House:
    library = shared_library(photos, tmp_path / "cache", {"hut.png"})
    ids = {photo.name: photo.id for photo in (await library.items(PHOTO, ANN, None, 500)).items}
    immich = ImmichSettings(url="http://immich.invalid")

    @asynccontextmanager
    async def opening() -> AsyncIterator[Any]:
        async with serving(settings.model_copy(update={"immich": immich}), library) as running:
            running.ids = ids
            yield running

    return House(library, ids, opening)


def a_job(source: Source, bucket: str) -> Job:
    """A splat of a source that everybody asked for; its name is new, so that NATS takes it for no repetition."""
    recipe = uuid4().hex[:16]
    job = Job(id=job_id("splat", source, recipe), kind="splat", run=1, bucket=bucket, requesters=PEOPLE)
    source.put(job)
    job.source_name, job.source_version = "summer.mov", "v1"
    job.recipes["splat"] = job.recipes["depth"] = recipe
    job.created_at.GetCurrentTime()
    return job


async def written_down(bus: Bus, job: Job) -> None:
    """Queues a job as a gateway did that is gone."""
    record = new_record(job, f"jobs.ai.cpu.interactive.{job.kind}.{job.id}", "", {})
    await (await bus.js.key_value("jobs")).put(job.id, record.model_dump_json().encode())
    await submit(bus, job)


def place(source: Source) -> str:
    return f"/api/{source.kind}s/{source.id}/assets"


async def test_who_sees_all_of_it_hears_of_its_job_and_is_served_what_is_made_and_nobody_else(
    house, source, storage, empty_bus, workers
) -> None:
    async with house.open() as gateway:
        async with (
            gateway.listening({"x-api-key": "ann-key"}) as ann,
            gateway.listening({"x-api-key": "bob-key"}) as bob,
            gateway.listening({"x-api-key": "cleo-key"}) as cleo,
        ):
            job = a_job(source, storage.bucket)
            await submit(empty_bus, job)
            ended = await ann.job(job.id)
            assert (ended["state"], ended["source"], ended["photo_id"]) == (
                "succeeded", {"kind": source.kind, "id": source.id}, "",
            )  # fmt: skip
            made = await ann.first("asset:created", lambda news: news["asset"]["kind"] == "splat")
            assert (made["source"], made["photo_id"]) == (ended["source"], "")
            own = (await gateway.post("hut.png", "depth", "bob")).json()["job"]["id"]
            await bob.job(own, "succeeded")
            assert {payload.get("photo_id") for _, payload in bob.heard} == {house.ids["hut.png"]}
            assert cleo.heard == []
        shown = (await gateway.get(place(source), "ann")).json()["assets"]
        assert {asset["key"] for asset in shown} == {"splat-lift-heuristic", "depth-heuristic"}
        # Nobody makes anything of a video by the recipe of this job; of sets and scenes no library knows a version.
        assert {asset["outdated"] for asset in shown} == {source.kind == "video"}
        [file] = [file for asset in shown for file in asset["files"] if file["name"] == "splat.spz"]
        assert (file["url"], file["download_name"]) == (
            f"{place(source)}/splat-lift-heuristic/splat.spz", "summer_lift-heuristic.spz",
        )  # fmt: skip
        of_it = f"/api/jobs?source_kind={source.kind}&source_id={source.id}"
        for path in (of_it, f"/api/jobs?source_kind={source.kind}", "/api/jobs?limit=1"):
            assert [one["id"] for one in (await gateway.get(path, "ann")).json()["items"]] == [job.id]
        assert (await gateway.get(file["url"], "ann")).content.startswith(b"splat.spz")
        for who in ("bob", "cleo"):
            assert (await gateway.get(of_it, who)).json()["items"] == []
            for path in (place(source), file["url"], f"/api/jobs/{job.id}"):
                refused = await gateway.get(path, who)
                assert (refused.status_code, refused.json()["code"]) == (404, "not_found"), (who, path)
            again = await gateway.client.post(f"/api/jobs/{job.id}/retry", headers={"x-api-key": f"{who}-key"})
            assert again.status_code == 404
        assert (await gateway.get("/api/assets/map", "ann")).json()["map"].keys() == {house.ids["hut.png"]}


async def test_who_sees_all_of_it_cancels_its_job_and_nobody_else(house, source, storage, empty_bus) -> None:
    job = a_job(source, storage.bucket)
    await written_down(empty_bus, job)
    async with house.open() as gateway:
        answers = [
            await gateway.client.delete(f"/api/jobs/{job.id}", headers={"x-api-key": f"{who}-key"})
            for who in ("cleo", "bob", "ann")
        ]
        assert [one.status_code for one in answers] == [404, 404, 202]
        assert (await gateway.get(f"/api/jobs/{job.id}", "ann")).status_code == 404, "she takes her wish back"
        assert (await empty_bus.js.stream_info("JOBS")).state.messages == 1, "the others' stands"


async def test_its_owner_deletes_what_was_made_of_it_and_nobody_else(
    house, source, storage, empty_bus, workers
) -> None:
    async with house.open() as gateway:
        async with gateway.listening({"x-api-key": "ann-key"}) as ann:
            job = a_job(source, storage.bucket)
            await submit(empty_bus, job)
            await ann.job(job.id, "succeeded")
            await ann.first("asset:created", lambda news: news["asset"]["kind"] == "splat")
            asset = f"{place(source)}/splat-lift-heuristic"
            for who, status in (("cleo", 404), ("bob", 404), ("ann", 204)):
                answer = await gateway.client.delete(asset, headers={"x-api-key": f"{who}-key"})
                assert answer.status_code == status
            gone = await ann.first("asset:deleted", lambda news: True)
            assert (gone["source"]["id"], gone["key"]) == (source.id, "splat-lift-heuristic")
        assert [one["kind"] for one in (await gateway.get(place(source), "ann")).json()["assets"]] == ["depth"]
    recipe = job.recipes["splat"]
    manifest, _ = await read_manifest(storage, f"splats/{source.id}_lift-heuristic/{recipe}/manifest.json")
    assert (manifest.source, manifest.removed) == (source, "deleted")


async def test_who_sees_it_no_more_is_served_nothing_of_it_and_hears_nothing(
    house, source, storage, empty_bus, workers, studio
) -> None:
    async with house.open() as gateway:
        async with gateway.listening({"x-api-key": "bob-key"}) as bob:
            house.library.bob_sees.add("beach.jpg")
            house.library.videos["a-video"] = {"ann", "bob"}
            job = a_job(source, storage.bucket)
            job.source_name = "slow-summer.mov"
            await submit(empty_bus, job)
            await bob.job(job.id, "running")
            house.library.bob_sees.remove("beach.jpg")
            house.library.videos["a-video"] = {"ann"}
            (studio / "release").touch()
            own = (await gateway.post("hut.png", "splat", "bob")).json()["job"]["id"]
            await bob.job(own, "succeeded")
            assert "succeeded" not in {update["state"] for update in bob.updates(job.id)}
        assert (await gateway.get(place(source), "bob")).status_code == 404
        assert (await gateway.get(f"/api/jobs/{job.id}", "bob")).status_code == 404


async def test_a_source_of_no_kind_there_is_is_asked_for_in_vain(house) -> None:
    async with house.open() as gateway:
        unknown = await gateway.get("/api/jobs?source_kind=hologram&source_id=x", "ann")
        assert (unknown.status_code, unknown.json()["code"]) == (422, "invalid_source_kind")
        assert unknown.json()["accepted"] == ["photo", "video", "set", "scene"]
        for path in ("/api/holograms/x/assets", "/api/sets/set-nobody-made/assets", "/api/scenes/..%2Fx/assets"):
            assert (await gateway.get(path, "ann")).status_code == 404
