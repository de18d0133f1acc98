"""The client of one S3 endpoint: its connections, and the one request that minio-py does not make."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlsplit

import certifi
import minio.time
import urllib3
from minio import Minio
from minio.credentials import Credentials
from minio.signer import sign_v4_s3
from urllib3.response import BaseHTTPResponse

from immichvr_common.settings import S3Settings

_CONNECTIONS = 64
"""Kept open for what comes next: a download that is read slowly holds one, and no thread."""


def pool_of(settings: S3Settings) -> urllib3.PoolManager:
    """Connections to whatever server the settings name."""
    return urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=3, read=60),
        maxsize=_CONNECTIONS,
        retries=urllib3.Retry(total=1, backoff_factor=0.1, status_forcelist=[]),
        cert_reqs="CERT_REQUIRED",
        ca_certs=str(settings.ca_file or certifi.where()),
    )


def client_of(settings: S3Settings, http: urllib3.PoolManager) -> Minio:
    """minio-py's client over these connections. Raises ValueError where the endpoint is no address."""
    parts = urlsplit(settings.endpoint)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError(f"S3 endpoint {settings.endpoint!r} is not an http or https address")
    return Minio(
        endpoint=parts.netloc,
        access_key=settings.access_key.get_secret_value() or None,
        secret_key=settings.secret_key.get_secret_value() or None,
        region=settings.region,
        secure=parts.scheme == "https",
        http_client=http,
    )


class SignedPut:
    """A PUT with headers of ours, which minio-py's put_object does not take.

    Signed in its headers as every other request is: a presigned URL would expire by another clock's time.
    """

    def __init__(self, settings: S3Settings, client: Minio, http: urllib3.PoolManager) -> None:
        access, secret = settings.access_key.get_secret_value(), settings.secret_key.get_secret_value()
        self._credentials = Credentials(access, secret) if access and secret else None
        self._bucket, self._region = settings.bucket, settings.region
        self._client, self._http = client, http

    def __call__(self, key: str, data: bytes, headers: dict[str, str]) -> BaseHTTPResponse:
        """The server's answer, whatever it is."""
        presigned = self._client.get_presigned_url(method="PUT", bucket_name=self._bucket, object_name=key)
        url = urlsplit(presigned)._replace(query="")
        digest, now = hashlib.sha256(data).hexdigest(), minio.time.utcnow()
        own = {"Host": url.netloc, "x-amz-content-sha256": digest, "x-amz-date": minio.time.to_amz_date(now)}
        signed: Any = {**headers, **own}
        if self._credentials is not None:
            signed = sign_v4_s3(
                method="PUT", url=url, region=self._region, headers=signed, credentials=self._credentials,
                content_sha256=digest, date=now,
            )  # fmt: skip
        return self._http.request("PUT", url.geturl(), body=data, headers=signed)
