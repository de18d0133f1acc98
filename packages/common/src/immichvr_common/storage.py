"""Objects in S3-compatible storage: files and documents, checked by sha256, written conditionally where it matters.

Only the portable part of S3 is used: PUT, GET, HEAD, ranges, multipart, list v2 and conditional PUT.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
from collections.abc import AsyncIterable, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import urllib3
from immichvr.common.v1.common_pb2 import ObjectRef
from minio.error import MinioException

from immichvr_common import metrics
from immichvr_common.errors import Conflict, CorruptObject, NotFound, StorageFull, StorageRefused, disk_full
from immichvr_common.settings import S3Settings
from immichvr_common.storage_answers import Trouble, of_exception, of_response
from immichvr_common.storage_client import SignedPut, client_of, pool_of
from immichvr_common.storage_download import Download
from immichvr_common.storage_parts import PART, PartedUpload
from immichvr_common.storage_verdicts import Verdicts

CHUNK = 1024 * 1024
LARGEST = 4 * 1024**3
"""Bytes of the largest object that is brought to a local file."""
CANARY = "canary"
"""A small object that is always there: who can read it, and not another one, knows that storage is well."""
_TRIAL, _TRIAL_BYTES = "trial", 8 * 1024 * 1024
"""As large as files that people wait for: a nearly full store still takes small ones."""
_PAGE = 1000
T = TypeVar("T")


@dataclass(frozen=True)
class Stored:
    """A small document and the ETag it had when it was read."""

    data: bytes
    etag: str


@dataclass(frozen=True)
class Listed:
    """An object as a listing tells of it. modified: by storage's own clock."""

    key: str
    size: int
    etag: str
    modified: datetime


class ObjectStore:
    """One bucket, through a bounded number of threads.

    Every call raises Unavailable when storage does not answer, NotFound when there is no such object, ClockSkew when
    it refuses because of the time and StorageRefused because of anything else; reads raise CorruptObject where storage
    fails with this object alone, writes StorageFull where it has no room.
    """

    def __init__(self, settings: S3Settings) -> None:
        self.bucket = settings.bucket
        self.endpoint = settings.endpoint
        self._http = pool_of(settings)
        self._client = client_of(settings, self._http)
        self._put_with = SignedPut(settings, self._client, self._http)
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="s3")
        self._verdicts = Verdicts(self._run, self._probe)

    @property
    def full(self) -> StorageFull | None:
        """Why nothing can be written; None as far as is known something can."""
        return self._verdicts.full

    @property
    def damaged(self) -> int:
        """How many objects were found damaged lately."""
        return self._verdicts.damaged

    async def ensure_bucket(self) -> None:
        """Makes the bucket where it is missing, and an object in it by which one sees whether objects can be read."""

        def ensure() -> None:
            if not self._client.bucket_exists(bucket_name=self.bucket):
                self._client.make_bucket(bucket_name=self.bucket)

        await self._run(ensure, self.bucket)
        await self.keep_canary()

    async def try_room(self) -> None:
        """Stores an object of some size and removes it. Raises StorageFull, Unavailable."""
        self._verdicts.suspect()
        await self.put_bytes(_TRIAL, bytes(_TRIAL_BYTES), "application/octet-stream")
        await self.delete(_TRIAL)

    async def keep_canary(self) -> None:
        """Makes the object by which one sees whether objects can be read, where it is missing or damaged."""
        try:
            is_there = await self._probe()
        except Trouble:
            is_there = False
        if not is_there:
            with contextlib.suppress(StorageFull, Trouble):
                await self._run(partial(self._put, CANARY, b"canary", "text/plain"), CANARY)

    async def ping(self) -> None:
        """Raises Unavailable when storage does not answer, or cannot read an object."""
        if not await self._probe():
            await self._run(lambda: self._client.bucket_exists(bucket_name=self.bucket), self.bucket)

    async def put_file(self, key: str, path: Path, media_type: str) -> ObjectRef:
        """Stores a file, in parts where it is large; a small one is read once."""

        def put() -> ObjectRef:
            size = path.stat().st_size
            if size <= CHUNK:
                return self._put(key, path.read_bytes(), media_type)
            digest = sha256_of(path)
            with path.open("rb") as stream:
                self._client.put_object(
                    bucket_name=self.bucket, object_name=key, data=stream, length=size,
                    content_type=media_type, part_size=PART,
                )  # fmt: skip
            metrics.BYTES.labels("up").inc(size)
            return ObjectRef(bucket=self.bucket, key=key, size=size, sha256=digest, media_type=media_type)

        return await self._verdicts.writing(put, key)

    async def put_stream(self, key: str, chunks: AsyncIterable[bytes], media_type: str) -> ObjectRef:
        """Stores what comes, part by part, of which two are in memory and none on this machine's disk.

        Nothing is left where it fails, or the chunks raise. Raises what they raise.
        """
        upload = PartedUpload(self._client, self.bucket, key, media_type, self._verdicts.writing)
        try:
            await upload.put(chunks)
        except BaseException:
            await asyncio.shield(upload.abandon())
            raise
        metrics.BYTES.labels("up").inc(upload.size)
        return ObjectRef(bucket=self.bucket, key=key, size=upload.size, sha256=upload.sha256, media_type=media_type)

    async def put_bytes(self, key: str, data: bytes, media_type: str) -> ObjectRef:
        """Stores a small document, whatever was there before."""

        return await self._verdicts.writing(partial(self._put, key, data, media_type), key)

    async def put_if(self, key: str, data: bytes, media_type: str, etag: str | None) -> str:
        """Stores a small document only if the one there still has `etag` (None: only if there is none).

        Returns the new ETag. Raises Conflict when somebody else was first.
        """

        def put() -> str:
            condition = {"If-None-Match": "*"} if etag is None else {"If-Match": f'"{etag}"'}
            answer = self._put_with(key, data, {"Content-Type": media_type, **condition})
            if answer.status in (409, 412):
                raise Conflict("a document in storage was written by somebody else first")
            if answer.status != 200:
                raise of_response(answer, key)
            metrics.BYTES.labels("up").inc(len(data))
            return str(answer.headers.get("ETag", "")).strip('"')

        return await self._verdicts.writing(put, key)

    async def get_file(self, ref: ObjectRef, path: Path) -> None:
        """Brings an object to a local file and checks its size and sha256. Raises CorruptObject if they differ.

        Never more than the reference's size, or `LARGEST` bytes where it names none.
        """
        most = ref.size or LARGEST

        def get() -> None:
            digest, size = hashlib.sha256(), 0
            with path.open("wb") as out:
                download = self._download(ref.key, 0, 0)
                try:
                    while chunk := download.read():
                        size += len(chunk)
                        if size > most:
                            break
                        digest.update(chunk)
                        out.write(chunk)
                finally:
                    download.close()
            metrics.BYTES.labels("down").inc(size)
            if size > most or (ref.size and size != ref.size) or (ref.sha256 and digest.hexdigest() != ref.sha256):
                raise CorruptObject(
                    f"{ref.key} is not the object its reference describes (size or sha256 differs)", ref.key
                )

        await self._verdicts.reading(get, ref.key)

    async def get_bytes(self, key: str, limit: int = 4 * CHUNK) -> Stored:
        """A small document with its ETag. Raises CorruptObject beyond `limit` bytes."""

        def get() -> Stored:
            response = self._client.get_object(bucket_name=self.bucket, object_name=key)
            try:
                data = response.read(limit + 1)
                etag = str(response.headers.get("ETag", "")).strip('"')
            finally:
                response.close()
                response.release_conn()
            if len(data) > limit:
                raise CorruptObject(f"{key} is larger than the {limit} bytes it may have", key)
            return Stored(data, etag)

        return await self._verdicts.reading(get, key)

    async def stream(self, key: str, offset: int = 0, length: int = 0) -> AsyncIterator[bytes]:
        """An object's bytes in chunks of at most 1 MiB, `length` of them from `offset` (0: to its end).

        The next chunk is read while whoever asked is at the one before.
        """

        def begin() -> tuple[Download, bytes]:
            opened = self._download(key, offset, length)
            try:
                return opened, opened.read()
            except BaseException:
                opened.close()
                raise

        download, chunk = await self._verdicts.reading(begin, key)
        try:
            while chunk:
                ahead = None if download.is_over else self._begun(download.read, key)
                metrics.BYTES.labels("down").inc(len(chunk))
                yield chunk
                chunk = b"" if ahead is None else await ahead
        finally:
            download.close()

    async def size(self, key: str) -> int:
        """An object's size in bytes. Raises NotFound."""
        ask = partial(self._client.stat_object, bucket_name=self.bucket, object_name=key)
        stat = await self._verdicts.reading(ask, key)
        return int(stat.size or 0)

    async def exists(self, key: str) -> bool:
        """Whether there is such an object, of which nothing is known to be damaged."""
        try:
            await self.size(key)
        except (NotFound, CorruptObject):
            return False
        return True

    async def list_keys(self, prefix: str) -> list[str]:
        """Every key under a prefix."""

        def keys() -> list[str]:
            found = self._client.list_objects(bucket_name=self.bucket, prefix=prefix, recursive=True)
            return [item.object_name for item in found if item.object_name]

        return await self._run(keys, prefix)

    async def list_sizes(self, prefix: str) -> dict[str, int]:
        """The size in bytes of everything under a prefix, by key."""

        def sizes() -> dict[str, int]:
            found = self._client.list_objects(bucket_name=self.bucket, prefix=prefix, recursive=True)
            return {item.object_name: int(item.size or 0) for item in found if item.object_name}

        return await self._run(sizes, prefix)

    async def walk(self, prefix: str, after: str = "") -> AsyncIterator[list[Listed]]:
        """Every object under a prefix, a page of at most 1,000 at a time, those of one folder together.

        after: a key that was given before, where the walk goes on.
        """
        found = self._client.list_objects(
            bucket_name=self.bucket, prefix=prefix, recursive=True, start_after=after or None
        )

        def page() -> list[Listed]:
            return [_listed(item) for item in islice(found, _PAGE) if item.object_name]

        while listed := await self._run(page, prefix):
            yield listed

    async def clock(self) -> datetime:
        """The time by storage's own clock, by which it dates objects."""

        def ask() -> datetime:
            answer = self._http.request("GET", self.endpoint, retries=False)
            return parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC)

        return await self._run(ask, self.bucket)

    async def delete(self, key: str) -> None:
        """Removes an object; one that is not there is no error."""
        await self._run(lambda: self._client.remove_object(bucket_name=self.bucket, object_name=key), key)

    def close(self) -> None:
        """Ends the threads; what is under way finishes first."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._http.clear()

    def _put(self, key: str, data: bytes, media_type: str) -> ObjectRef:
        self._client.put_object(
            bucket_name=self.bucket, object_name=key, data=io.BytesIO(data), length=len(data),
            content_type=media_type, part_size=PART,
        )  # fmt: skip
        metrics.BYTES.labels("up").inc(len(data))
        digest = hashlib.sha256(data).hexdigest()
        return ObjectRef(bucket=self.bucket, key=key, size=len(data), sha256=digest, media_type=media_type)

    def _download(self, key: str, offset: int, length: int) -> Download:
        response = self._client.get_object(bucket_name=self.bucket, object_name=key, offset=offset, length=length)
        return Download(response, CHUNK)

    async def _probe(self) -> bool:
        """Whether another object can be read; False where none is known. Raises Unavailable."""

        def read() -> None:
            response = self._client.get_object(bucket_name=self.bucket, object_name=CANARY)
            try:
                response.read(1)
            finally:
                response.close()
                response.release_conn()

        try:
            await self._run(read, CANARY)
        except (NotFound, StorageRefused):
            return False
        return True

    async def _run(self, work: Callable[[], T], key: str) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _translated, work, key)

    def _begun(self, work: Callable[[], T], key: str) -> asyncio.Future[T]:
        """What a thread is at from now on, whether or not anybody comes for it."""
        begun = asyncio.get_running_loop().run_in_executor(self._threads, _translated, work, key)
        begun.add_done_callback(lambda done: None if done.cancelled() else done.exception())
        return begun


def _listed(item: Any) -> Listed:
    return Listed(item.object_name, item.size or 0, (item.etag or "").strip('"'), item.last_modified.astimezone(UTC))


def _translated(work: Callable[[], T], key: str) -> T:
    try:
        return work()
    except (MinioException, urllib3.exceptions.HTTPError) as error:
        raise of_exception(error, key) from error
    except OSError as error:
        if (full := disk_full(error)) is not None:
            raise full from error
        if error.filename is not None:
            raise
        raise of_exception(error, key) from error


def sha256_of(path: Path) -> str:
    """The sha256 of a file, lower-case hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
