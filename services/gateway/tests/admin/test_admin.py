"""An operator's commands, over what a real gateway and workers left behind."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import tarfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from immichvr_catalog import CLASSES, POOLS
from immichvr_common.bus import durable_name, ensure_streams, job_subject, read_bucket
from immichvr_common.bus.streams import JOBS
from immichvr_common.errors import ClockSkew, Conflict, CorruptObject, InvalidRequest
from immichvr_common.manifests import parse_manifest
from immichvr_gateway.admin import draining
from immichvr_gateway.admin.backup import NotABackup, backup, restore
from immichvr_gateway.admin.collect import collect
from immichvr_gateway.admin.draining import pause, resume, until_idle
from immichvr_gateway.admin.rebuild import forget_what_can_be_told_anew
from immichvr_gateway.admin.verify import verify
from immichvr_gateway.retention.keeper import turn_of
from immichvr_gateway.settings import RetentionSettings
from immichvr_gateway.upkeep.turns import Turn


@pytest.fixture
async def left(serving, settings, workers, empty_bus):
    """What lies there after two splats and a photo that cannot be read: the jobs, as the gateway showed them."""
    async with serving(settings) as gateway:
        page = (await gateway.get("/api/photos?limit=500")).json()
        gateway.ids = {photo["name"]: photo["id"] for photo in page["items"]}
        async with gateway.listening() as live:
            for name in ("beach.jpg", "hut.png"):
                await gateway.make(live, name, "splat")
            await gateway.make(live, "fail-fog.jpg", "depth")
        return (await gateway.get("/api/jobs")).json(), (await gateway.get("/api/assets/map")).json()


async def test_what_is_whole_is_counted_and_nothing_is_changed(left, empty_bus, storage) -> None:
    keys = await storage.list_keys("")
    findings = await verify(empty_bus, storage, read_contents=True)
    assert (findings.broken, findings.strays, findings.unbacked, findings.unrecorded) == ([], {}, [], [])
    assert findings.assets == left[1]["count"] * 2  # each splat with the depth it was made of
    assert await storage.list_keys("") == keys


async def test_what_is_lost_cut_off_or_changed_is_named(left, empty_bus, storage) -> None:
    splats = sorted(key for key in await storage.list_keys("splats/") if key.endswith(".spz"))
    depths = sorted(key for key in await storage.list_keys("depth/") if key.endswith(".png"))
    manifest = sorted(key for key in await storage.list_keys("depth/") if key.endswith("/manifest.json"))[1]
    changed = (await storage.get_bytes(splats[1])).data[::-1]
    await storage.delete(splats[0])
    await storage.put_bytes(splats[1], changed, "application/x-spz")
    await storage.put_bytes(depths[0], b"", "image/png")
    await storage.put_bytes(manifest, b"{", "application/json")
    await storage.put_bytes("splats/nobody_lift-heuristic/0123/left-over.spz", b"four", "application/x-spz")

    findings = await verify(empty_bus, storage, read_contents=True)
    assert {one.key for one in findings.broken} == {splats[0], splats[1], depths[0], manifest}
    assert findings.strays == {"splats/nobody_lift-heuristic/0123/left-over.spz": 4}
    assert (findings.assets, findings.looked) == (0, 3)
    # Without reading contents, one that has its size is not seen through.
    assert {one.key for one in (await verify(empty_bus, storage)).broken} == {splats[0], depths[0], manifest}


async def test_a_record_whose_manifest_is_gone_is_named(left, empty_bus, storage) -> None:
    key = next(key for key in await storage.list_keys("splats/") if key.endswith("/manifest.json"))
    await storage.delete(key)
    findings = await verify(empty_bus, storage)
    assert [one.split(".")[1] for one in findings.unbacked] == ["splat"]
    assert findings.broken == []


async def test_a_copy_is_put_back_onto_an_empty_cluster(
    left, serving, settings, empty_bus, storage, tmp_path: Path
) -> None:
    before = {name: await _values(empty_bus, name) for name in ("jobs", "assets", "state")}
    copy = tmp_path / "copy.tar.gz"
    wrote = await backup(empty_bus, storage, copy)
    assert copy.stat().st_mode & 0o777 == 0o600
    await _lose_everything(empty_bus, storage)

    read = await restore(empty_bus, storage, copy)
    assert (read.kv, read.objects, read.kept) == (wrote.kv, wrote.objects, 0)
    for name, values in before.items():
        there = await _values(empty_bus, name)
        assert there == {key: value for key, value in values.items() if key != "projection.events"}
    async with serving(settings) as gateway:
        assert (await gateway.get("/api/jobs")).json() == left[0]

    again = await restore(empty_bus, storage, copy)
    assert (again.kv, again.objects) == (0, 0)
    assert again.kept == wrote.kv + wrote.objects


async def test_records_are_told_anew_as_they_were(left, serving, settings, empty_bus, storage) -> None:
    gone = await forget_what_can_be_told_anew(empty_bus)
    assert gone == {"assets": left[1]["count"] * 2, "jobs": 3}
    async with serving(settings) as gateway:
        async with asyncio.timeout(20):
            while (await gateway.get("/api/jobs")).json() != left[0]:  # noqa: ASYNC110  # nobody tells of records
                await asyncio.sleep(0.05)
        assert (await gateway.get("/api/assets/map")).json() == left[1]


async def test_what_was_deleted_is_put_back_too(left, empty_bus, storage, tmp_path: Path) -> None:
    before = {name: await _values(empty_bus, name) for name in ("jobs", "assets")}
    copy = tmp_path / "copy.tar.gz"
    await backup(empty_bus, storage, copy)
    await forget_what_can_be_told_anew(empty_bus)
    assert await _values(empty_bus, "jobs") == {}
    await restore(empty_bus, storage, copy)
    assert {name: await _values(empty_bus, name) for name in before} == before


async def test_what_goes_while_a_copy_is_made_does_not_end_it_and_what_is_damaged_is_named(
    left, empty_bus, storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifests = [key for key in await storage.list_keys("") if key.endswith("/manifest.json")]
    read = storage.get_bytes

    async def get_bytes(key: str):
        if key == manifests[0]:
            await storage.delete(key)
        if key == manifests[1]:
            raise CorruptObject(f"{key} is damaged", key)
        return await read(key)

    monkeypatch.setattr(storage, "get_bytes", get_bytes)
    counts = await backup(empty_bus, storage, tmp_path / "copy.tar.gz")
    assert counts.objects == len(manifests) - 2
    assert [one.partition(":")[0] for one in counts.left_out] == [manifests[1]]


async def test_what_changes_while_it_looks_alarms_nobody(left, empty_bus, storage, monkeypatch) -> None:
    key = next(key for key in await storage.list_keys("splats/") if key.endswith("/manifest.json"))
    read, record = storage.get_bytes, next(iter(await _values(empty_bus, "assets")))

    async def get_bytes(wanted: str):
        stored = await read(wanted)
        if wanted != key:
            return stored
        # Made anew since it was listed, under another name; and another asset was taken off.
        manifest = parse_manifest(stored.data, key)
        await empty_bus.kv("assets").delete(record)
        file = manifest.files[0].model_copy(update={"key": f"{manifest.files[0].key}.anew"})
        await storage.put_bytes(file.key, (await read(manifest.files[0].key)).data, file.media_type)
        renewed = manifest.model_copy(update={"files": [file, *manifest.files[1:]]})
        return replace(stored, data=renewed.encode())

    monkeypatch.setattr(storage, "get_bytes", get_bytes)
    findings = await verify(empty_bus, storage)
    assert (findings.broken, findings.unbacked) == ([], [])


async def test_what_nobody_names_goes_after_its_grace_and_nothing_else(
    left, empty_bus, storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = set(await storage.list_keys(""))
    stray = "splats/nobody_lift-heuristic/0123/left-over.spz"
    await storage.put_bytes(stray, b"four", "application/x-spz")
    settings = RetentionSettings(source_hours=1000)
    assert not (await collect(empty_bus, storage, settings)).report.gone["orphan"].objects
    now = await storage.clock()

    async def clock() -> datetime:
        return now + timedelta(hours=settings.grace_hours, minutes=1)

    monkeypatch.setattr(storage, "clock", clock)
    report = (await collect(empty_bus, storage, settings, dry_run=True)).report
    assert (report.gone["orphan"].objects, report.gone["orphan"].bytes) == (1, 4)
    assert set(await storage.list_keys("")) == {*kept, stray}
    await collect(empty_bus, storage, settings)
    assert set(await storage.list_keys("")) == kept
    assert (await verify(empty_bus, storage)).broken == []


async def test_two_do_not_tidy_up_at_once(left, empty_bus, storage) -> None:
    holder = turn_of(empty_bus)
    assert await holder.take()

    async def renew() -> None:
        while await holder.take():  # noqa: ASYNC110  # as a gateway does between two pages
            await asyncio.sleep(0.02)

    renewing = asyncio.create_task(renew())
    with pytest.raises(Conflict, match="nothing was done here"):
        await collect(empty_bus, storage, RetentionSettings(), turn=turn_of(empty_bus, patience_s=0.3))
    renewing.cancel()
    # Of one that has gone without giving it up there is no more to wait for than its patience.
    assert (await collect(empty_bus, storage, RetentionSettings(), turn=turn_of(empty_bus, patience_s=0.3))).is_whole
    assert await turn_of(empty_bus).take()


async def test_who_loses_the_turn_in_the_middle_tells_what_was_done_until_then(left, empty_bus, storage) -> None:
    class Lost(Turn):
        async def take(self) -> bool:
            if self.is_mine:
                await empty_bus.kv("state").put("retention.turn", b"another")
            return await super().take()

    done = await collect(empty_bus, storage, RetentionSettings(), turn=Lost(empty_bus, "retention"))
    assert not done.is_whole
    assert sum(one.objects for one in done.report.kept.values()) > 0
    assert (await empty_bus.kv("state").get("retention.turn")).value == b"another"


async def test_who_only_looks_writes_nothing_of_lost_and_unknown_assets_either(left, empty_bus, storage) -> None:
    manifests = sorted(key for key in await storage.list_keys("splats/") if key.endswith("/manifest.json"))
    for key in await storage.list_keys(manifests[0].rpartition("/")[0] + "/"):
        if key.endswith(".spz"):
            await storage.delete(key)
    await empty_bus.kv("assets").delete(next(iter(await _values(empty_bus, "assets"))))
    before = {name: await _values(empty_bus, name) for name in ("jobs", "assets", "state")}
    stored = {key: (await storage.get_bytes(key)).data for key in await storage.list_keys("")}
    await collect(empty_bus, storage, RetentionSettings(), dry_run=True)
    assert {name: await _values(empty_bus, name) for name in before} == before
    assert {key: (await storage.get_bytes(key)).data for key in await storage.list_keys("")} == stored
    await collect(empty_bus, storage, RetentionSettings())
    assert {name: await _values(empty_bus, name) for name in before} != before


async def test_records_put_back_beside_later_ones_are_brought_on_from_the_older_version(
    empty_bus, storage, tmp_path: Path
) -> None:
    state, copy = empty_bus.kv("state"), tmp_path / "copy.tar.gz"
    await state.put("records.version", b'{"version":1,"read_since":1}')
    await turn_of(empty_bus).take()
    await backup(empty_bus, storage, copy)
    await state.put("records.version", b'{"version":3,"read_since":2}')
    await state.delete("retention.turn")
    await restore(empty_bus, storage, copy)
    assert json.loads((await state.get("records.version")).value) == {"version": 1, "read_since": 2}
    assert (await state.get("retention.turn")).value is None


async def test_drained_workers_finish_what_they_have_and_begin_nothing_until_they_are_let(
    serving, settings, workers, studio, empty_bus, monkeypatch
) -> None:
    monkeypatch.setattr("immichvr_gateway.startup._QUEUE_S", 0.2)
    async with serving(settings) as gateway:
        page = (await gateway.get("/api/photos?limit=500")).json()
        gateway.ids = {photo["name"]: photo["id"] for photo in page["items"]}
        async with gateway.listening() as live:
            running = (await gateway.post("slow-lake.jpg", "depth")).json()["job"]
            await live.job(running["id"], "running")
            until = await pause(empty_bus, ["ai"], timedelta(hours=1))
            waiting = (await gateway.post("beach.jpg", "depth")).json()["job"]
            # Longer than a lease lasts: the worker that has it says that it goes on.
            assert await until_idle(empty_bus, ["ai"], settings.lease_s * 1.5) == 1
            await ensure_streams(empty_bus, settings.lease_s)  # as a gateway does that starts meanwhile
            (studio / "release").touch()
            assert (await live.job(running["id"]))["state"] == "succeeded"
            assert await until_idle(empty_bus, ["ai"], 10) == 0
            shown = (await gateway.get(f"/api/jobs/{waiting['id']}")).json()
            assert shown["state"] == "queued"
            assert abs(datetime.fromisoformat(shown["place"]["paused_until"]) - until) < timedelta(seconds=5)
            await resume(empty_bus, ["ai"])
            assert (await live.job(waiting["id"]))["state"] == "succeeded"


async def test_what_a_worker_had_that_died_is_not_waited_for_longer_than_a_lease(empty_bus, settings) -> None:
    await ensure_streams(empty_bus, settings.lease_s)
    subject, durable = job_subject("ai", "cpu", "batch", "depth", "of-the-dead"), durable_name("ai", "cpu", "batch")
    await empty_bus.publish(subject, b"")
    async with empty_bus.pulling(JOBS, durable) as puller:
        assert await puller.next(5) is not None
    await pause(empty_bus, ["ai"], timedelta(hours=1))
    assert await until_idle(empty_bus, ["ai"], 0) == 1
    assert await until_idle(empty_bus, ["ai"], 60) == 0
    assert (await empty_bus.consumer(JOBS, durable)).num_ack_pending == 1, "NATS counts it still"
    await empty_bus.purge(JOBS, subject)
    await resume(empty_bus, ["ai"])


@pytest.mark.parametrize("minutes", [-120, 120])
async def test_where_clocks_differ_nobody_is_paused_for_another_time_than_was_said(
    empty_bus, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    class Elsewhere(datetime):
        @classmethod
        def now(cls, tz=None) -> datetime:
            return datetime.now(tz) + timedelta(minutes=minutes)

    monkeypatch.setattr(draining, "datetime", Elsewhere)
    with pytest.raises(ClockSkew, match="its clock is another"):
        await pause(empty_bus, ["ai"], timedelta(hours=1))
    for durable in (f"ai-{pool}-{job_class}" for pool in POOLS for job_class in CLASSES):
        assert not (await empty_bus.consumer("JOBS", durable)).paused


async def test_a_service_that_is_none_is_not_drained(empty_bus) -> None:
    with pytest.raises(InvalidRequest, match="there are: ai"):
        await pause(empty_bus, ["gateway"], timedelta(hours=1))


async def test_a_file_that_is_no_backup_writes_nothing(empty_bus, storage, tmp_path: Path) -> None:
    about = ("backup.json", json.dumps({"format": 1}).encode())
    bad = {
        "no tar": b"PK\x03\x04 something else",
        "another tar": _tar([("readme.txt", b"hello")]),
        "a later format": _tar([("backup.json", b'{"format": 2}')]),
        "another bucket": _tar([about, ("kv/cancels/x", b"1")]),
        "a way out": _tar([about, ("s3/splats/../canary", b"1")]),
        "another prefix": _tar([about, ("s3/sources/x/y", b"1")]),
        "a link": _tar([about, ("s3/splats/a_b/c/manifest.json", None)]),
    }
    for name, data in bad.items():
        path = tmp_path / f"{name}.tar.gz"
        path.write_bytes(data)
        with pytest.raises(NotABackup):
            await restore(empty_bus, storage, path)
    assert await storage.list_keys("splats/") == []
    assert await _values(empty_bus, "cancels") == {}


async def test_a_copy_that_was_cut_off_says_so(left, empty_bus, storage, tmp_path: Path) -> None:
    copy = tmp_path / "copy.tar.gz"
    await backup(empty_bus, storage, copy)
    copy.write_bytes(copy.read_bytes()[:-200])
    with pytest.raises(NotABackup, match="cut off"):
        await restore(empty_bus, storage, copy)


async def _values(bus, name: str) -> dict[str, bytes]:
    return {key: kept.value for key, kept in (await read_bucket(bus, name)).items() if kept.value}


async def _lose_everything(bus, storage) -> None:
    for name in ("KV_jobs", "KV_assets", "KV_state", "EVENTS", "JOBS"):
        await bus.js.purge_stream(name)
    for key in await storage.list_keys(""):
        await storage.delete(key)


def _tar(members: list[tuple[str, bytes | None]]) -> bytes:
    """A gzipped tar of these members; one without contents is a link."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, data in members:
            member = tarfile.TarInfo(name)
            if data is None:
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            member.size = len(data or b"")
            tar.addfile(member, io.BytesIO(data or b""))
    return gzip.compress(plain.getvalue())
