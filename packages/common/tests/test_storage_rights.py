"""What each service's account may do in storage, and what it may not."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
from immichvr_catalog import SERVICES
from immichvr_common import seaweed_setup
from immichvr_common.embedded import BUCKET, SeaweedServer
from immichvr_common.storage import ObjectStore
from immichvr_common.storage_rights import Account
from minio import Minio
from minio.commonconfig import CopySource
from minio.credentials import Credentials
from minio.deleteobjects import DeleteObject
from minio.error import S3Error
from minio.signer import sign_v4_s3

KEYS = (
    "sources/p1/v1", "splats/p1_m/r/manifest.json", "depth/p1_m/r/manifest.json", "calls/c/a", "private/note",
    "videos/p1_m/r/manifest.json", "motion/p1_m/r/manifest.json",
    "parts/video-depth-p1-r/1/index.json", "parts/splat-p1-r/1/index.json", "points/p1_m/r/manifest.json",
    "parts/reconstruct-p1-r/1/index.json",
)  # fmt: skip
READS = {
    "gateway": set(KEYS),
    "ai": {"sources/p1/v1", "splats/p1_m/r/manifest.json", "depth/p1_m/r/manifest.json", "calls/c/a"},
    "converter": {"splats/p1_m/r/manifest.json", "calls/c/a"},
    "video-depth": {
        "sources/p1/v1", "depth/p1_m/r/manifest.json", "videos/p1_m/r/manifest.json", "motion/p1_m/r/manifest.json",
        "calls/c/a", "parts/video-depth-p1-r/1/index.json",
    },
    "inpaint": {
        "sources/p1/v1", "splats/p1_m/r/manifest.json", "points/p1_m/r/manifest.json", "calls/c/a",
        "parts/reconstruct-p1-r/1/index.json",
    },
}  # fmt: skip
WRITES = {
    "gateway": set(KEYS),
    "ai": {"splats/p1_m/r/manifest.json", "depth/p1_m/r/manifest.json", "calls/c/a"},
    "converter": {"splats/p1_m/r/manifest.json", "calls/c/a"},
    "video-depth": {
        "videos/p1_m/r/manifest.json",
        "motion/p1_m/r/manifest.json",
        "calls/c/a",
        "parts/video-depth-p1-r/1/index.json",
    },
    "inpaint": {
        "splats/p1_m/r/manifest.json",
        "points/p1_m/r/manifest.json",
        "calls/c/a",
        "parts/reconstruct-p1-r/1/index.json",
    },
}
WORKERS = [service for service in SERVICES if service != "gateway"]

Connect = Callable[[str], Minio]


@pytest.fixture
def connect(weed: SeaweedServer) -> Connect:
    """Connects as a service."""

    def client(service: str) -> Minio:
        settings = weed.settings(service=service)
        return Minio(
            endpoint=settings.endpoint.removeprefix("http://"),
            access_key=settings.access_key.get_secret_value(),
            secret_key=settings.secret_key.get_secret_value(),
            region=settings.region,
            secure=False,
            http_client=urllib3.PoolManager(retries=False, timeout=10),
        )

    return client


@pytest.fixture
async def kept(store: ObjectStore) -> ObjectStore:
    """Objects under every prefix, put there by the gateway."""
    for key in KEYS:
        await store.put_bytes(key, key.encode(), "application/json")
    return store


def put(client: Minio, key: str, data: bytes = b"new", bucket: str = BUCKET) -> None:
    client.put_object(bucket_name=bucket, object_name=key, data=io.BytesIO(data), length=len(data))


def get(client: Minio, key: str) -> bytes:
    answer = client.get_object(bucket_name=BUCKET, object_name=key)
    try:
        return bytes(answer.read())
    finally:
        answer.close()
        answer.release_conn()


def is_allowed(work: Callable[[], Any]) -> bool:
    try:
        work()
    except S3Error as error:
        if error.code != "AccessDenied":
            raise
        return False
    return True


def allowed(work: Callable[[str], Any]) -> set[str]:
    """Those of the keys for which something is allowed."""
    return {key for key in KEYS if is_allowed(partial(work, key))}


@pytest.mark.parametrize("service", SERVICES)
def test_each_reads_and_stores_what_its_work_needs_and_no_more(
    service: str, connect: Connect, kept: ObjectStore
) -> None:
    client = connect(service)
    assert allowed(lambda key: get(client, key)) == READS[service]
    assert allowed(lambda key: client.stat_object(bucket_name=BUCKET, object_name=key)) == READS[service]
    assert allowed(lambda key: put(client, key)) == WRITES[service]


@pytest.mark.parametrize("service", WORKERS)
async def test_no_worker_deletes_lists_or_changes_the_bucket(service: str, connect: Connect, kept: ObjectStore) -> None:
    client = connect(service)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    everybody = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    refused: dict[str, Callable[[], Any]] = {
        "delete the bucket": lambda: client.remove_bucket(bucket_name=BUCKET),
        "make a bucket": lambda: client.make_bucket(bucket_name="another"),
        "make a bucket by storing in it": lambda: put(client, "x", bucket="another"),
        "list": lambda: list(client.list_objects(bucket_name=BUCKET, recursive=True)),
        "list its own": lambda: list(client.list_objects(bucket_name=BUCKET, prefix="splats/")),
        "open the bucket": lambda: client.set_bucket_policy(bucket_name=BUCKET, policy=everybody),
        "have objects expire": lambda: client.delete_bucket_lifecycle(bucket_name=BUCKET),
        "copy what it may not read": lambda: client.copy_object(
            bucket_name=BUCKET,
            object_name="splats/stolen",
            source=CopySource(bucket_name=BUCKET, object_name="private/note"),
        ),
    }
    assert [what for what, work in refused.items() if is_allowed(work)] == []
    assert allowed(lambda key: client.remove_object(bucket_name=BUCKET, object_name=key)) == set()
    left = client.remove_objects(bucket_name=BUCKET, delete_object_list=[DeleteObject(key) for key in KEYS])
    assert {error.code for error in left} == {"AccessDenied"}
    assert set(KEYS) <= set(await kept.list_keys(""))


def test_the_gateway_deletes_objects_and_not_the_bucket(connect: Connect, kept: ObjectStore) -> None:
    client = connect("gateway")
    assert allowed(lambda key: client.remove_object(bucket_name=BUCKET, object_name=key)) == set(KEYS)
    assert not is_allowed(lambda: client.remove_bucket(bucket_name=BUCKET))
    assert not is_allowed(lambda: client.make_bucket(bucket_name="another"))


async def test_a_worker_stores_large_files_and_documents_on_a_condition(ai_store: ObjectStore, tmp_path: Path) -> None:
    large = tmp_path / "large.ply"
    large.write_bytes(b"0123456789abcdef" * (20 * 1024 * 1024 // 16))
    ref = await ai_store.put_file("splats/large.ply", large, "application/octet-stream")
    await ai_store.get_file(ref, tmp_path / "again.ply")
    assert (tmp_path / "again.ply").read_bytes() == large.read_bytes()
    etag = await ai_store.put_if("splats/rights/manifest.json", b"1", "application/json", None)
    assert await ai_store.put_if("splats/rights/manifest.json", b"2", "application/json", etag) != etag


def ask(weed: SeaweedServer, service: str, method: str, path: str) -> tuple[int, bytes]:
    """A signed request for a path as it stands; clients would refuse to send it."""
    account, host, now = weed.accounts[service], f"127.0.0.1:{weed.ports[6]}", datetime.now(UTC)
    nothing = hashlib.sha256().hexdigest()
    headers = sign_v4_s3(
        method=method,
        url=urlsplit(f"http://{host}{path}"),
        region="us-east-1",
        headers={"Host": host, "x-amz-content-sha256": nothing, "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ")},
        credentials=Credentials(account.access_key, account.secret_key),
        content_sha256=nothing,
        date=now,
    )
    connection = HTTPConnection(host, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["splats/../private/note", "splats/%2e%2e/private/note", "splats/..%2Fprivate/note"])
async def test_no_path_leads_out_of_a_prefix(weed: SeaweedServer, kept: ObjectStore, path: str) -> None:
    assert ask(weed, "converter", "GET", f"/{BUCKET}/splats/p1_m/r/manifest.json") == (200, KEYS[1].encode())
    for method in ("GET", "PUT", "DELETE"):
        status, said = ask(weed, "converter", method, f"/{BUCKET}/{path}")
        assert status in (400, 403)
        assert b"<Error>" in said
    assert (await kept.get_bytes("private/note")).data == b"private/note"


async def test_what_an_earlier_version_stored_is_there_for_the_accounts_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_for_all(accounts: Mapping[str, Account], buckets: tuple[str, ...]) -> dict[str, Any]:
        keys = {"accessKey": accounts["gateway"].access_key, "secretKey": accounts["gateway"].secret_key}
        return {"identities": [{"name": "immichvr", "credentials": [keys], "actions": ["Admin"]}]}

    with monkeypatch.context() as earlier:
        earlier.setattr(seaweed_setup, "identities", one_for_all)
        server = SeaweedServer(tmp_path).start()
    store = ObjectStore(server.settings())
    try:
        await store.ensure_bucket()
        await store.put_bytes("splats/old/r/manifest.json", b"old", "application/json")
    finally:
        store.close()
        server.stop()
    server = SeaweedServer(tmp_path, server.ports).start()
    stores = {service: ObjectStore(server.settings(service=service)) for service in SERVICES}
    try:
        await stores["gateway"].ensure_bucket()
        assert await stores["gateway"].list_keys("splats/") == ["splats/old/r/manifest.json"]
        old = await stores["converter"].get_bytes("splats/old/r/manifest.json")
        await stores["converter"].put_if("splats/old/r/manifest.json", b"new", "application/json", old.etag)
        await stores["gateway"].delete("splats/old/r/manifest.json")
    finally:
        for one in stores.values():
            one.close()
        server.kill()
