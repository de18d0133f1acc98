"""What a caller of gRPC may name in storage: whole keys of its own, and nothing that the services keep there."""

from __future__ import annotations

import re

from immichvr.common.v1.common_pb2 import ObjectRef

from immichvr_common.callers import current_caller
from immichvr_common.errors import InvalidRequest
from immichvr_common.storage import LARGEST, ObjectStore

_LONGEST_KEY = 1024
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=+-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_KEPT = "manifest.json"
"""No caller names a manifest: it says what an asset is, and only jobs write it."""


def check_ref(role: str, ref: ObjectRef, store: ObjectStore) -> None:
    """Refuses a reference that the caller who is being served may not make. role: what it is called in the request.

    Raises InvalidRequest.
    """
    if not ref.key or len(ref.key.encode()) > _LONGEST_KEY:
        raise InvalidRequest(f"the {role} has no key, or one of more than {_LONGEST_KEY} bytes")
    if ref.bucket not in ("", store.bucket):
        raise InvalidRequest(f"the {role} lies in the bucket {ref.bucket!r}, wants {store.bucket!r}")
    segments = ref.key.split("/")
    if not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise InvalidRequest(
            f"the {role} has the key {ref.key[:100]!r}; wants letters, digits and . _ - = + between slashes, "
            "and no part that is empty or begins with a dot"
        )
    prefix = current_caller().prefix
    if not ref.key.startswith(prefix) or segments[-1] == _KEPT:
        raise InvalidRequest(f"the {role} is not yours to name; wants a key under {prefix} that is no manifest")
    if ref.size > LARGEST:
        raise InvalidRequest(f"the {role} has {ref.size:,} bytes, of at most {LARGEST:,}")
    if ref.sha256 and not _SHA256.fullmatch(ref.sha256):
        raise InvalidRequest(f"the {role} has a sha256 that is none: wants 64 digits of lower-case hex")
