"""Who may do what with objects: one S3 account per service, each with no more than its work needs.

Written as S3 policies, which SeaweedFS, AWS, MinIO and Ceph understand alike.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Account:
    """An access key and its secret."""

    access_key: str
    secret_key: str


@dataclass(frozen=True)
class _Rights:
    """Prefixes whose objects a worker may read, and those under which it may store some."""

    reads: tuple[str, ...]
    writes: tuple[str, ...]


GATEWAY = "gateway"
_WORKERS = {
    # A manifest is read before it is written anew, and a depth map for lifting. Under `calls/` is what callers of gRPC
    # bring and get.
    "ai": _Rights(reads=("sources/*", "splats/*", "depth/*", "calls/*"), writes=("splats/*", "depth/*")),
    "converter": _Rights(reads=("splats/*", "calls/*"), writes=("splats/*", "calls/*")),
}
SERVICES = (GATEWAY, *_WORKERS)
"""Every service that has an account."""
_CANARY = "canary"
"""The object by which everybody sees that objects can be read."""


def policy(service: str, buckets: tuple[str, ...]) -> dict[str, Any]:
    """What a service may do in these buckets, as an S3 policy. Raises KeyError for a service that has no account.

    The gateway makes the bucket, lists it and deletes objects; a worker reads and stores objects under its prefixes.
    Nobody deletes a bucket, or changes what else may be done with it.
    """
    arns = [f"arn:aws:s3:::{bucket}" for bucket in buckets]
    if service == GATEWAY:
        statements = [
            _allow(["CreateBucket", "ListBucket", "GetBucketLocation", "ListBucketMultipartUploads"], arns),
            _allow(
                ["GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload", "ListMultipartUploadParts"],
                _within(arns, ("*",)),
            ),
        ]
    else:
        rights = _WORKERS[service]
        statements = [
            _allow(["GetObject"], _within(arns, (*rights.reads, _CANARY))),
            _allow(["PutObject", "AbortMultipartUpload"], _within(arns, rights.writes)),
        ]
    return {"Version": "2012-10-17", "Statement": statements}


def identities(accounts: Mapping[str, Account], buckets: tuple[str, ...]) -> dict[str, Any]:
    """SeaweedFS's S3 configuration: an identity for each service's account, with its policy."""
    return {
        "identities": [
            {
                "name": name,
                "credentials": [{"accessKey": account.access_key, "secretKey": account.secret_key}],
                "policyNames": [name],
            }
            for name, account in accounts.items()
        ],
        "policies": [{"name": name, "content": json.dumps(policy(name, buckets))} for name in accounts],
    }


def _within(arns: list[str], patterns: tuple[str, ...]) -> list[str]:
    return [f"{arn}/{pattern}" for arn in arns for pattern in patterns]


def _allow(actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [f"s3:{action}" for action in actions], "Resource": resources}
