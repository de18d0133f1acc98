"""What today's code stores is read by the first release: whoever goes back loses nothing.

Its models are held against what is written as the schemas that it exported, its messages as `proto/baseline.binpb`.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import Message
from immichvr.events.v1.events_pb2 import AssetEvent, Job, JobEvent
from immichvr_common.arrivals import NAME
from immichvr_common.bus import Bus, ensure_streams
from immichvr_common.bus.reading import Unreadable
from immichvr_common.bus.subjects import read_subject
from immichvr_common.manifests import Manifest
from immichvr_common.sources import Source
from immichvr_common.testing.fixtures import ACK_WAIT_S
from immichvr_gateway.assets.index import entry_of
from immichvr_gateway.auth.sealed import SealedSessions, Session
from immichvr_gateway.jobs.projection import Position
from immichvr_gateway.jobs.reading import read_record
from immichvr_gateway.jobs.records import JobRecord, new_record
from immichvr_gateway.library import Identity
from immichvr_gateway.models.records import ModelRecord
from immichvr_gateway.requests.recipes import job_id
from immichvr_gateway.upkeep.tasks import save_position, stored_position
from jsonschema import Draft202012Validator, FormatChecker

RECORDED = Path(__file__).with_name("recorded")
SCHEMAS = json.loads((RECORDED / "schemas.json").read_text())
BASELINE = Path(__file__).parents[2] / "proto" / "baseline.binpb"
STACK = pytest.mark.asyncio(loop_scope="session")


def check(schema: str, written: bytes) -> Any:
    """What a model of the first release reads. Raises ValidationError where it would not."""
    found = json.loads(written)
    Draft202012Validator(SCHEMAS[schema], format_checker=FormatChecker()).validate(found)
    return found


@pytest.fixture(scope="module")
def messages() -> dict[str, type[Message]]:
    """The messages as the first release knew them, by name."""
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(BASELINE.read_bytes()).file:
        pool.Add(file)
    names = ("Job", "JobEvent", "AssetEvent", "ModelEvent")
    found = {name: pool.FindMessageTypeByName(f"immichvr.events.v1.{name}") for name in names}
    return {name: message_factory.GetMessageClass(one) for name, one in found.items()}


async def last_values(bus: Bus, stream: str) -> dict[str, bytes]:
    """The last value under each subject of a stream."""
    info = await bus.js.stream_info(stream, subjects_filter=">")
    found = {}
    for subject in info.state.subjects or {}:
        message = await bus.js.get_last_msg(stream, subject)
        if message.data and "KV-Operation" not in (message.headers or {}):
            found[subject] = message.data
    return found


@STACK
async def test_records_of_jobs_and_the_messages_in_them_are_read(upgraded, messages) -> None:
    records = [check("JobRecord", one) for one in (await last_values(upgraded.bus, "KV_jobs")).values()]
    assert {record["state"] for record in records} >= {"succeeded", "failed", "cancelled"}
    for record in records:
        job = json_format.ParseDict(record["message"], messages["Job"](), ignore_unknown_fields=True)
        assert (job.id, job.run) == (record["id"], record["run"])
        assert record["photo_id"] == job.photo_id
        if "source" in record:  # written since
            assert record["source"] == {"kind": "photo", "id": job.photo_id}
    assert any("source" in record for record in records)


@STACK
async def test_entries_of_assets_and_their_manifests_are_read(upgraded) -> None:
    entries = [check("AssetEntry", one) for one in (await last_values(upgraded.bus, "KV_assets")).values()]
    manifests = [check("Manifest", (await upgraded.store.get_bytes(one["manifest_key"])).data) for one in entries]
    assert {manifest["photo_id"] for manifest in manifests} >= {
        upgraded.recording.photo_id(name) for name in ("garden", "fern", "path")
    }
    for told in ("recipe", "photo_id"):
        assert [manifest[told] for manifest in manifests] == [entry[told] for entry in entries]
    for written in (entries, manifests):
        since = [one for one in written if "source" in one]
        assert since and all(one["source"] == {"kind": "photo", "id": one["photo_id"]} for one in since)


@STACK
async def test_events_say_to_it_what_they_say_now(upgraded, messages) -> None:
    ends = {}
    for subject, written in (await last_values(upgraded.bus, "EVENTS")).items():
        told = read_subject(subject)
        name = "Job" if told is None else {"job": "JobEvent", "asset": "AssetEvent", "model": "ModelEvent"}[told.what]
        event = json_format.Parse(written, messages[name](), ignore_unknown_fields=True)
        if told is not None and told.what == "asset":
            assert event.photo_id == told.about
        if told is not None and told.what == "job" and told.by is not None:
            ends[event.job_id] = type(event).DESCRIPTOR.fields_by_name["state"].enum_type.values[event.state].name
    path = upgraded.recording.job("path", "depth")["id"]
    assert ends[path] == "JOB_STATE_SUCCEEDED"


OF_SET = Source("set", "set-415f709f231628087389da6e02568293")


def a_job(source: Source) -> Job:
    job = Job(id=job_id("splat", source, "f00d"), kind="splat", run=1, requesters=["ann"])
    source.put(job)
    job.recipes["splat"] = "f00d"
    job.created_at.GetCurrentTime()
    return job


def its_record(job: Job) -> JobRecord:
    return new_record(job, f"jobs.ai.cpu.interactive.splat.{job.id}", "ann", {})


def its_manifest(source: Source) -> Manifest:
    return Manifest(
        kind="splat", source=source, source_version="v", model_key="sharp", recipe="f00d", files=[],
        job_id=job_id("splat", source, "f00d"), run=1, attempt=1, requested_at=datetime.now(UTC),
    )  # fmt: skip


def test_what_is_of_no_photo_is_read_and_taken_for_no_photos(messages) -> None:
    job, manifest = a_job(OF_SET), its_manifest(OF_SET)
    entry = entry_of(manifest)
    written = {"JobRecord": its_record(job), "Manifest": manifest, "AssetEntry": entry}
    for schema, model in written.items():
        assert check(schema, model.model_dump_json().encode())["photo_id"] == "", schema
    event = JobEvent(job_id=job.id, kind=job.kind, run=1, job=job)
    for name, message in {"Job": job, "JobEvent": event, "AssetEvent": AssetEvent()}.items():
        OF_SET.put(message)
        read = json_format.Parse(json_format.MessageToJson(message), messages[name](), ignore_unknown_fields=True)
        assert read.photo_id == "", name
    # That release has three words in the key of an entry, the first of which is a photo's id.
    assert entry.kv_key == "set=set-415f709f231628087389da6e02568293.splat.sharp"
    assert not NAME.fullmatch(entry.kv_key.partition(".")[0]), "no photo has such an id"


def test_a_photos_keys_and_ids_are_what_they_were() -> None:
    photo = Source.photo("6f1c0a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b")
    manifest = its_manifest(photo)
    assert manifest.key == f"splats/{photo.id}_sharp/f00d/manifest.json"
    assert entry_of(manifest).kv_key == f"{photo.id}.splat.sharp"
    assert a_job(photo).id == f"splat-{photo.id}-f00d"


def test_a_record_that_it_wrote_anew_is_of_its_source_still() -> None:
    record = its_record(a_job(OF_SET))
    known = SCHEMAS["JobRecord"]["properties"]
    rewritten = {name: value for name, value in json.loads(record.model_dump_json()).items() if name in known}
    assert "source" not in rewritten
    assert read_record(record.id, json.dumps(rewritten).encode()).source == OF_SET
    # Once it has published the job anew, nothing tells any more whose it is: nobody is shown it.
    for spelling in ("source", "photoId"):
        rewritten["message"].pop(spelling, None)
    with pytest.raises(Unreadable, match="of no source"):
        read_record(record.id, json.dumps(rewritten).encode())


@STACK
async def test_accepted_licences_and_states_of_models_are_read(upgraded) -> None:
    state = await last_values(upgraded.bus, "KV_state")
    assert check("Accepted", state["$KV.state.licence.da2-base"])["who"] == "local"
    assert check("ModelRecord", state["$KV.state.model.da2-base"])["error"]["code"] == "no_network"


def test_what_is_known_of_a_model_is_read() -> None:
    now = datetime.now(UTC)
    record = ModelRecord(key="da2-small", disk="ready", since=now, loaded={"ai": now}, at=now)
    check("ModelRecord", record.model_dump_json().encode())


async def test_how_far_events_were_read_is_a_number_and_says_of_which_stream(gateway_bus) -> None:
    place = Position(seq=17, begun=(await gateway_bus.js.stream_info("EVENTS")).created)
    await save_position(gateway_bus, place)
    assert int((await (await gateway_bus.js.key_value("state")).get("projection.events")).value) == 17
    assert await stored_position(gateway_bus) == place


async def test_a_session_is_opened(gateway_bus) -> None:
    sessions = SealedSessions("a key")
    sessions.use(gateway_bus)
    await sessions.put("session.ours", Session(Identity.local(), 4e9, "a mark"))
    sealed = (await (await gateway_bus.js.key_value("state")).get("session.ours")).value
    # As that release made a key of it: its sha256, in base64.
    facts = json.loads(Fernet(b"j6Oqsvqpt54KA5jaW1q9B4AUJEKlvoC5pkYI1xjLH80=").decrypt(sealed))
    assert {name: type(facts[name]) for name in ("user_id", "name", "kind", "secret")} == {
        "user_id": str, "name": str, "kind": str, "secret": str,
    }  # fmt: skip
    assert float(facts["expires"]) == 4e9


async def test_its_streams_and_durables_can_be_had_back_and_changed_again(gateway_bus) -> None:
    recorded = [json.loads(line) for line in (RECORDED / "nats.jsonl").read_text().splitlines()]
    for one in recorded:
        if "config" in one and one["stream"] in ("JOBS", "EVENTS", "DEAD"):
            what, config = f"STREAM.UPDATE.{one['stream']}", one["config"]
        elif "consumer" in one:
            what = f"CONSUMER.DURABLE.CREATE.{one['stream']}.{one['consumer']['durable_name']}"
            config = {"stream_name": one["stream"], "config": one["consumer"]}
        else:
            continue
        answer = await gateway_bus.client.request(f"$JS.API.{what}", json.dumps(config).encode())
        assert "error" not in json.loads(answer.data), (what, answer.data)
    await ensure_streams(gateway_bus, ACK_WAIT_S)
    assert (await gateway_bus.js.stream_info("JOBS")).config.republish is not None
