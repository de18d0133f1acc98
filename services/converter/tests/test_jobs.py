"""Jobs from a real queue: what they add to an asset, and how they fail."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr.events.v1.events_pb2 import JOB_STATE_FAILED, JOB_STATE_SUCCEEDED, Job, JobEvent
from immichvr_common.bus import Bus, connect, job_subject
from immichvr_common.manifests import AssetFile, Manifest, commit_manifest, manifest_key, read_manifest
from immichvr_common.processes.pool import ChildPool
from immichvr_common.reporting import encode
from immichvr_common.settings import WorkSettings
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from immichvr_common.testing.fixtures import gateway_connection
from immichvr_common.testing.jobs import Events, queue_is_empty
from immichvr_common.worker import Worker
from immichvr_converter.settings import CAPABILITY, ConverterSettings
from immichvr_splats import read, to_bytes

MODEL = "lift-heuristic"


# The worker's child, which takes seconds to begin, serves all tests.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def gateway_bus(nats_server) -> AsyncIterator[Bus]:
    async with gateway_connection(nats_server) as bus:
        yield bus


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def converter(nats_server, gateway_bus: Bus, objects: ObjectStore) -> AsyncIterator[Worker]:
    """A worker with the converter's rights, taking jobs."""
    bus = await connect(nats_server.settings("converter"), "converter")
    settings = WorkSettings(name="converter", stop_grace_s=0.5)
    pool = ChildPool(CAPABILITY)
    worker = Worker(ConverterSettings.service, bus, objects, pool, settings)
    running = asyncio.create_task(worker.run())
    yield worker
    await worker.stop()
    pool.close()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await bus.close()


async def existing_asset(objects: ObjectStore, photo: Source, data: bytes) -> ObjectRef:
    """A splat as the ai service leaves it: one SPZ and a manifest."""
    key = f"splats/{photo.id}_{MODEL}/r0/splat-1-1/splat.spz"
    ref = await objects.put_bytes(key, data, "application/x-spz")
    file = AssetFile(
        name="splat.spz", role="splat", format="spz", key=key,
        size=ref.size, sha256=ref.sha256, media_type=ref.media_type,
    )  # fmt: skip
    manifest = Manifest(
        kind="splat", source=photo, source_version="v1", model_key=MODEL, recipe="r0", files=[file],
        job_id=f"splat-{photo.id}-r0", run=1, attempt=1, requested_at=datetime.now(UTC),
    )  # fmt: skip
    await commit_manifest(objects, manifest)
    return ref


def new_job(photo: Source, source: ObjectRef | None, kind: str = "convert", **params: str | list) -> Job:
    name = "-".join(filter(None, (kind, params.get("to_format"), params.get("variant"))))
    job = Job(id=f"{name}-{photo.id}-r0", kind=kind, run=1, bucket="immichvr")
    photo.put(job)
    job.recipes["splat"] = "r0"
    job.params.update(params)
    if source is not None:
        job.inputs["splat"].CopyFrom(source)
    job.created_at.GetCurrentTime()
    return job


async def outcome(bus: Bus, job: Job) -> JobEvent:
    events = await Events(bus, job.id).open()
    await bus.publish(job_subject("converter", "cpu", "interactive", job.kind, job.id), encode(job))
    return await events.end()


async def test_conversions_add_their_files_to_the_asset(converter, gateway_bus, objects, make_cloud) -> None:
    photo = Source.photo(uuid.uuid4().hex)
    source = await existing_asset(objects, photo, to_bytes(make_cloud(300, degree=1), "spz"))
    ends = [
        await outcome(gateway_bus, new_job(photo, source, to_format="splat", model_key=MODEL)),
        await outcome(gateway_bus, new_job(photo, source, to_format="spz", variant="light", model_key=MODEL)),
    ]
    assert [end.state for end in ends] == [JOB_STATE_SUCCEEDED] * 2
    assert [phase.stage for phase in ends[0].timeline] == ["staged", "decoded", "packed", "stored"]
    key = manifest_key("splat", photo, MODEL, "r0")
    assert [end.outputs[0].manifest.key for end in ends] == [key, key]
    manifest, _ = await read_manifest(objects, key)
    files = {file.name: file for file in manifest.files}
    assert [(file.name, file.format, file.variant) for file in manifest.files] == [
        ("splat.spz", "spz", "full"),
        ("splat.splat", "splat", "full"),
        ("splat.light.spz", "spz", "light"),
    ]
    assert any(loss.startswith("splat.splat: spherical harmonics") for loss in manifest.losses)
    for name, format, count in (("splat.splat", "splat", 300), ("splat.light.spz", "spz", 150)):
        assert read((await objects.get_bytes(files[name].key)).data, format).cloud.count == count
    assert await queue_is_empty(gateway_bus)


async def test_one_job_makes_several_formats(converter, gateway_bus, objects, make_cloud) -> None:
    photo = Source.photo(uuid.uuid4().hex)
    source = await existing_asset(objects, photo, to_bytes(make_cloud(100), "spz"))
    wanted = ["sog", "compressed-ply", "ksplat"]
    end = await outcome(gateway_bus, new_job(photo, source, to_formats=wanted, ksplat_level=2, model_key=MODEL))
    assert end.state == JOB_STATE_SUCCEEDED
    manifest, _ = await read_manifest(objects, manifest_key("splat", photo, MODEL, "r0"))
    made = {file.name: file for file in manifest.files[1:]}
    assert list(made) == ["splat.sog", "splat.compressed.ply", "splat.ksplat"]
    for file in made.values():
        assert read((await objects.get_bytes(file.key)).data, file.format).cloud.count == 100


async def test_a_conversion_with_options_is_a_file_of_its_own_under_its_label(
    converter, gateway_bus, objects, make_cloud
) -> None:
    photo = Source.photo(uuid.uuid4().hex)
    source = await existing_asset(objects, photo, to_bytes(make_cloud(40), "spz"))
    wanted = {"to_format": "spz", "spz_version": 4, "frame": "rub", "model_key": MODEL}
    end = await outcome(gateway_bus, new_job(photo, source, label="v4.rub", **wanted))
    assert end.state == JOB_STATE_SUCCEEDED, end.error
    manifest, _ = await read_manifest(objects, manifest_key("splat", photo, MODEL, "r0"))
    assert [(file.name, file.role, file.variant) for file in manifest.files] == [
        ("splat.spz", "splat", "full"),
        ("splat.v4.rub.spz", "conversion", "v4.rub"),
    ]
    refused = await outcome(gateway_bus, new_job(Source.photo(uuid.uuid4().hex), source, label="../up", **wanted))
    assert refused.error.code == "unsupported_format"


async def test_a_lod_job_makes_an_octree_of_tiles_where_that_is_asked_for(
    converter, gateway_bus, objects, make_cloud
) -> None:
    photo = Source.photo(uuid.uuid4().hex)
    source = await existing_asset(objects, photo, to_bytes(make_cloud(300), "spz"))
    end = await outcome(gateway_bus, new_job(photo, source, kind="lod", tile_gaussians=60, model_key=MODEL))
    assert end.state == JOB_STATE_SUCCEEDED, end.error
    manifest, _ = await read_manifest(objects, manifest_key("splat", photo, MODEL, "r0"))
    tiles = {file.name: file for file in manifest.files if file.role == "tile"}
    [index] = [file for file in manifest.files if file.role == "tiles"]
    tree = json.loads((await objects.get_bytes(index.key)).data)
    assert (tree["count"], tree["root"]["file"]) == (300, "r.spz")
    leaves, open_nodes = 0, [tree["root"]]
    while open_nodes:
        node = open_nodes.pop()
        data = (await objects.get_bytes(tiles.pop(node["file"]).key)).data
        assert (len(data), read(data, "spz").cloud.count) == (node["bytes"], node["count"])
        leaves += 0 if node["children"] else node["count"]
        open_nodes += node["children"]
    assert (leaves, tiles) == (300, {})
    too_fine = await outcome(
        gateway_bus, new_job(Source.photo(uuid.uuid4().hex), source, kind="lod", tile_gaussians=1, model_key=MODEL)
    )
    assert "at least 2" in too_fine.error.message


async def test_a_lod_job_adds_levels_and_their_index(converter, gateway_bus, objects, make_cloud) -> None:
    photo = Source.photo(uuid.uuid4().hex)
    source = await existing_asset(objects, photo, to_bytes(make_cloud(300), "spz"))
    job = new_job(photo, source, kind="lod", levels=["preview", "full"], counts=[50], model_key=MODEL)
    end = await outcome(gateway_bus, job)
    assert end.state == JOB_STATE_SUCCEEDED, end.error
    manifest, _ = await read_manifest(objects, manifest_key("splat", photo, MODEL, "r0"))
    files = {file.name: file for file in manifest.files}
    assert [(file.name, file.role, file.variant) for file in manifest.files] == [
        ("splat.spz", "splat", "full"),
        ("splat.lod-50.spz", "level", "lod-50"),
        ("splat.full.spz", "level", "full"),
        ("levels.json", "levels", "full"),
    ]
    index = json.loads((await objects.get_bytes(files["levels.json"].key)).data)
    assert (index["count"], [(one["file"], one["count"]) for one in index["levels"]]) == (
        300, [("splat.lod-50.spz", 50), ("splat.full.spz", 300)],
    )  # fmt: skip
    for level in index["levels"]:
        data = (await objects.get_bytes(files[level["file"]].key)).data
        assert (len(data), read(data, "spz").cloud.count) == (level["bytes"], level["count"])
    wrong = await outcome(
        gateway_bus, new_job(Source.photo(uuid.uuid4().hex), source, kind="lod", levels=["tiny"], model_key=MODEL)
    )
    assert wrong.error.code == "invalid_request"
    assert "preview, medium, full" in wrong.error.message


async def test_a_job_that_cannot_be_done_fails_with_the_reason_and_leaves_the_queue(
    converter, gateway_bus, objects, make_cloud
) -> None:
    photo = Source.photo(uuid.uuid4().hex)
    good = await existing_asset(objects, photo, to_bytes(make_cloud(30), "spz"))
    bad = await objects.put_bytes(f"sources/{photo.id}", b"ply\nnot really", "application/x-ply")
    asked = {
        "invalid_splat": new_job(photo, bad, to_format="ply", model_key=MODEL),
        "unsupported_format": new_job(photo, good, to_format="obj", model_key=MODEL),
        "not_found": new_job(photo, good, to_format="splat", model_key="no-such-model"),
        "invalid_request": new_job(photo, good, to_format="spz", model_key="../elsewhere"),
    }
    for code, job in asked.items():
        end = await outcome(gateway_bus, job)
        assert (end.state, end.error.code, end.error.retriable) == (JOB_STATE_FAILED, code, False)
    manifest, _ = await read_manifest(objects, manifest_key("splat", photo, MODEL, "r0"))
    assert [file.name for file in manifest.files] == ["splat.spz"]
    assert await queue_is_empty(gateway_bus)
