"""An object that is stored part by part while its bytes come in, so that it never lies anywhere as a whole."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any, Protocol

from minio import Minio
from minio.datatypes import Part

from immichvr_common.errors import ServiceError

PART = 16 * 1024 * 1024
"""Bytes of every part but the last; S3 takes none below 5 MiB, and 10,000 of them."""


class Write(Protocol):
    """Runs what blocks in a thread, as a write of the object: again where storage was away for a moment."""

    def __call__(self, work: Callable[[], Any], key: str) -> Awaitable[Any]: ...


class PartedUpload:
    """The upload of one object under way. What minio-py keeps to itself of it is used here and nowhere else."""

    def __init__(self, client: Minio, bucket: str, key: str, media_type: str, write: Write) -> None:
        self._client, self._bucket, self._key, self._media_type = client, bucket, key, media_type
        self._write = write
        self._id = ""
        self._parts: list[Part] = []
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """Of what was taken so far, lower-case hex."""
        return self._digest.hexdigest()

    async def put(self, chunks: AsyncIterable[bytes]) -> None:
        """Stores whole parts as they come, one while the next is read, and makes one object of them and the rest; what
        is less than a part is put at once.

        Raises what the chunks raise, and what writes do.
        """
        pending, stored = bytearray(), None
        try:
            async for chunk in chunks:
                self.size += len(chunk)
                pending += chunk
                if len(pending) >= PART:
                    if stored is not None:
                        await stored
                    stored = asyncio.create_task(self._store(bytes(pending)))
                    pending.clear()
            if stored is not None:
                await stored
        except BaseException:
            if stored is not None:
                await asyncio.gather(stored, return_exceptions=True)
            raise
        last = bytes(pending)
        self._digest.update(last)
        if not self._parts:
            await self._write(lambda: self._put(last), self._key)
            return
        if last:
            await self._send(last)
        await self._write(
            lambda: self._client._complete_multipart_upload(self._bucket, self._key, self._id, self._parts), self._key
        )

    async def abandon(self) -> None:
        """Has storage forget the parts, as far as it can be reached."""
        if self._id:
            with contextlib.suppress(ServiceError):
                await self._write(
                    lambda: self._client._abort_multipart_upload(self._bucket, self._key, self._id), self._key
                )

    def _put(self, data: bytes) -> None:
        self._client.put_object(
            bucket_name=self._bucket, object_name=self._key, data=io.BytesIO(data), length=len(data),
            content_type=self._media_type, part_size=PART,
        )  # fmt: skip

    async def _store(self, data: bytes) -> None:
        await asyncio.to_thread(self._digest.update, data)
        await self._send(data)

    async def _send(self, data: bytes) -> None:
        if not self._id:
            headers = {"Content-Type": self._media_type}

            def create() -> None:
                self._id = self._client._create_multipart_upload(self._bucket, self._key, headers)

            await self._whole(create)
        number = len(self._parts) + 1
        etag = await self._whole(
            lambda: self._client._upload_part(self._bucket, self._key, data, None, self._id, number)
        )
        self._parts.append(Part(number, etag))

    async def _whole(self, work: Callable[[], Any]) -> Any:
        """A write that ends before the upload can be given up: what arrived after that would lie there for ever."""
        writing = asyncio.ensure_future(self._write(work, self._key))
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.gather(writing, return_exceptions=True)
            raise
