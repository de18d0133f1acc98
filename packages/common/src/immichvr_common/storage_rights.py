"""Who may do what with objects: one S3 account per service, each with no more than its work needs.

Written as S3 policies, which SeaweedFS, AWS, MinIO and Ceph understand alike.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from immichvr_catalog import ASSETS, GATEWAY, SERVICES, SOURCES, assets_of, kinds_of


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


_SOURCES, _CALLS = "sources/*", "calls/*"
"""Copies of what assets are made from; what callers of gRPC bring and get."""
PARTS = "parts"
"""What jobs keep while they work, each under its own id, which begins with its kind."""
_CANARY = "canary"
"""The object by which everybody sees that objects can be read."""


def policy(service: str, buckets: tuple[str, ...]) -> dict[str, Any]:
    """What a service may do in these buckets, as an S3 policy. Raises UnknownName for a service that is none.

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
        rights = _rights(service)
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


def _rights(service: str) -> _Rights:
    """What the jobs of a service take, make, extend and keep. A manifest is read before it is written anew."""
    taken = {name for kind in kinds_of(service) for name in kind.takes}
    made = tuple(f"{ASSETS[name].root}/*" for name in ASSETS if name in assets_of(service))
    read = tuple(f"{ASSETS[name].root}/*" for name in ASSETS if name in taken | assets_of(service))
    parts = [f"{PARTS}/{kind.name}-*" for kind in kinds_of(service) if kind.keeps_parts]
    return _Rights(
        reads=(*([_SOURCES] if taken & set(SOURCES) else []), *read, *parts, _CALLS),
        writes=(*made, *parts, *([_CALLS] if SERVICES[service].stores_answers else [])),
    )


def _within(arns: list[str], patterns: tuple[str, ...]) -> list[str]:
    return [f"{arn}/{pattern}" for arn in arns for pattern in patterns]


def _allow(actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [f"s3:{action}" for action in actions], "Resource": resources}
