"""Requests to storage of our own making, where minio-py has none that would do: the address and signed headers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

import minio.time
from minio import Minio
from minio.credentials import Credentials
from minio.signer import sign_v4_s3

from immichvr_common.settings import S3Settings

Request = tuple[SplitResult, Mapping[str, str]]


class Signer:
    """Signs for one bucket, in the headers as every other request is: a presigned URL would expire by another clock's
    time."""

    def __init__(self, client: Minio, settings: S3Settings) -> None:
        access, secret = settings.access_key.get_secret_value(), settings.secret_key.get_secret_value()
        self._credentials = Credentials(access, secret) if access and secret else None
        self._client, self._bucket, self._region = client, settings.bucket, settings.region

    def part(self, key: str, offset: int, length: int) -> Request:
        """A GET of an object, `length` bytes from `offset` (0: to its end)."""
        end = offset + length - 1 if length else ""
        return self.signed("GET", key, {"Range": f"bytes={offset}-{end}"} if offset or length else {}, b"")

    def signed(self, method: str, key: str, headers: Mapping[str, str], body: bytes) -> Request:
        """A request for an object."""
        presigned = self._client.get_presigned_url(method=method, bucket_name=self._bucket, object_name=key)
        url = urlsplit(presigned)._replace(query="")
        digest, now = hashlib.sha256(body).hexdigest(), minio.time.utcnow()
        own = {"Host": url.netloc, "x-amz-content-sha256": digest, "x-amz-date": minio.time.to_amz_date(now)}
        told: Any = {**headers, **own}
        if self._credentials is not None:
            told = sign_v4_s3(
                method=method, url=url, region=self._region, headers=told, credentials=self._credentials,
                content_sha256=digest, date=now,
            )  # fmt: skip
        return url, told
