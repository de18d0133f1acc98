"""Objects, conditions and manifests on a real SeaweedFS."""

import asyncio
import hashlib
import json
import random
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import minio.time
import pytest
from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr.events.v1.events_pb2 import Job
from immichvr_common import manifests
from immichvr_common.assets import commit_asset, is_of_job, upload_files
from immichvr_common.embedded import SeaweedServer, free_ports
from immichvr_common.errors import ClockSkew, Conflict, Contended, CorruptObject, NotFound, SourceReplaced, Unavailable
from immichvr_common.manifests import AssetFile, Manifest, add_files, commit_manifest, read_manifest
from immichvr_common.settings import S3Settings
from immichvr_common.sources import Source
from immichvr_common.storage import CHUNK, ObjectStore
from immichvr_common.storage_download import Download
from immichvr_common.tasks import Made, MadeFile


def a_manifest(
    run: int = 1, attempt: int = 1, recipe: str = "r0", minutes: int = 0, job_id: str = "splat-p1-r0"
) -> Manifest:
    return Manifest(
        kind="splat",
        source=Source.photo("p1"),
        source_version="v1",
        model_key="lift-trial",
        recipe=recipe,
        files=[],
        job_id=job_id,
        run=run,
        attempt=attempt,
        requested_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes),
    )


def a_file(name: str, size: int = 1, sha256: str = "0") -> AssetFile:
    return AssetFile(name=name, role="splat", format="spz", key=f"k/{name}", size=size, sha256=sha256, media_type="x/y")


async def test_a_file_comes_back_as_it_was_stored(store: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.write_bytes(bytes(range(256)) * 100_000)
    ref = await store.put_file("files/a", source, "application/octet-stream")
    await store.get_file(ref, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == source.read_bytes()
    part = b"".join([chunk async for chunk in store.stream("files/a", 255, 3)])
    assert part == bytes([255, 0, 1])


async def test_an_object_that_is_not_what_its_reference_says_is_refused(store: ObjectStore, tmp_path: Path) -> None:
    ref = await store.put_bytes("files/b", b"abc", "text/plain")
    ref.sha256 = "0" * 64
    with pytest.raises(CorruptObject):
        await store.get_file(ref, tmp_path / "out")


async def test_what_is_missing_is_not_found(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await store.get_bytes("files/missing")
    with pytest.raises(NotFound):
        await store.get_file(ObjectRef(key="files/missing"), tmp_path / "out")
    assert not await store.exists("files/missing")


async def test_storage_that_is_down_is_unavailable_within_seconds() -> None:
    store = ObjectStore(S3Settings(endpoint=f"http://127.0.0.1:{free_ports(1)[0]}", access_key="a", secret_key="b"))
    with pytest.raises(Unavailable) as caught:
        await asyncio.wait_for(store.get_bytes("x"), 10)
    assert caught.value.down == "s3"
    store.close()


async def test_a_wrong_secret_is_refused(weed: SeaweedServer) -> None:
    settings = weed.settings().model_copy(update={"secret_key": S3Settings(secret_key="wrong").secret_key})
    store = ObjectStore(settings)
    with pytest.raises(Exception, match="refused"):
        await store.put_bytes("x", b"", "text/plain")
    store.close()


async def test_of_two_attempts_of_one_run_the_first_to_commit_counts(store: ObjectStore) -> None:
    first, second = a_manifest(attempt=2, recipe="race"), a_manifest(attempt=1, recipe="race")
    stands, also = await asyncio.gather(commit_manifest(store, first), commit_manifest(store, second))
    assert stands == also
    stored, _ = await read_manifest(store, first.key)
    assert stored == stands


async def test_a_run_asked_for_later_replaces_and_an_older_one_that_wakes_up_does_not(store: ObjectStore) -> None:
    await commit_manifest(store, a_manifest(run=1, recipe="force"))
    await commit_manifest(store, a_manifest(run=2, recipe="force", minutes=1))
    stands = await commit_manifest(store, a_manifest(run=1, attempt=2, recipe="force"))
    assert (stands.run, stands.revision) == (2, 2)


async def test_a_later_run_counts_though_the_clock_of_whoever_asked_was_put_back(store: ObjectStore) -> None:
    await commit_manifest(store, a_manifest(run=1, recipe="back"))
    stands = await commit_manifest(store, a_manifest(run=2, recipe="back", minutes=-10))
    assert (stands.run, stands.revision) == (2, 2)
    late = await commit_manifest(store, a_manifest(run=1, attempt=2, recipe="back", minutes=-20))
    assert late.run == 2


async def test_a_first_run_counts_where_whoever_counts_runs_had_forgotten_the_job(store: ObjectStore) -> None:
    await commit_manifest(store, a_manifest(run=3, recipe="forgotten"))
    stands = await commit_manifest(store, a_manifest(run=1, recipe="forgotten", minutes=1))
    assert (stands.run, stands.revision) == (1, 2)


async def test_each_run_of_two_jobs_that_make_the_same_asset_has_its_say_once(store: ObjectStore) -> None:
    def of(job: str, run: int) -> Manifest:
        return a_manifest(run=run, recipe="two", job_id=job)

    said = [of("depth-p1-two", 1), of("splat-p1-two", 1), of("depth-p1-two", 1), of("depth-p1-two", 2)]
    stands = [await commit_manifest(store, one) for one in said]
    assert [(one.job_id, one.run, one.revision) for one in stands] == [
        ("depth-p1-two", 1, 1), ("splat-p1-two", 1, 2), ("splat-p1-two", 1, 2), ("depth-p1-two", 2, 3),
    ]  # fmt: skip


async def test_a_manifest_of_before_changes_were_counted_is_replaced_by_the_next_run(store: ObjectStore) -> None:
    old = a_manifest(recipe="old").model_dump(mode="json", exclude={"revision", "earlier"})
    key = a_manifest(recipe="old").key
    await store.put_bytes(key, json.dumps(old).encode(), "application/json")
    assert (await commit_manifest(store, a_manifest(attempt=2, recipe="old"))).revision == 0
    assert (await commit_manifest(store, a_manifest(run=2, recipe="old"))).revision == 1


async def test_files_added_by_many_at_once_are_all_kept(store: ObjectStore) -> None:
    manifest = await commit_manifest(store, a_manifest(recipe="add"))
    await asyncio.gather(*(add_files(store, manifest.key, [a_file(f"f{i}.spz")], [f"loss {i}"]) for i in range(4)))
    await add_files(store, manifest.key, [a_file("f0.spz", size=9)], [])
    merged, _ = await read_manifest(store, manifest.key)
    assert sorted((file.name, file.size) for file in merged.files) == [
        ("f0.spz", 9), ("f1.spz", 1), ("f2.spz", 1), ("f3.spz", 1),
    ]  # fmt: skip
    assert merged.losses == ["loss 0", "loss 1", "loss 2", "loss 3"]


@pytest.mark.parametrize("count", [24, pytest.param(64, marks=pytest.mark.long)])
async def test_files_that_dozens_add_at_the_same_moment_are_all_kept(store: ObjectStore, count: int) -> None:
    manifest = await commit_manifest(store, a_manifest(recipe="crowd"))
    await asyncio.gather(*(add_files(store, manifest.key, [a_file(f"f{i}.spz")], []) for i in range(count)))
    merged, _ = await read_manifest(store, manifest.key)
    assert (len(merged.files), merged.revision) == (count, count + 1)


async def test_whoever_never_gets_a_turn_is_told_to_try_again(store: ObjectStore, monkeypatch) -> None:
    async def never(*_: object) -> str:
        raise Conflict("somebody else")

    manifest = await commit_manifest(store, a_manifest(recipe="unlucky"))
    monkeypatch.setattr(store, "put_if", never)
    monkeypatch.setattr(manifests, "_PATIENCE_S", 0.1)
    with pytest.raises(Contended) as caught:
        await add_files(store, manifest.key, [a_file("f.spz")], [])
    assert caught.value.retriable


async def test_what_was_made_of_a_splat_joins_no_other_that_replaced_it(store: ObjectStore) -> None:
    first = a_manifest(recipe="replaced").model_copy(update={"files": [a_file("a.ply", sha256="aa")]})
    await commit_manifest(store, first)
    await add_files(store, first.key, [a_file("early.spz")], [], ["aa"])
    await commit_manifest(store, first.model_copy(update={"run": 2, "files": [a_file("a.ply", sha256="bb")]}))
    with pytest.raises(SourceReplaced) as caught:
        await add_files(store, first.key, [a_file("late.spz")], [], ["aa"])
    assert (caught.value.code, caught.value.retriable) == ("source_replaced", True)
    assert [file.name for file in (await read_manifest(store, first.key))[0].files] == ["a.ply"]


async def test_a_conditional_write_that_comes_second_conflicts(store: ObjectStore) -> None:
    etag = await store.put_if("cond/a", b"1", "text/plain", None)
    with pytest.raises(Conflict):
        await store.put_if("cond/a", b"2", "text/plain", None)
    await store.put_if("cond/a", b"3", "text/plain", etag)
    with pytest.raises(Conflict):
        await store.put_if("cond/a", b"4", "text/plain", etag)
    assert (await store.get_bytes("cond/a")).data == b"3"


async def test_a_file_that_another_attempt_adds_again_leaves_the_manifest_as_it_is(store) -> None:
    manifest = await commit_manifest(store, a_manifest(recipe="again"))
    first = a_file("more.spz")
    await add_files(store, manifest.key, [first], [])
    before, _ = await read_manifest(store, manifest.key)
    await add_files(store, manifest.key, [first.model_copy(update={"key": "k/of-another-attempt"})], [])
    after, _ = await read_manifest(store, manifest.key)
    assert after == before


async def test_two_jobs_that_add_a_file_of_the_same_name_never_mix_their_bytes(store, tmp_path: Path) -> None:
    manifest = await commit_manifest(store, a_manifest(recipe="levels"))
    keys = []
    for own in ("aaaa", "bbbb"):
        job = Job(id=f"lod-{manifest.source.id}-{own}", kind="lod", run=1)
        manifest.source.put(job)
        job.recipes[manifest.kind] = manifest.recipe
        (tmp_path / "levels.json").write_text(own)
        file = MadeFile("levels.json", "levels", "json", "application/json")
        made = Made(kind=manifest.kind, model_key=manifest.model_key, files=[file], extends=True)
        await commit_asset(store, job, 1, made, await upload_files(store, job, 1, made, tmp_path))
        [added] = [one for one in (await read_manifest(store, manifest.key))[0].files if one.name == file.name]
        keys.append(added.key)
        assert [is_of_job(added, f"lod-{manifest.source.id}-{one}") for one in ("aaaa", "bbbb")] == [
            own == "aaaa", own == "bbbb",
        ]  # fmt: skip
    assert [(await store.get_bytes(key)).data for key in keys] == [b"aaaa", b"bbbb"]


async def test_who_leaves_in_the_middle_of_a_file_leaves_nothing_behind(store: ObjectStore) -> None:
    await store.put_bytes("files/long", bytes(20_000_000), "application/octet-stream")

    async def read() -> None:
        async for _ in store.stream("files/long"):
            pass

    left = 0
    for tenths_of_ms in range(0, 100, 4):
        reading = asyncio.create_task(read())
        await asyncio.sleep(tenths_of_ms / 10_000)
        reading.cancel()
        await asyncio.wait((reading,))
        left += reading.cancelled()
    assert left > 5  # a machine that pauses lets some of them read to the end
    assert sum([len(chunk) async for chunk in store.stream("files/long")]) == 20_000_000


async def test_the_next_chunk_is_read_while_the_one_before_is_given_on_and_nothing_beyond_the_last(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.put_bytes("files/ahead", bytes(3 * CHUNK), "application/octet-stream")
    begun: list[int] = []
    second = threading.Event()
    read = Download.read

    def noting(download: Download) -> bytes:
        begun.append(len(begun))
        if len(begun) == 2:
            second.set()
        return read(download)

    monkeypatch.setattr(Download, "read", noting)
    chunks = store.stream("files/ahead")
    first = await anext(chunks)
    assert await asyncio.to_thread(second.wait, 10)
    assert first + b"".join([chunk async for chunk in chunks]) == bytes(3 * CHUNK)
    assert len(begun) == 3


class Held:
    """An answer of storage whose second chunk comes when a test says so."""

    def __init__(self) -> None:
        self.headers = {"content-length": str(3 * CHUNK)}
        self.asked, self.comes = threading.Event(), threading.Event()
        self.calls: list[str] = []

    def stream(self, size: int) -> Iterator[bytes]:
        yield bytes(size)
        self.asked.set()
        assert self.comes.wait(10)
        yield bytes(size)

    def close(self) -> None:
        self.calls.append("close")

    def release_conn(self) -> None:
        self.calls.append("release")


async def test_who_leaves_while_storage_is_slow_holds_no_thread_beside_the_one_that_reads(
    weed: SeaweedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, held = ObjectStore(weed.settings().model_copy(update={"threads": 2})), Held()
    monkeypatch.setattr(ObjectStore, "_download", lambda *_: Download(cast(Any, held), CHUNK))
    chunks = store.stream("files/slow")
    try:
        await anext(chunks)
        assert await asyncio.to_thread(held.asked.wait, 10)
        async with asyncio.timeout(5):
            await chunks.aclose()
            assert not await store.exists("files/none"), "the other thread is free"
        assert held.calls == [], "a thread reads"
        held.comes.set()
        both = [store.exists("files/none") for _ in range(8)]
        assert not any(await asyncio.gather(*both))
    finally:
        held.comes.set()
        await asyncio.to_thread(store._threads.shutdown)
        store.close()
    assert held.calls == ["close", "release"]


def test_a_download_that_is_closed_is_given_back_once_and_read_no_more() -> None:
    held = Held()
    download = Download(cast(Any, held), CHUNK)
    assert len(download.read()) == CHUNK
    for _ in range(2):
        download.close()
    assert download.read() == b""
    assert held.calls == ["close", "release"]


async def pieces(data: bytes, size: int = 700_001, fails: BaseException | None = None) -> AsyncIterator[bytes]:
    """The bytes as a library gives them, and in the end a failure."""
    for start in range(0, len(data), size):
        yield data[start : start + size]
    if fails is not None:
        raise fails


@pytest.mark.parametrize("size", [0, 5, 16 * 1024**2, 40_000_000])
async def test_what_comes_in_pieces_is_one_object_in_the_end(store: ObjectStore, size: int) -> None:
    data = random.Random(size).randbytes(size)
    ref = await store.put_stream(f"streamed/{size}", pieces(data), "video/mp4")
    assert (ref.size, ref.sha256, ref.media_type) == (size, hashlib.sha256(data).hexdigest(), "video/mp4")
    assert b"".join([chunk async for chunk in store.stream(ref.key)]) == data


@pytest.mark.parametrize("size", [1_000_000, 40_000_000])
async def test_of_what_breaks_off_nothing_is_left_and_what_was_there_stays(store: ObjectStore, size: int) -> None:
    await store.put_bytes("streamed/broken", b"before", "text/plain")
    with pytest.raises(NotFound, match="the library has lost it"):
        await store.put_stream("streamed/broken", pieces(bytes(size), fails=NotFound("the library has lost it")), "a/b")
    assert (await store.get_bytes("streamed/broken")).data == b"before"
    assert not store._client._list_multipart_uploads(store.bucket).uploads


async def test_who_stops_bringing_a_file_leaves_nothing_behind(store: ObjectStore) -> None:
    arrived = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield bytes(1_000_000)
        arrived.set()
        await asyncio.Event().wait()

    bringing = asyncio.create_task(store.put_stream("streamed/left", endless(), "a/b"))
    await arrived.wait()
    bringing.cancel()
    await asyncio.wait([bringing])
    assert bringing.cancelled()
    assert not await store.exists("streamed/left")
    assert not store._client._list_multipart_uploads(store.bucket).uploads


async def test_a_part_that_is_on_its_way_when_a_file_is_given_up_is_forgotten_with_it(store, monkeypatch) -> None:
    send, sending, go_on = store._client._upload_part, threading.Event(), threading.Event()

    def slowly(*args: Any) -> str:
        sending.set()
        assert go_on.wait(20)
        return str(send(*args))

    monkeypatch.setattr(store._client, "_upload_part", slowly)
    bringing = asyncio.create_task(store.put_stream("streamed/late", pieces(bytes(20_000_000)), "a/b"))
    await asyncio.to_thread(sending.wait)
    bringing.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.wait([bringing])
    assert bringing.cancelled()
    assert not store._client._list_multipart_uploads(store.bucket).uploads


def shifted(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    """Puts the clock by which requests are signed forward."""
    now = minio.time.utcnow
    monkeypatch.setattr(minio.time, "utcnow", lambda: now() + timedelta(minutes=minutes))


@pytest.mark.parametrize("minutes", [-10, 10])
async def test_a_clock_some_minutes_off_hinders_no_write_at_all(store, monkeypatch, minutes) -> None:
    shifted(monkeypatch, minutes)
    etag = await store.put_if(f"clock/{minutes}", b"1", "text/plain", None)
    await store.put_if(f"clock/{minutes}", b"2", "text/plain", etag)
    with pytest.raises(Conflict):
        await store.put_if(f"clock/{minutes}", b"3", "text/plain", etag)
    await store.put_bytes(f"clock/{minutes}", b"4", "text/plain")


@pytest.mark.parametrize(("minutes", "words"), [(-60, "60 minutes behind"), (60, "60 minutes ahead of")])
async def test_a_clock_an_hour_off_is_named_and_no_object_is(store, monkeypatch, minutes, words) -> None:
    shifted(monkeypatch, minutes)
    for call in (
        store.put_if("clock/far", b"1", "text/plain", None),
        store.put_bytes("clock/far", b"1", "text/plain"),
        store.size("clock/far"),
        store.ping(),
    ):
        with pytest.raises(ClockSkew) as caught:
            await call
        assert words in caught.value.message
        assert "clock/far" not in caught.value.message
        assert (caught.value.code, caught.value.retriable) == ("clock_skew", True)
