"""What storage answers is told apart: an outage passes, a refusal lasts, a full store is full, one object is one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import urllib3
from immichvr.common.v1.common_pb2 import ObjectRef
from immichvr_common import storage_verdicts
from immichvr_common.errors import (
    ClockSkew,
    CorruptObject,
    NotFound,
    ServiceError,
    StorageFull,
    StorageRefused,
    Unavailable,
)
from immichvr_common.storage import ObjectStore
from immichvr_common.storage_answers import Trouble, meaning, of_exception
from immichvr_common.testing.obstinate import INTERNAL, ObstinateS3, Refusal, obstinate_s3

NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture
def s3() -> Iterator[ObstinateS3]:
    with obstinate_s3() as server:
        yield server


@pytest.fixture
async def store(s3: ObstinateS3, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ObjectStore]:
    monkeypatch.setattr(storage_verdicts, "_WRITE_AGAIN_S", (0.01, 0.01))
    store = ObjectStore(s3.settings())
    await store.ensure_bucket()
    yield store
    store.close()


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (507, "XMinioStorageFull", "Storage backend has reached its minimum free drive threshold.", StorageFull),
        (403, "QuotaExceeded", "", StorageFull),
        (400, "XMinioAdminBucketQuotaExceeded", "Bucket quota exceeded", StorageFull),
        (403, "AccessDenied", "Cannot upload files, storage cap exceeded.", StorageFull),
        (500, "InternalError", "write /data/1.dat: no space left on device", StorageFull),
        (500, "InternalError", "No writable volumes and no free volumes left", StorageFull),
        (507, "", "<html>Insufficient Storage</html>", StorageFull),
        (500, "InternalError", "We encountered an internal error, please try again.", Trouble),
        (502, "", "<html>Bad Gateway</html>", Trouble),
        (503, "SlowDown", "Please reduce your request rate.", Unavailable),
        (503, "ServiceUnavailable", "", Unavailable),
        (503, "", "<html>503</html>", Unavailable),
        (429, "TooManyRequests", "", Unavailable),
        (400, "RequestTimeout", "", Unavailable),
        (403, "AccessDenied", "Access Denied.", StorageRefused),
        (403, "SignatureDoesNotMatch", "", StorageRefused),
        (403, "InvalidAccessKeyId", "", StorageRefused),
        (404, "NoSuchBucket", "", StorageRefused),
        (301, "PermanentRedirect", "", StorageRefused),
        (403, "RequestTimeTooSkewed", "", ClockSkew),
        (404, "NoSuchKey", "", NotFound),
        (404, "", "", NotFound),
        (400, "SomethingNew", "", StorageRefused),
    ],
)
def test_every_answer_has_its_meaning(status: int, code: str, message: str, kind: type[ServiceError]) -> None:
    error = meaning(status, code, message, {}, "splats/p1/splat.ply", NOW)
    assert type(error) is kind
    assert error.message


async def test_a_store_that_takes_nothing_is_full_and_well_again_after_a_write(
    s3: ObstinateS3, store: ObjectStore, tmp_path: Path
) -> None:
    s3.writes = INTERNAL
    with pytest.raises(StorageFull, match="make room in the object storage"):
        await store.put_bytes("a", b"1", "text/plain")
    assert store.full is not None
    with pytest.raises(StorageFull):
        await store.put_if("m.json", b"{}", "application/json", None)
    (tmp_path / "file").write_bytes(b"x" * 100)
    with pytest.raises(StorageFull):
        await store.put_file("file", tmp_path / "file", "text/plain")
    s3.writes = None
    await store.put_bytes("a", b"1", "text/plain")
    assert store.full is None


@pytest.mark.parametrize("refusal", [(403, "QuotaExceeded", ""), (507, "", "full")])
async def test_a_store_that_says_so_is_full_at_once(s3: ObstinateS3, store: ObjectStore, refusal: Refusal) -> None:
    s3.writes = refusal
    with pytest.raises(StorageFull):
        await asyncio.wait_for(store.put_bytes("a", b"1", "text/plain"), 2)
    with pytest.raises(StorageFull):
        await asyncio.wait_for(store.put_if("a", b"1", "text/plain", None), 2)


@pytest.mark.parametrize("refusal", [INTERNAL, (503, "SlowDown", ""), (502, "", "<html>Bad Gateway</html>")])
async def test_storage_that_fails_with_everything_is_away(
    s3: ObstinateS3, store: ObjectStore, tmp_path: Path, refusal: Refusal
) -> None:
    await store.put_bytes("a", b"1", "text/plain")
    s3.everything = refusal
    for request in (
        store.get_bytes("a"),
        store.get_file(ObjectRef(key="a"), tmp_path / "out"),
        store.put_bytes("b", b"1", "text/plain"),
        store.put_if("b", b"1", "text/plain", None),
        store.ping(),
    ):
        with pytest.raises(Unavailable):
            await request
    assert store.full is None and store.damaged == 0


async def test_an_object_that_alone_cannot_be_read_is_damaged_and_named(
    s3: ObstinateS3, store: ObjectStore, tmp_path: Path
) -> None:
    ref = await store.put_bytes("splats/p1/splat.ply", b"12345678", "text/plain")
    for broken in (s3.broken, s3.broken_off):
        broken.add(ref.key)
        with pytest.raises(CorruptObject, match=r"splats/p1/splat\.ply is damaged"):
            await store.get_file(ref, tmp_path / "out")
        with pytest.raises(CorruptObject):
            await anext(store.stream(ref.key))
        assert store.damaged == 1
        broken.clear()
        await store.put_bytes(ref.key, b"12345678", "text/plain")
        await store.get_file(ref, tmp_path / "out")
        assert store.damaged == 0


async def test_an_object_is_not_called_damaged_where_none_can_be_read_to_compare(
    s3: ObstinateS3, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_verdicts, "_UNSURE_S", 0.5)
    ref = await store.put_bytes("a", b"1", "text/plain")
    s3.objects.pop("canary")
    s3.broken.add(ref.key)
    reading = asyncio.create_task(store.get_bytes(ref.key))
    await asyncio.sleep(0.1)
    s3.broken.clear()
    assert (await reading).data == b"1"
    s3.broken.add(ref.key)
    with pytest.raises(CorruptObject):
        await store.get_bytes(ref.key)


async def test_a_damaged_canary_is_replaced(s3: ObstinateS3, store: ObjectStore) -> None:
    s3.broken.add("canary")
    with pytest.raises(Unavailable):
        await store.ping()
    await store.keep_canary()
    await store.ping()


@pytest.mark.parametrize(
    ("openssl", "told"),
    [
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", "does not speak TLS"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired", "not valid now"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, ...", "another host's"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer", "S3__CA_FILE"),
    ],
)
def test_what_is_wrong_with_encryption_is_told(openssl: str, told: str) -> None:
    pool = urllib3.HTTPSConnectionPool("storage")
    failure = urllib3.exceptions.MaxRetryError(pool, "/", urllib3.exceptions.SSLError(openssl))
    assert told in of_exception(failure, "key").message
