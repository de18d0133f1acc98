"""What storage means by an answer that is no success: no such object, no room, a refusal, an outage, or one object's
trouble."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from xml.etree import ElementTree

import minio.time
import urllib3
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError

from immichvr_common.clocks import skew_told
from immichvr_common.errors import NotFound, ServiceError, StorageFull, StorageRefused, Unavailable

_MISSING = {"NoSuchKey", "NoSuchObject", "NoSuchVersion"}
_FULL = {
    "QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "StorageCapExceeded", "InsufficientStorage",
    "StorageFull", "StorageQuotaExceeded", "StorageLimitExceeded", "OutOfSpace", "DiskFull", "EntityQuotaExceeded",
}  # fmt: skip
_FULL_IN_WORDS = re.compile(
    r"no space left|no writable volumes|no free volumes|insufficient (storage|space)|not enough (space|storage)"
    r"|storage (is )?full|disk (is )?full|cap exceeded|quota\W+(has been |was |is )?(exceeded|reached)"
    r"|exceed\w*( the| your)?( \w+)? quota|out of space",
    re.IGNORECASE,
)
_NO_RIGHTS = {
    "AccessDenied", "AccountProblem", "AllAccessDisabled", "ExpiredToken", "InvalidAccessKeyId", "InvalidSecurity",
    "InvalidToken", "NotSignedUp", "SignatureDoesNotMatch", "UnauthorizedAccess", "XAmzContentSHA256Mismatch",
}  # fmt: skip
_NO_BUCKET = {"AuthorizationHeaderMalformed", "InvalidBucketName", "NoSuchBucket", "PermanentRedirect"}
_NOT_OFFERED = (501, 505)
_BUSY = {
    "Busy", "OperationAborted", "RequestTimeout", "ServiceUnavailable", "SlowDown", "SlowDownRead", "SlowDownWrite",
    "Throttling", "ThrottlingException", "TooManyRequests", "XMinioServerNotInitialized", "XMinioReadQuorum",
    "XMinioWriteQuorum",
}  # fmt: skip


class Trouble(Unavailable):
    """Storage failed with one request. Whether it is the object's fault or an outage, another request will tell.

    told: what storage said; key: the object's; was_answered: whether it did, rather than break off.
    """

    def __init__(self, message: str, told: str, key: str, was_answered: bool = True) -> None:
        super().__init__(message, down="s3")
        self.told, self.key, self.was_answered = told, key, was_answered


def meaning(status: int, code: str, message: str, headers: Mapping[str, str], key: str, now: datetime) -> ServiceError:
    """What an answer means. status, code, message: as S3 gave them, empty where it gave none; now: this machine's time.

    Lasting are NotFound, StorageFull, StorageRefused and ClockSkew; Unavailable passes; Trouble is to be looked into.
    """
    told = f"{code or status}"
    if code in _MISSING:
        return NotFound(f"no object {key}", key)
    if status == 507 or code in _FULL or _FULL_IN_WORDS.search(message):
        return StorageFull("s3", f"the object storage has no room left ({told})")
    if skew := skew_told(status, code, headers, now):
        return skew
    if code in _NO_BUCKET:
        return StorageRefused(f"storage has no such bucket, or keeps it elsewhere ({told}): make it, or name another")
    if code in _BUSY or status in (408, 429, 503):
        return Unavailable(f"storage is busy or starting ({told})", down="s3")
    if status >= 500 and status not in _NOT_OFFERED:
        return Trouble(f"storage answered {told} for {key}", told, key)
    if code in _NO_RIGHTS or status in (401, 403):
        return StorageRefused(f"storage refused a request ({told}): its account may not do this, or its key is wrong")
    if status == 404:
        return NotFound(f"no object {key}", key)
    return StorageRefused(f"storage refused a request ({told})")


def of_response(response: urllib3.BaseHTTPResponse, key: str) -> ServiceError:
    """What an answer to a request of our own making means."""
    code, message = _told(response.data)
    return meaning(response.status, code, message, response.headers, key, minio.time.utcnow())


def of_exception(error: MinioException | urllib3.exceptions.HTTPError | OSError, key: str) -> ServiceError:
    """What the failure of a request means, as minio-py and urllib3 raise it."""
    now = minio.time.utcnow()
    match error:
        case S3Error():
            status, headers = error.response.status, error.response.headers
            return meaning(status, error.code or "", error.message or "", headers, key, now)
        case ServerError():
            return meaning(error.status_code, "", "", {}, key, now)
        case InvalidResponseError():
            return meaning(int(error._code), "", str(error._body or ""), {}, key, now)
        case urllib3.exceptions.ProtocolError() | urllib3.exceptions.DecodeError():
            # The bytes ended, or came out wrong, in the middle: the server died, or it could not read on.
            return Trouble(f"storage broke off in the middle of {key}", type(error).__name__, key, was_answered=False)
        case urllib3.exceptions.MaxRetryError(reason=urllib3.exceptions.SSLError() as untrusted):
            return Unavailable(_about_tls(untrusted), down="s3")
    return Unavailable(f"storage does not answer ({type(error).__name__})", down="s3")


def _about_tls(error: urllib3.exceptions.SSLError) -> str:
    """What is wrong with the connection's encryption, and what would be right; OpenSSL says it in words alone."""
    told = str(error)
    if "CERTIFICATE_VERIFY_FAILED" not in told and "doesn't match" not in told:
        return f"storage does not speak TLS as it is spoken here ({told}): is its address one of http:// ?"
    if "expired" in told or "not yet valid" in told:
        return f"storage's certificate is not valid now ({told}): renew it, or set this machine's clock"
    if "mismatch" in told or "doesn't match" in told:
        return f"storage's certificate is another host's ({told}): S3__ENDPOINT names the one that it was made for"
    return f"storage's certificate is not one that is known here ({told}): S3__CA_FILE names its authority"


def _told(body: bytes) -> tuple[str, str]:
    """Code and message of an error document; empty where it is none."""
    try:
        root = ElementTree.fromstring(body[:65536])  # noqa: S314  # expat of today refuses entity bombs; 64 KiB at most
    except ElementTree.ParseError:
        return "", body[:1024].decode(errors="replace")
    found = {one.tag.rpartition("}")[2]: one.text or "" for one in root}
    return found.get("Code", ""), found.get("Message", "")
